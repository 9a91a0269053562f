//! HTML pages as text: no scripts, no styles, a line for each block. There is no tree, so depth costs
//! nothing.

use std::cell::RefCell;

use countersign_protocol::content::{Body, Cut, FindingCode, Html, Place, decode};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

use super::{Bytes, Draft, all};

/// Most bytes of a page that are read.
const SIZE: u64 = 32 << 20;

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let bytes = all(file, SIZE)?;
    let (text, page) = text_of(&decode(&bytes, true).text);
    if page.scripts > 0 {
        let message = format!("It has scripts, which are not run here: {}.", page.scripts);
        draft.content.find(FindingCode::Scripts, message);
    }
    draft.content.body = Body::Html(page);
    draft.say(Place::Whole, text);
    Ok(())
}

/// The text of a page or of a piece of one, and its facts.
pub(super) fn text_of(source: &str) -> (String, Html) {
    let sink = Sink::default();
    let input = BufferQueue::default();
    // In pieces, so that no piece reaches the size that a tendril can hold.
    let mut rest = source;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(1 << 20));
        input.push_back(StrTendril::from(piece));
        rest = after;
    }
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let seen = tokenizer.sink.0.into_inner();
    let lines: Vec<&str> = seen
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let title = seen.title.trim();
    let page = Html {
        title: (!title.is_empty()).then(|| title.chars().take(300).collect()),
        scripts: seen.scripts,
    };
    (lines.join("\n"), page)
}

#[derive(Default)]
struct Seen {
    text: String,
    title: String,
    scripts: u32,
    /// The element whose characters are not words of the page.
    within: Option<Raw>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Raw {
    Title,
    Silent,
}

#[derive(Default)]
struct Sink(RefCell<Seen>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut seen = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(characters) => match seen.within {
                None => seen.say(&characters),
                Some(Raw::Title) => seen.title.push_str(&characters),
                Some(Raw::Silent) => {}
            },
            Token::TagToken(tag) => return seen.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Seen {
    /// Spaces of the source, breaks among them, are one space on the page.
    fn say(&mut self, characters: &str) {
        for c in characters.chars() {
            if !c.is_whitespace() || c == '\u{a0}' {
                self.text.push(c);
            } else if !self.text.ends_with([' ', '\n', '\t']) {
                self.text.push(' ');
            }
        }
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let starts = tag.kind == TagKind::StartTag;
        if starts {
            let handlers = tag.attrs.iter().any(|attribute| {
                attribute.name.local.starts_with("on")
                    || attribute
                        .value
                        .trim_start()
                        .to_ascii_lowercase()
                        .starts_with("javascript:")
            });
            self.scripts += u32::from(handlers);
        }
        match (&*tag.name, starts) {
            ("script", true) => {
                self.scripts += 1;
                self.within = Some(Raw::Silent);
                return TokenSinkResult::RawData(RawKind::ScriptData);
            }
            ("style" | "noscript" | "iframe" | "noembed" | "noframes" | "xmp", true) => {
                self.within = Some(Raw::Silent);
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            ("title", true) if self.title.is_empty() => {
                self.within = Some(Raw::Title);
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            ("textarea", true) => return TokenSinkResult::RawData(RawKind::Rcdata),
            (
                "script" | "style" | "noscript" | "iframe" | "noembed" | "noframes" | "xmp"
                | "title",
                false,
            ) => self.within = None,
            ("td" | "th", true) => self.text.push('\t'),
            ("img", true) => {
                let alt = tag
                    .attrs
                    .iter()
                    .find(|attribute| &*attribute.name.local == "alt");
                if let Some(alt) = alt {
                    self.say(&alt.value);
                }
            }
            (
                "p" | "div" | "br" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre"
                | "section" | "article" | "header" | "footer" | "table" | "ul" | "ol" | "dl" | "dt"
                | "dd" | "blockquote" | "hr" | "option" | "figcaption" | "main" | "nav" | "form",
                _,
            ) => self.text.push('\n'),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_scripts_go() {
        let source = "<!DOCTYPE html><title>A &amp; B</title><style>p{}</style>\
            <h1>Big  \n news</h1><script>alert('no <p>')</script><p onclick=x>one<br>two &lt;3\
            <table><tr><td>a<td>b</table><a href='javascript:1'>link</a>";
        let (text, page) = text_of(source);
        assert_eq!(text, "Big news\none\ntwo <3\na\tb\nlink");
        assert_eq!(page.title.as_deref(), Some("A & B"));
        assert_eq!(page.scripts, 3);
    }

    #[test]
    fn depth_and_broken_tags_cost_nothing() {
        let (text, _) = text_of(&format!(
            "{}deep{}",
            "<div>".repeat(100_000),
            "<b ".repeat(1000)
        ));
        assert_eq!(text, "deep");
        assert_eq!(text_of("<script>alert(1)").0, "");
    }
}
