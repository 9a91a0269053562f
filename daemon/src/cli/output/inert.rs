//! Text that others wrote, made harmless for a terminal.

use countersign_protocol::invisible;

/// One line: control characters, line ends and what turns the reading direction become `�`.
pub(crate) fn inert(text: &str) -> String {
    harmless(text, &[])
}

/// The same with its line ends and tabs.
pub(crate) fn inert_lines(text: &str) -> String {
    harmless(text, &['\n', '\t'])
}

/// Joiners stay where a script needs them.
fn harmless(text: &str, kept: &[char]) -> String {
    let mut chars = text.chars().peekable();
    let mut before = None;
    let mut shown = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let joins = invisible::joins(before, c, chars.peek().copied());
        before = Some(c);
        let is_kept = kept.contains(&c) || joins || !harmful(c);
        shown.push(if is_kept { c } else { '\u{fffd}' });
    }
    shown
}

/// Escape sequences need a control character; hidden and turned text needs one of the others
/// (Unicode 16, sections 23.2 and 23.3, and the deprecated tag characters).
fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns a path as one word of a command that a person copies into a shell.
pub(crate) fn shell_word(path: &std::path::Path) -> String {
    let text = inert(&path.display().to_string());
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
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

    #[test]
    fn keeps_joiners_of_scripts() {
        assert_eq!(inert("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(inert("pay\u{200c}load"), "pay\u{fffd}load");
    }

    #[test]
    fn quotes_paths_for_shell() {
        for (path, word) in [
            ("/home/a/demo", "/home/a/demo"),
            ("/home/a b", "'/home/a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME;rm", "'$HOME;rm'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(std::path::Path::new(path)), word);
        }
    }
}
