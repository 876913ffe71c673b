//! IA5 (T.50) text in elements: displays, keys, digits.

use crate::limits::Q931_DIGITS_MAX;

/// The text of a display. North American exchanges put one octet with bit 8 in front; it says what
/// kind of text follows and is skipped. What is no graphic character becomes `?`.
pub(crate) fn read_display(content: &[u8]) -> Option<String> {
    let content = match content.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => rest,
        _ => content,
    };
    (!content.is_empty()).then(|| content.iter().map(|octet| graphic(*octet)).collect())
}

/// The text of a display, if every octet is a graphic character.
pub(crate) fn plain(content: &[u8]) -> Option<String> {
    let fine = !content.is_empty() && content.iter().all(|octet| is_graphic(*octet));
    fine.then(|| content.iter().map(|octet| char::from(*octet)).collect())
}

/// Digits or keys: bit 8 is spare, everything else must be a graphic character.
pub(crate) fn read_digits(content: &[u8]) -> Option<String> {
    let fine = content.iter().all(|octet| is_graphic(octet & 0x7F));
    fine.then(|| content.iter().map(|octet| char::from(octet & 0x7F)).collect())
}

/// Writes a display; the caller cuts it off.
pub(crate) fn emit_display(text: &str, out: &mut Vec<u8>) {
    out.extend(text.chars().map(|c| if c.is_ascii() { graphic(c as u8) as u8 } else { b'?' }));
}

/// Writes digits or keys, at most [`Q931_DIGITS_MAX`]; what is no graphic character of IA5 is left
/// out.
pub(crate) fn emit_digits(digits: &str, out: &mut Vec<u8>) {
    out.extend(digits.bytes().filter(|octet| is_graphic(*octet)).take(Q931_DIGITS_MAX));
}

fn graphic(octet: u8) -> char {
    if is_graphic(octet) { char::from(octet) } else { '?' }
}

const fn is_graphic(octet: u8) -> bool {
    octet.is_ascii_graphic() || octet == b' '
}
