//! Letters without their case, and what a word is made of.
//!
//! Index, queries and the narrowing of patterns must agree on both, or answers would be left out.

/// One letter for all that differ from it by case only, in the sense of simple case folding (Unicode,
/// section 5.18): `ſ`, `s` and `S` are `s`. It may join more letters than that, never fewer.
pub(super) fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    // Three pairs of the same letter whose capitals are several letters.
    let letter = match letter {
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        other => other,
    };
    let upper = single(letter.to_uppercase()).unwrap_or(letter);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

/// `text`, folded.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// Whether `letter` belongs to a word.
pub(super) fn is_word(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || letter == '_';
    }
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
