//! The XML of Word, Excel and `PowerPoint` files (ECMA-376, part 1), and what all of them tell besides their
//! text.

use std::io::BufReader;

use countersign_protocol::content::{Cut, CutReason, FindingCode};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{Draft, cut, damaged, package::Package};

/// Most bytes that are read of one part.
const PART: u64 = 128 << 20;
/// Most of a title that is kept, in bytes.
const TITLE: usize = 1_000;
/// Most links that are named.
const LINKS: usize = 100;

/// What a reader of XML sees.
pub(super) enum Token<'a> {
    /// An element begins; `true` when it ends at once.
    Start(&'a BytesStart<'a>, bool),
    /// The element of this local name ends.
    End(&'a str),
    /// Characters.
    Text(&'a str),
}

/// Reads the part `name`, if there is one, and gives each token to `see`, until that says `false`.
/// Entities that a part defines are refused, not expanded; elements may nest as deep as they like, since
/// nothing is kept of them.
pub(super) fn part(
    package: &mut Package<'_>,
    name: &str,
    mut see: impl FnMut(Token<'_>) -> bool,
) -> Result<bool, Cut> {
    let Some(member) = package.open(name)? else {
        return Ok(false);
    };
    let mut xml = Reader::from_reader(BufReader::new(super::tarball::Bounded::new(member, PART)));
    xml.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let go_on = match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => see(Token::Start(&start, false)),
            Ok(Event::Empty(start)) => see(Token::Start(&start, true)),
            Ok(Event::End(end)) => see(Token::End(end.local_name().as_ref())),
            Ok(Event::Text(text)) => see(Token::Text(&text.xml10_content())),
            Ok(Event::CData(text)) => see(Token::Text(&text.xml10_content())),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) => see(Token::Text(c.encode_utf8(&mut [0; 4]))),
                Ok(None) => {
                    let known = quick_xml::escape::resolve_xml_entity(&reference.xml10_content());
                    see(Token::Text(known.unwrap_or("\u{fffd}")))
                }
                Err(error) => return Err(damaged(error)),
            },
            Ok(Event::DocType(_)) => {
                return Err(cut(
                    CutReason::Refused,
                    format!(
                        "`{name}` declares a document type, which office documents may not; its entities are not expanded."
                    ),
                ));
            }
            Ok(Event::Eof) => return Ok(true),
            Ok(_) => true,
            Err(quick_xml::Error::Io(error)) if super::tarball::is_full(&error) => {
                return Err(super::archive::too_much(PART));
            }
            Err(error) => return Err(damaged(error)),
        };
        if !go_on {
            return Ok(true);
        }
    }
}

/// The attribute with this local name.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .and_then(|attribute| {
            Some(
                attribute
                    .normalized_value(XmlVersion::default())
                    .ok()?
                    .into_owned(),
            )
        })
}

/// What every office document tells besides its text.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) title: Option<String>,
    pub(super) macros: bool,
    /// Where it would fetch something from when opened; links that a person must click are none.
    pub(super) external_links: Vec<String>,
}

pub(super) fn facts(package: &mut Package<'_>, draft: &mut Draft) -> Result<Facts, Cut> {
    let names: Vec<String> = package.names().take(super::archive::ENTRIES).collect();
    let mut facts = Facts {
        macros: names.iter().any(|name| name.ends_with("vbaProject.bin")),
        ..Facts::default()
    };
    for name in names.iter().filter(|name| name.contains("_rels/")) {
        for relation in package.read_relations(name)? {
            if relation.external
                && relation.kind != "hyperlink"
                && facts.external_links.len() < LINKS
                && !facts.external_links.contains(&relation.target)
            {
                facts.external_links.push(relation.target);
            }
        }
    }
    let (mut within, mut title) = (false, String::new());
    part(package, "docProps/core.xml", |token| {
        match token {
            Token::Start(element, _) => within = element.local_name().as_ref() == "title",
            Token::Text(text) if within && title.len() < TITLE => title.push_str(text),
            Token::Text(_) => {}
            Token::End(_) => within = false,
        }
        true
    })?;
    title.truncate(title.floor_char_boundary(TITLE));
    facts.title = Some(title.trim().to_owned()).filter(|title| !title.is_empty());
    if facts.macros {
        draft.content.find(
            FindingCode::Macros,
            "It carries macros, which run when it is opened elsewhere.",
        );
    }
    if !facts.external_links.is_empty() {
        let links = facts
            .external_links
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        draft.content.find(
            FindingCode::ExternalLinks,
            format!("It fetches from elsewhere when it is opened: {links}."),
        );
    }
    let embedded = names
        .iter()
        .filter(|name| name.contains("/embeddings/"))
        .count();
    if embedded > 0 {
        draft.content.find(
            FindingCode::EmbeddedFiles,
            format!("It carries embedded objects: {embedded}."),
        );
    }
    let is_picture = |name: &&String| {
        let name = name.to_ascii_lowercase();
        name.contains("/media/") && !name.ends_with('/')
    };
    let pictures = names.iter().filter(is_picture).count();
    if pictures > 0 {
        draft.content.find(
            FindingCode::NotShown,
            format!("It has pictures or other media, which are not shown here: {pictures}."),
        );
    }
    Ok(facts)
}

/// Reads the words of a part, a line for each paragraph.
pub(super) fn words(package: &mut Package<'_>, name: &str, room: usize) -> Result<String, Cut> {
    let (mut text, mut within) = (String::new(), false);
    part(package, name, |token| {
        match token {
            Token::Start(element, ends) => match element.local_name().as_ref() {
                // Runs of text, words of old comments, and values of charts.
                "t" | "text" | "v" => within = !ends,
                "br" => text.push('\n'),
                _ => {}
            },
            Token::Text(words) if within => text.push_str(words),
            Token::End("t") => within = false,
            Token::End("text" | "v" | "p" | "si" | "comment" | "threadedComment") => {
                within = false;
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
            }
            Token::Text(_) | Token::End(_) => {}
        }
        // One byte more than is kept, so that the cut is noticed.
        text.len() <= room
    })?;
    Ok(text)
}
