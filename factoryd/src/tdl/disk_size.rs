//! `template/disk/size`.
//!
//! A number and a unit, with spaces between them if one likes: `10` and `10G` are gibibytes, `10T` tebibytes, `10B` bytes;
//! `kB` to `YB` are powers of 1000 and `KiB` to `YiB` of 1024, in upper or lower case.

use super::problem::{Fault, Faults};
use super::values::cut_off;
use super::xml::Element;
use crate::report::quote;

const PATH: &str = "template/disk/size";
const PREFIXES: &str = "kmgtpezy";

/// Reads `size`, in bytes; `None` if it is empty.
pub(super) fn read(size: &Element<'_>, faults: &mut Faults) -> Option<u128> {
    let (text, whole) = (size.text(), size.whole_text());
    // Oz's schema looks at the whole text, its code only at what is before a comment.
    let parsed = match bytes(&text) {
        _ if text.is_empty() && fits_schema(&whole) => return None,
        Ok(_) if !fits_schema(&whole) => bytes(&whole),
        parsed => parsed,
    };
    match parsed {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            let message = format!("{} is not a disk size: {why}", quote(&whole));
            let fault = Fault::new("bad-disk-size", size.value_span(), PATH, message);
            let fault = fault.expected("a whole number and a unit: `10`, `10 GiB`, `500GB`, `2T`");
            faults.add(fault.maybe_hint(cut_off(size).or_else(|| hint(&whole))));
            None
        }
    }
}

fn fits_schema(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(' ');
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_prefix(|c| PREFIXES.contains(c)).unwrap_or(&unit);
    let unit = unit.strip_prefix('i').unwrap_or(unit);
    unit.strip_prefix('b').unwrap_or(unit).is_empty()
}

/// Answers a size in bytes, or why it is none.
pub(super) fn bytes(text: &str) -> Result<u128, &'static str> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    let unit = rest.trim_start_matches(' ');
    if text.starts_with([' ', '\t', '\n']) {
        return Err("white space before it");
    }
    if unit.ends_with([' ', '\t', '\n']) {
        return Err("white space after it");
    }
    if number.is_empty() {
        return Err("it does not begin with a digit");
    }
    let factor = factor(&unit.to_ascii_lowercase())?;
    let number: u128 = number.parse().map_err(|_| "it is too large")?;
    number.checked_mul(factor).ok_or("it is too large")
}

fn hint(text: &str) -> Option<String> {
    let lacking = format!("{}B", text.trim());
    let binary = format!("{}iB", text.trim());
    let known = bytes(&binary).is_ok();
    known.then(|| format!("write `{lacking}` (powers of 1000) or `{binary}` (powers of 1024)"))
}

fn factor(unit: &str) -> Result<u128, &'static str> {
    match unit {
        "" | "g" => return Ok(1 << 30),
        "t" => return Ok(1 << 40),
        "b" => return Ok(1),
        _ if unit.starts_with(['.', ',']) => return Err("it is not a whole number"),
        _ => {}
    }
    let mut letters = unit.chars();
    let power = letters.next().and_then(|prefix| PREFIXES.find(prefix));
    let power = u32::try_from(power.ok_or("its unit is not known")? + 1).unwrap_or(u32::MAX);
    match letters.as_str() {
        "b" => Ok(1000_u128.pow(power)),
        "ib" => Ok(1 << (10 * power)),
        _ => Err("its unit lacks a `B`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_ten_or_two() {
        assert_eq!(bytes("10"), Ok(10 << 30));
        assert_eq!(bytes("10  GB"), Ok(10_000_000_000));
        assert_eq!(bytes("1KiB"), Ok(1024));
        assert_eq!(bytes("10ZB"), Ok(10_u128.pow(22)));
        assert_eq!(bytes("1yib"), Ok(1 << 80));
        assert_eq!(bytes("007B"), Ok(7));
    }

    #[test]
    fn what_is_no_size_says_why() {
        assert_eq!(bytes("10M"), Err("its unit lacks a `B`"));
        assert_eq!(bytes("1.5G"), Err("it is not a whole number"));
        assert_eq!(bytes("10 potatoes"), Err("its unit lacks a `B`"));
        assert_eq!(bytes(&"9".repeat(60)), Err("it is too large"));
    }
}
