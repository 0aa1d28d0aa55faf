//! The forms of a secret that are searched for as they are.

use super::LEN_MIN;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Shorter lines of a secret, in bytes, are not searched for by themselves: `}` and `-----` are in many texts.
const LINE_LEN_MIN: usize = 6;

/// Where tools break base64: PEM does at 64 characters, `base64` and MIME at 76.
const WRAPS: [usize; 2] = [64, 76];

/// Answers the forms of a secret; none if it is too short to be hidden.
pub(super) fn of(secret: &str) -> Vec<Vec<u8>> {
    let secret = secret.trim();
    if secret.len() < LEN_MIN {
        return Vec::new();
    }
    let mut forms = vec![secret.as_bytes().to_vec()];
    forms.extend(lines(secret));
    forms.extend(base64(secret.as_bytes()));
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hexadecimal.to_uppercase().into_bytes());
    forms.push(hexadecimal.into_bytes());
    forms
}

/// Answers the lines of a secret that has more than one, and all of it without its white space.
fn lines(secret: &str) -> Vec<Vec<u8>> {
    let dense: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let mut forms = Vec::new();
    if secret.contains('\n') {
        let lines = secret.lines().map(str::trim).filter(|line| LINE_LEN_MIN <= line.len());
        forms.extend(lines.filter(|line| !is_common(line)).map(|line| line.as_bytes().to_vec()));
    }
    if dense.len() != secret.len() && LINE_LEN_MIN <= dense.len() {
        forms.push(dense.into_bytes());
    }
    forms
}

/// Tells whether a line is the same in everybody's secrets: the fences of PEM.
fn is_common(line: &str) -> bool {
    line.starts_with("-----") && line.ends_with("-----")
}

/// Answers the base64 of a secret wherever it begins within what is encoded: each byte of three. Characters that depend on
/// neighbours are left out.
fn base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for shift in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
        let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let inner = (shift * 8).div_ceil(6)..padded.len() * 8 / 6;
        forms.push(encoded[inner].to_vec());
        if shift == 0 {
            forms.push(encoded.clone());
            let wrapped = |width: usize| encoded.chunks(width).map(<[u8]>::to_vec);
            forms.extend(WRAPS.into_iter().flat_map(wrapped).filter(|line| 16 <= line.len()));
        }
    }
    let url_safe = forms.iter().filter(|form| form.iter().any(|c| b"+/".contains(c))).map(|form| {
        let swap = |c: &u8| match c {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        };
        form.iter().map(swap).collect()
    });
    let url_safe: Vec<Vec<u8>> = url_safe.collect();
    forms.extend(url_safe);
    forms
}
