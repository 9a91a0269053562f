//! `Range` with one part (RFC 9110, section 14). Several parts are answered with the whole file,
//! as the section allows.

use http::{HeaderMap, Method, header};

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything.
    Whole,
    /// From the first to the last byte, both included.
    Some(u64, u64),
    /// Nothing of the file is in the range.
    Outside,
}

/// The part that `headers` ask for, of a file of `size` bytes with the entity tag `tag`. Only `GET` knows
/// parts (section 14.2).
pub(super) fn wanted(method: &Method, headers: &HeaderMap, tag: &str, size: u64) -> Part {
    if method != Method::GET {
        return Part::Whole;
    }
    let current = headers
        .get(header::IF_RANGE)
        .is_none_or(|known| known == tag);
    let spec = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("bytes="));
    match spec.and_then(parse) {
        Some(range) if current => range.within(size),
        _ => Part::Whole,
    }
}

enum Range {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn parse(spec: &str) -> Option<Range> {
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first, last) {
        ("", last) => Some(Range::Last(number(last)?)),
        (first, "") => Some(Range::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::Between(first, last))
        }
    }
}

impl Range {
    fn within(self, size: u64) -> Part {
        let (first, last) = match self {
            Self::Last(0) => return Part::Outside,
            Self::Last(count) => (size.saturating_sub(count), u64::MAX),
            Self::From(first) => (first, u64::MAX),
            Self::Between(first, last) => (first, last),
        };
        match size.checked_sub(1) {
            Some(end) if first <= end => Part::Some(first, last.min(end)),
            _ => Part::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn ask(range: &'static str, size: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(range));
        wanted(&Method::GET, &headers, "\"t\"", size)
    }

    #[test]
    fn one_part_is_cut_to_the_file_and_odd_ones_are_the_whole() {
        for (range, size, part) in [
            ("bytes=0-", 10, Part::Some(0, 9)),
            ("bytes=0-0", 10, Part::Some(0, 0)),
            ("bytes=9-99", 10, Part::Some(9, 9)),
            ("bytes=-3", 10, Part::Some(7, 9)),
            ("bytes=-30", 10, Part::Some(0, 9)),
            ("bytes=10-", 10, Part::Outside),
            ("bytes=-0", 10, Part::Outside),
            ("bytes=0-", 0, Part::Outside),
            ("bytes=99999999999999999999999-", 10, Part::Outside),
            ("bytes=0-99999999999999999999999", 10, Part::Some(0, 9)),
            ("bytes=4-2", 10, Part::Whole),
            ("bytes=0-1,4-5", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("bytes=a-b", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=", 10, Part::Whole),
            ("lines=0-1", 10, Part::Whole),
        ] {
            assert_eq!(ask(range, size), part, "{range} of {size}");
        }
    }

    #[test]
    fn a_part_of_another_file_is_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"t\""));
        assert_eq!(
            wanted(&Method::GET, &headers, "\"t\"", 10),
            Part::Some(0, 1)
        );
        assert_eq!(wanted(&Method::GET, &headers, "\"u\"", 10), Part::Whole);
    }
}
