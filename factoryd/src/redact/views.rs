//! Text as it reads once its encoding is undone, with the way back to where each byte came from.

use std::borrow::Cow;
use std::ops::Range;

/// A way to read a text.
pub(super) struct View<'v> {
    /// What it reads as.
    pub(super) bytes: &'v [u8],
    /// Where each byte came from; nothing if that is its own place.
    origins: Option<&'v [Range<usize>]>,
}

impl View<'_> {
    /// Answers where in the text a part of what it reads as is.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        match self.origins.map(|origins| &origins[range.clone()]) {
            Some([first, .., last]) => first.start..last.end,
            Some([only]) => only.clone(),
            Some([]) | None => range,
        }
    }
}

/// A decoded text: its bytes, and where each came from.
struct Decoded {
    bytes: Vec<u8>,
    origins: Vec<Range<usize>>,
}

/// One encoded unit: what it stands for, and how long it is.
type Unit = (Cow<'static, [u8]>, usize);

/// Shows each way to read a text: as it is, and decoded wherever it may be encoded.
pub(super) fn each(text: &[u8], mut show: impl FnMut(&View<'_>)) {
    show(&View { bytes: text, origins: None });
    let has = |byte: u8| text.contains(&byte);
    let mut look = |decoded: &Decoded| {
        show(&View { bytes: &decoded.bytes, origins: Some(&decoded.origins) });
    };
    if has(b'%') {
        look(&decode(text, percent));
    }
    if has(b'+') {
        look(&decode(text, form));
    }
    if has(b'&') {
        look(&decode(text, entity));
    }
    if has(b'\\') {
        let once = decode(text, escape);
        look(&once);
        if is_broken(&once.bytes) {
            look(&dense(&once));
        }
        if once.bytes.contains(&b'\\') {
            look(&again(&once, escape));
        }
    }
    if is_broken(text) {
        look(&dense(&itself(text)));
    }
}

/// Tells whether a text has more than one line.
fn is_broken(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

fn itself(text: &[u8]) -> Decoded {
    Decoded { bytes: text.to_vec(), origins: (0..text.len()).map(|at| at..at + 1).collect() }
}

fn decode(text: &[u8], unit: fn(&[u8]) -> Option<Unit>) -> Decoded {
    let mut decoded =
        Decoded { bytes: Vec::with_capacity(text.len()), origins: Vec::with_capacity(text.len()) };
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let Some((bytes, len)) = unit(&text[at..]) else {
            decoded.origins.push(at..at + 1);
            decoded.bytes.push(*byte);
            at += 1;
            continue;
        };
        decoded.origins.extend(bytes.iter().map(|_| at..at + len));
        decoded.bytes.extend_from_slice(&bytes);
        at += len;
    }
    decoded
}

/// Decodes what was decoded once more.
fn again(once: &Decoded, unit: fn(&[u8]) -> Option<Unit>) -> Decoded {
    let twice = decode(&once.bytes, unit);
    let origin = |at: &Range<usize>| once.origins[at.start].start..once.origins[at.end - 1].end;
    Decoded { origins: twice.origins.iter().map(origin).collect(), ..twice }
}

/// Leaves the white space out.
fn dense(from: &Decoded) -> Decoded {
    let all = from.bytes.iter().zip(&from.origins);
    let kept = all.filter(|(byte, _)| !byte.is_ascii_whitespace());
    let (bytes, origins) = kept.map(|(byte, origin)| (*byte, origin.clone())).unzip();
    Decoded { bytes, origins }
}

fn byte(value: u32, len: usize) -> Option<Unit> {
    Some((Cow::Owned(vec![u8::try_from(value).ok()?]), len))
}

fn character(value: u32, len: usize) -> Option<Unit> {
    let mut buffer = [0; 4];
    let text = char::from_u32(value)?.encode_utf8(&mut buffer);
    Some((Cow::Owned(text.as_bytes().to_vec()), len))
}

fn digits(text: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(text, radix).ok())?
}

/// `%2B`
fn percent(text: &[u8]) -> Option<Unit> {
    text.strip_prefix(b"%").and_then(|rest| byte(digits(rest.get(..2)?, 16)?, 3))
}

/// `+` for a space, besides `%2B`.
fn form(text: &[u8]) -> Option<Unit> {
    if text.starts_with(b"+") { Some((Cow::Borrowed(b" "), 1)) } else { percent(text) }
}

/// `&amp;`, `&#38;`, `&#x26;`
fn entity(text: &[u8]) -> Option<Unit> {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let name = text[..end].strip_prefix(b"&")?;
    let plain: &'static [u8] = match name {
        b"amp" => b"&",
        b"lt" => b"<",
        b"gt" => b">",
        b"quot" => b"\"",
        b"apos" => b"'",
        _ => {
            let number = name.strip_prefix(b"#")?;
            let value = match number.strip_prefix(b"x").or_else(|| number.strip_prefix(b"X")) {
                Some(hexadecimal) => digits(hexadecimal, 16),
                None => digits(number, 10),
            };
            return character(value?, end + 1);
        }
    };
    Some((Cow::Borrowed(plain), end + 1))
}

/// `\n`, `\"`, `\u00fc`, `\u{fc}`, `\xfc`, pairs of surrogates
fn escape(text: &[u8]) -> Option<Unit> {
    let rest = text.strip_prefix(b"\\")?;
    let plain: &'static [u8] = match rest.first()? {
        b'n' => b"\n",
        b'r' => b"\r",
        b't' => b"\t",
        b'b' => b"\x08",
        b'f' => b"\x0c",
        b'0' => b"\0",
        b'x' => return byte(digits(rest.get(1..3)?, 16)?, 4),
        b'u' => return unicode(&rest[1..]),
        b'"' => b"\"",
        b'\'' => b"'",
        b'\\' => b"\\",
        b'/' => b"/",
        _ => return None,
    };
    Some((Cow::Borrowed(plain), 2))
}

/// What follows `\u`.
fn unicode(text: &[u8]) -> Option<Unit> {
    if let Some(braced) = text.strip_prefix(b"{") {
        let end = braced.iter().take(7).position(|byte| *byte == b'}')?;
        return character(digits(&braced[..end], 16)?, end + 4);
    }
    let high = digits(text.get(..4)?, 16)?;
    if !(0xd800..0xdc00).contains(&high) {
        return character(high, 6);
    }
    let low = digits(text.get(4..)?.strip_prefix(b"\\u")?.get(..4)?, 16)?;
    character(0x10000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?, 12)
}
