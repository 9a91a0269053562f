//! Letters without their case, and what a word is made of.
//!
//! Index, queries and the narrowing of patterns must agree on both, or answers would be left out.

use unicode_normalization::UnicodeNormalization as _;

pub(super) use countersign_protocol::query::glob::{fold, folded};

/// Returns a path or a piece of one without case and in Unicode normalisation form C: files from a Mac have their
/// names in form D.
pub(super) fn folded_path(path: &str) -> String {
    if path.is_ascii() {
        return folded(path);
    }
    folded(&path.nfc().collect::<String>())
}

/// Whether `letter` belongs to a word.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// Whether `letter` is a word by itself: the scripts that put no space between words.
pub(super) fn stands_alone(letter: char) -> bool {
    matches!(
        u32::from(letter),
        0x3005..=0x3007
            | 0x3041..=0x3096
            | 0x30A1..=0x30FA
            | 0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x323AF
    )
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    use super::*;

    /// What the engine of patterns takes for the same letter must be the same letter here.
    #[test]
    fn folding_joins_whatever_a_pattern_without_case_joins() {
        for letter in '\0'..=char::MAX {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
            class
                .try_case_fold_simple()
                .expect("the tables are built in");
            for range in class.ranges() {
                for same in range.start()..=range.end() {
                    assert_eq!(fold(same), fold(letter), "{same:?} and {letter:?}");
                    assert_eq!(is_word(same), is_word(letter), "{same:?} and {letter:?}");
                }
            }
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for letter in '\0'..=char::MAX {
            assert_eq!(fold(fold(letter)), fold(letter), "{letter:?}");
        }
    }
}
