//! Characters that a reader does not see, or that change what a reader sees.

/// Whether `c` is invisible or changes the direction of text: zero-width and filler characters,
/// bidirectional controls (UAX 9), tags, the variation selectors that can carry hidden bytes, and
/// annotation marks. Control characters are not counted here; `char::is_control` knows them.
pub fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The characters of free text that a reader would miss, each once, in order. Line breaks and tabs are
/// fine, and so are the joiners inside emoji and between letters of scripts that need them.
pub fn in_text(text: &str) -> Vec<char> {
    let mut seen = Vec::new();
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let fine = match c {
            '\n' | '\t' => true,
            '\r' => after == Some('\n'),
            '\u{200c}' | '\u{200d}' => {
                let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !hides(c));
                joins(before) && joins(after)
            }
            _ => !c.is_control() && !hides(c),
        };
        if !fine && !seen.contains(&c) {
            seen.push(c);
        }
        before = Some(c);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_of_any_script_is_fine() {
        for text in [
            "a\tb\r\nc\n",
            "Grüße",
            "👩\u{200d}💻 ❤\u{fe0f}",
            "می\u{200c}خواهم",
            "報告",
        ] {
            assert_eq!(in_text(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_a_reader_would_miss_is_named_once() {
        assert_eq!(in_text("a\u{202e}b\u{202e}\0"), ['\u{202e}', '\0']);
        assert_eq!(in_text("pay\u{200d}load\r"), ['\u{200d}', '\r']);
        assert_eq!(in_text("\u{e0041}\u{feff}"), ['\u{e0041}', '\u{feff}']);
    }
}
