//! The shapes of text that have a grammar.

use jiff::Timestamp;

use super::rule::Rule;

/// Digits of a fraction of a second that are kept.
const MAX_DIGITS: usize = 9;

/// Whether `said` has the grammar of `rule`. Free text and paths have their own checks.
pub(super) fn fits(rule: &Rule, said: &str) -> bool {
    match rule {
        Rule::Id => is_id(said),
        Rule::Time => time(said).is_some(),
        Rule::Media => is_media(said),
        Rule::Sha256 => said.len() == 64 && said.bytes().all(is_lower_hex),
        Rule::Traceparent => is_traceparent(said),
        Rule::Amount => is_amount(said),
        Rule::Currency => said.len() == 3 && said.bytes().all(|b| b.is_ascii_uppercase()),
        _ => true,
    }
}

/// The time that `said` writes, when it is a full date and time with offset (RFC 3339, section 5.6).
pub(super) fn time(said: &str) -> Option<Timestamp> {
    let bytes = said.as_bytes();
    let (head, tail) = bytes.split_at_checked(19)?;
    let shape = b"0000-00-00T00:00:00";
    let matches = |bytes: &[u8], shape: &[u8]| {
        bytes.len() == shape.len()
            && bytes.iter().zip(shape).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                _ => byte.eq_ignore_ascii_case(like),
            })
    };
    let (digits, offset) = match tail.strip_prefix(b".") {
        None => (0, tail),
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            (digits, &rest[digits..])
        }
    };
    let zoned = offset.eq_ignore_ascii_case(b"Z")
        || matches(offset, b"+00:00")
        || matches(offset, b"-00:00");
    if !matches(head, shape) || !zoned {
        return None;
    }
    if digits <= MAX_DIGITS {
        return said.parse().ok();
    }
    // Finer than a nanosecond: some languages write twelve digits.
    let kept = said.get(..20 + MAX_DIGITS)?;
    let offset = said.get(20 + digits..)?;
    format!("{kept}{offset}").parse().ok()
}

/// `said` in quotes and short enough for a message, with everything unusual escaped.
pub(super) fn quoted(said: &str) -> String {
    let mut short: String = said.chars().take(40).collect();
    if short.len() < said.len() {
        short.push('…');
    }
    let mut shown = String::from("\"");
    for (c, is_hidden) in crate::invisible::marked(&short) {
        if c.is_control() || is_hidden {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown.push('"');
    shown
}

fn is_id(said: &str) -> bool {
    let extra = |b: u8| b.is_ascii_alphanumeric() || b"._:@+/-".contains(&b);
    said.len() <= 128
        && said
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric())
        && said.bytes().all(extra)
}

fn is_media(said: &str) -> bool {
    let name = |part: &str| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let (essence, parameters) = said.split_once(';').unwrap_or((said, ""));
    said.len() <= 127
        && essence
            .split_once('/')
            .is_some_and(|(a, b)| name(a) && name(b))
        && parameters.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn is_traceparent(said: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<_> = said.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(is_lower_hex))
}

fn is_amount(said: &str) -> bool {
    let digits =
        |s: &str, most| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    match said.split_once('.') {
        None => digits(said, 12),
        Some((whole, fraction)) => digits(whole, 12) && digits(fraction, 9),
    }
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests;
