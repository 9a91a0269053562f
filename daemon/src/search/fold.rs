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

/// Whether `letter` belongs to a word: letters, digits, and the marks of scripts without spaces.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || stands_alone(letter)
}

/// Whether `letter` is a word by itself: the scripts that put no space between words. There a tone or vowel
/// mark is one as well, since it tells words apart.
pub(super) fn stands_alone(letter: char) -> bool {
    matches!(
        u32::from(letter),
        // Thai, but for the sign of the baht; Lao.
        0x0E01..=0x0E3A | 0x0E40..=0x0E4E | 0x0E81..=0x0ECE
            // Myanmar, Khmer.
            | 0x1000..=0x103F
            | 0x1050..=0x109F
            | 0x1780..=0x17D3
            // Tai Le, New Tai Lue, Tai Tham, Balinese, Javanese.
            | 0x1950..=0x1974
            | 0x1980..=0x19C9
            | 0x1A20..=0x1A7C
            | 0x1B00..=0x1B4C
            | 0xA980..=0xA9C0
            // Han and kana.
            | 0x3005..=0x3007
            | 0x3041..=0x3096
            | 0x30A1..=0x30FA
            | 0x30FC..=0x30FF
            | 0x31F0..=0x31FF
            | 0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0xFF66..=0xFF9F
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
