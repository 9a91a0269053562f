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

/// Whether `c` is a joiner that does its work between its neighbours: between letters of a script whose letters join,
/// as in the Persian `می\u{200c}خواهم`, or inside of an emoji of several. Anywhere else it only hides.
pub fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let both = |is: fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
    match c {
        '\u{200c}' => both(is_joining),
        '\u{200d}' => both(is_joining) || both(is_pictographic),
        _ => false,
    }
}

/// Returns each character of `text` with whether a reader misses it where it stands.
///
/// ```
/// let hidden = |text| countersign_protocol::invisible::marked(text).filter(|(_, is)| *is).count();
/// assert_eq!(hidden("می\u{200c}خواهم"), 0);
/// assert_eq!(hidden("pay\u{200c}load"), 1);
/// ```
pub fn marked(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let is_hidden = hides(c) && !joins(before, c, chars.peek().copied());
        before = Some(c);
        Some((c, is_hidden))
    })
}

/// Whether `c` is a letter, sign or digit of a script that needs joiners to be written: Arabic and its neighbours,
/// the scripts of India and of Southeast Asia, Tibetan, Mongolian.
fn is_joining(c: char) -> bool {
    let is_in_script = matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}'
        | '\u{1700}'..='\u{18af}' | '\u{1a00}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}'
        | '\u{1cd0}'..='\u{1cff}' | '\u{a800}'..='\u{a8ff}' | '\u{a930}'..='\u{aaff}'
        | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10a00}'..='\u{10aff}' | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}');
    is_in_script && !hides(c)
}

/// Whether `c` is a picture, a colour of skin, or what makes a character a picture.
fn is_pictographic(c: char) -> bool {
    matches!(c,
        '\u{fe0f}' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// The characters of free text that a reader would miss, each once, in order. Line breaks and tabs are
/// fine, and so are the joiners inside emoji and between letters of scripts that need them.
pub fn in_text(text: &str) -> Vec<char> {
    let mut seen = Vec::new();
    let mut chars = marked(text).peekable();
    while let Some((c, is_hidden)) = chars.next() {
        let fine = match c {
            '\n' | '\t' => true,
            '\r' => chars.peek().is_some_and(|(after, _)| *after == '\n'),
            _ => !c.is_control() && !is_hidden,
        };
        if !fine && !seen.contains(&c) {
            seen.push(c);
        }
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
    fn joiners_need_their_script() {
        let hidden = |text: &str| marked(text).filter(|(_, is_hidden)| *is_hidden).count();
        for text in [
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ක්\u{200d}ර",
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "👩🏽\u{200d}🚀",
            "🏳\u{fe0f}\u{200d}🌈",
        ] {
            assert_eq!(hidden(text), 0, "{text:?}");
        }
        for text in [
            "pay\u{200c}load",
            "é\u{200d}é",
            "می\u{200c}",
            "\u{200d}💻",
            "می\u{200c}\u{200c}خواهم",
            "م\u{202e}ی",
        ] {
            assert!(hidden(text) > 0, "{text:?}");
        }
    }

    #[test]
    fn what_a_reader_would_miss_is_named_once() {
        assert_eq!(in_text("a\u{202e}b\u{202e}\0"), ['\u{202e}', '\0']);
        assert_eq!(in_text("pay\u{200d}load\r"), ['\u{200d}', '\r']);
        assert_eq!(in_text("\u{e0041}\u{feff}"), ['\u{e0041}', '\u{feff}']);
    }
}
