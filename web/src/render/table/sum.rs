//! What a column sums up to, exactly.

use super::Table;

/// The exact sum of a column whose cells are all decimal numbers or empty, when it has any.
pub(super) fn total(table: &Table, column: usize) -> Option<String> {
    /// Digits after the point that are kept.
    const SCALE: usize = 9;
    let mut sum = 0_i128;
    let mut places = 0;
    let mut any = false;
    for row in &table.rows {
        let text = row.get(column).map_or("", |value| value.trim());
        if text.is_empty() {
            continue;
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 20
            || part.len() > SCALE
            || !digits(whole)
            || !digits(part)
        {
            return None;
        }
        let scaled: i128 = format!("{whole}{part:0<SCALE$}").parse().ok()?;
        sum = sum.checked_add(if negative { -scaled } else { scaled })?;
        places = places.max(part.len());
        any = true;
    }
    let unit = 10_i128.pow(9);
    let sign = if sum < 0 { "−" } else { "" };
    let part = format!("{:09}", sum.unsigned_abs() % unit.unsigned_abs());
    let whole = group(&(sum.unsigned_abs() / unit.unsigned_abs()).to_string());
    let point = if places > 0 { "." } else { "" };
    any.then(|| format!("{sign}{whole}{point}{}", &part[..places]))
}

/// Digits in groups of three.
fn group(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
