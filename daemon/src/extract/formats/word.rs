//! Word documents (DOCX).

use std::io::{Cursor, Read as _};

use countersign_protocol::content::{
    Body, Cut, CutReason, Document, FindingCode, Kind, Place, decode, sniff,
};
use zip::ZipArchive;

use super::{
    Bytes, Draft, cut, damaged, email, html,
    ooxml::{self, Token},
    package::{Package, Part},
};

/// Most bytes that are read of a document within a document.
const MAX_CHUNK: u64 = 16 << 20;

/// Whether relations of that kind lead to words of the document.
fn has_words(kind: &str) -> bool {
    matches!(
        kind,
        "comments"
            | "footnotes"
            | "endnotes"
            | "header"
            | "footer"
            | "aFChunk"
            | "chart"
            | "diagramData"
    )
}

pub(super) fn read(package: &mut Package<'_>, main: &str, draft: &mut Draft) -> Result<(), Cut> {
    let facts = ooxml::facts(package, draft)?;
    let mut document = Document {
        title: facts.title,
        macros: facts.macros,
        external_links: facts.external_links,
        ..Document::default()
    };
    let text = words(package, main, draft.room(), Some(&mut document));
    draft.content.body = Body::Document(document.clone());
    draft.say(Place::Whole, text?);
    for part in parts(package, main, draft)? {
        let place = Place::Part {
            part: place_of(&part),
        };
        if part.kind == "aFChunk" {
            // One that cannot be read leaves the others.
            match chunk(package, &part.name, draft.room()) {
                Ok(text) => drop(draft.say(place, text)),
                Err(Cut { reason, message }) => draft.content.cut(reason, message),
            }
            continue;
        }
        let mut count = Document::default();
        let text = words(package, &part.name, draft.room(), Some(&mut count))?;
        document.comments += count.comments;
        document.tracked_changes += count.tracked_changes;
        draft.say(place, text);
    }
    if document.tracked_changes > 0 || document.comments > 0 {
        draft.content.find(
            FindingCode::TrackedChanges,
            format!(
                "It has {} tracked changes and {} comments.",
                document.tracked_changes, document.comments
            ),
        );
    }
    draft.content.body = Body::Document(document);
    Ok(())
}

/// The parts with words beside the main one: those that relations lead to, and those of the usual names.
fn parts(package: &mut Package<'_>, main: &str, draft: &mut Draft) -> Result<Vec<Part>, Cut> {
    let mut parts = package.reachable(main, has_words, draft)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut others: Vec<String> = package.names().take(super::archive::ENTRIES).collect();
    others.sort();
    for name in others {
        let Some(rest) = name.strip_prefix(folder) else {
            continue;
        };
        let stem = rest.trim_start_matches('/').trim_end_matches(".xml");
        let kind = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_usual = matches!(
            kind,
            "comments" | "footnotes" | "endnotes" | "header" | "footer"
        );
        if is_usual
            && parts
                .iter()
                .all(|part| !part.name.eq_ignore_ascii_case(&name))
        {
            parts.push(Part {
                kind: kind.to_owned(),
                name,
            });
        }
    }
    // Words of readers first, then what stands at the margins.
    parts.sort_by_key(|part| matches!(part.kind.as_str(), "header" | "footer"));
    Ok(parts)
}

fn place_of(part: &Part) -> String {
    let file = part.name.rsplit('/').next().unwrap_or(&part.name);
    match part.kind.as_str() {
        "header" | "footer" => file.trim_end_matches(".xml").to_owned(),
        "aFChunk" => format!("embedded {file}"),
        "diagramData" => "diagram".to_owned(),
        kind => kind.to_owned(),
    }
}

/// Reads the words of a document that stands in the text as a whole: a page, a message, a document or text.
fn chunk(package: &mut Package<'_>, name: &str, room: usize) -> Result<String, Cut> {
    let mut bytes = Vec::new();
    if let Some(member) = package.open(name)? {
        let mut member = member.take(MAX_CHUNK + 1);
        member.read_to_end(&mut bytes).map_err(damaged)?;
    }
    if bytes.len() as u64 > MAX_CHUNK {
        return Err(super::archive::too_much(MAX_CHUNK));
    }
    let mut text = match sniff(&bytes, true, "chunk").kind {
        Kind::Document | Kind::Zip => {
            let file: &mut dyn Bytes = &mut Cursor::new(bytes);
            let mut inner = Package::of(ZipArchive::new(file).map_err(damaged)?);
            let Some((main, _)) = inner.main().filter(|(_, root)| root == "document") else {
                return Err(not_read(name));
            };
            let has_more = inner
                .relations(&main)?
                .iter()
                .any(|relation| has_words(&relation.kind));
            if has_more {
                return Err(not_read(name));
            }
            words(&mut inner, &main, room, None)?
        }
        Kind::Email => email::words(&bytes),
        // A page in parts begins with its MIME headers, which need no sender.
        _ if is_mime(&bytes) => email::words(&bytes),
        kind if kind.is_text() => {
            let source = decode(&bytes, true).text;
            if source.trim_start().starts_with('<') {
                html::text_of(&source).0
            } else {
                source.into_owned()
            }
        }
        _ => return Err(not_read(name)),
    };
    text.truncate(text.floor_char_boundary(room + 1));
    Ok(text)
}

fn is_mime(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    start.contains("mime-version:") && start.contains("content-type:")
}

fn not_read(name: &str) -> Cut {
    let name: String = name.chars().take(200).collect();
    cut(
        CutReason::NotRead,
        format!("`{name}`, which stands in its text, is not read."),
    )
}

/// The words of a part, a line for each paragraph. What a tracked change deleted or moved away is left out.
fn words(
    package: &mut Package<'_>,
    part: &str,
    room: usize,
    mut count: Option<&mut Document>,
) -> Result<String, Cut> {
    let mut text = String::new();
    let mut within = false;
    // Depth in text that was moved away.
    let mut moved = 0_u32;
    ooxml::part(package, part, |token| {
        match token {
            Token::Start(element, ends) => match element.local_name().as_ref() {
                "t" => within = !ends,
                "v" if part.contains("chart") => within = !ends,
                "tab" => text.push('\t'),
                "br" | "cr" => text.push('\n'),
                "noBreakHyphen" => text.push('-'),
                name @ ("ins" | "del" | "comment" | "moveFrom" | "moveTo") => {
                    moved += u32::from(name == "moveFrom" && !ends);
                    if let Some(document) = &mut count {
                        if name == "comment" {
                            document.comments += 1;
                        } else {
                            document.tracked_changes += 1;
                        }
                    }
                }
                _ => {}
            },
            Token::Text(words) if within && moved == 0 => text.push_str(words),
            Token::End("t") => within = false,
            Token::End("moveFrom") => moved = moved.saturating_sub(1),
            Token::End("p" | "v") => {
                within = false;
                text.push('\n');
                if let Some(document) = &mut count {
                    document.paragraphs += 1;
                }
            }
            Token::End("tc") => {
                // A cell ends with a paragraph; cells of a row stand on one line.
                if text.ends_with('\n') {
                    text.pop();
                }
                text.push('\t');
            }
            Token::End("tr") => text.push('\n'),
            Token::Text(_) | Token::End(_) => {}
        }
        // One byte more than is kept, so that the cut is noticed.
        text.len() <= room
    })?;
    Ok(text)
}
