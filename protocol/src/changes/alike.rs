//! How much two texts have in common.

use std::collections::HashMap;

/// How many percent of the longer text the other one shares, line by line and wherever the lines stand.
/// `None` for what is no text.
pub fn alike(one: &[u8], other: &[u8]) -> Option<u8> {
    if one.contains(&0) || other.contains(&0) {
        return None;
    }
    let longer = one.len().max(other.len());
    if longer == 0 {
        return None;
    }
    let mut lines: HashMap<&[u8], usize> = HashMap::new();
    for line in one.split_inclusive(|byte| *byte == b'\n') {
        *lines.entry(line).or_default() += 1;
    }
    let mut shared = 0;
    for line in other.split_inclusive(|byte| *byte == b'\n') {
        if let Some(left) = lines.get_mut(line).filter(|left| **left > 0) {
            *left -= 1;
            shared += line.len();
        }
    }
    u8::try_from(shared * 100 / longer).ok()
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn shared_lines_count_by_their_length_wherever_they_stand() {
        assert_eq!(alike(b"a\nb\nc\nd\n", b"d\na\nb\nc\n"), Some(100));
        assert_eq!(alike(b"a\nb\nc\nd\n", b"a\nb\nx\ny\n"), Some(50));
        assert_eq!(alike(b"a\na\n", b"a\nb\n"), Some(50));
        assert_eq!(alike(b"one", b"two"), Some(0));
    }

    #[test]
    fn what_is_no_text_is_like_nothing() {
        assert_eq!(alike(b"a\0", b"a\0"), None);
        assert_eq!(alike(b"", b""), None);
    }
}
