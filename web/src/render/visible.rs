//! Characters that cannot be seen, or that move other text, written out.
//!
//! A reviewer approves what is on the screen. A right-to-left override, a zero-width joiner or a
//! control character makes the screen differ from the bytes (Unicode Technical Report 36, section 2.5),
//! so each is shown by its code point, for example `‹U+202E›`. Joiners where a script needs them are part of the word.

use std::{borrow::Cow, fmt::Write as _};

use countersign_protocol::invisible;

/// `text` with every hidden character written as `‹U+…›`. Line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Most text is short and plain.
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let ends_line = c == '\r' && after == Some('\n');
        let joins = invisible::joins(before, c, after);
        before = Some(c);
        if is_hidden(c) && !ends_line && !joins {
            // Writing to a string cannot fail.
            let _ = write!(shown, "‹U+{:04X}›", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A JSON text with every hidden character written as an escape (RFC 8259, section 7), so that it means the same.
/// Without escapes such a character can stand in strings only.
pub fn visible_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// How many hidden characters `text` has, carriage returns at line ends not counted.
pub fn hidden_count(text: &str) -> usize {
    let mut chars = text.chars().peekable();
    let mut before = None;
    let mut count = 0;
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let ends_line = c == '\r' && after == Some('\n');
        let joins = invisible::joins(before, c, after);
        count += usize::from(is_hidden(c) && !ends_line && !joins);
        before = Some(c);
    }
    count
}

/// Whether a reader cannot see the character, or it changes the order of others.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // C0 and C1 controls, DEL.
        c if c.is_control() => true,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul and Khmer fillers,
        // Mongolian separators and selectors.
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{3164}' | '\u{FFA0}'
        // Zero-width characters, marks, embeddings, overrides, isolates, invisible operators.
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        // Variation selectors except those that emoji use, byte order mark, interlinear notes.
        | '\u{FE00}'..='\u{FE0D}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        // Musical formatting, tags, variation selectors supplement.
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in [
            "",
            "a\tb\nc",
            "naïve Čevapčići 日本 العربية ❤️",
            "two\r\nlines\r\n",
            "می\u{200C}خواهم 👩\u{200D}💻",
        ] {
            assert_eq!(visible(text), text);
            assert_eq!(hidden_count(text), 0, "{text:?}");
        }
    }

    #[test]
    fn hidden_characters_are_written_out() {
        for (text, shown) in [
            ("invoice\u{202E}fdp.exe", "invoice‹U+202E›fdp.exe"),
            ("a\u{200B}b", "a‹U+200B›b"),
            ("\u{FEFF}x", "‹U+FEFF›x"),
            ("x\u{1b}[31m", "x‹U+001B›[31m"),
            ("nul\0", "nul‹U+0000›"),
            ("lone\rreturn", "lone‹U+000D›return"),
            ("tag\u{E0041}", "tag‹U+E0041›"),
            ("\u{2066}i\u{2069}", "‹U+2066›i‹U+2069›"),
            ("next\u{85}line\u{2028}", "next‹U+0085›line‹U+2028›"),
        ] {
            assert_eq!(visible(text), shown);
            assert!(hidden_count(text) > 0);
        }
    }

    #[test]
    fn json_means_the_same_when_all_of_it_can_be_seen() {
        let value = serde_json::json!({ "a\u{202E}": "b\u{E0041}\u{200B}\u{1b}\n" });
        let shown = visible_json(&format!("{value:#}"));
        assert_eq!(hidden_count(&shown), 0, "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, value);
    }
}
