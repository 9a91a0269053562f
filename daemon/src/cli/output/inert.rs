//! Text that others wrote, made harmless for a terminal.

/// One line: control characters, line ends and what turns the reading direction become `�`.
pub(crate) fn inert(text: &str) -> String {
    text.chars()
        .map(|c| if harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The same with its line ends and tabs.
pub(crate) fn inert_lines(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if harmful(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Escape sequences need a control character; hidden and turned text needs one of the others
/// (Unicode 16, sections 23.2 and 23.3, and the deprecated tag characters).
fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        let attack = "a\x1b[2J\x1b]0;x\x07\u{9b}31m\r\u{202e}b\u{200b}\nc\td";
        let line = inert(attack);
        assert!(!line.chars().any(harmful), "{line:?}");
        let lines = inert_lines(attack);
        assert_eq!(lines.matches('\n').count(), 1);
        assert!(!lines.replace(['\n', '\t'], "").chars().any(harmful));
        assert_eq!(inert("März 3 – 東京 🎉"), "März 3 – 東京 🎉");
    }
}
