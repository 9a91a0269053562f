//! Text in the shape that fits it: lines, a page, a table, or values.

use std::borrow::Cow;

use countersign_protocol::{
    content::{Archive, Body as Sealed, Content, FileType, Kind, Place},
    dialect::{self, Format},
};

use super::{Body, Look, NumberedLine, Preview, Side, View};
use crate::render::{
    archive,
    diff::{self, MAX_LINE, PAGE},
    markdown, table,
    text::{self as encoding, Decoded},
    tree::{self, Node},
    trouble,
    visible::{hidden_count, visible},
    words,
};

/// Larger files are not read as a table, values or a page, in bytes.
const MAX_SHAPED: u64 = 5_000_000;
/// Larger drawings are not drawn, in bytes.
const MAX_DRAWN: usize = 1_000_000;
/// Elements of a drawing that repeat others: nested they take a browser for ever.
const MAX_USES: usize = 50;

pub(super) fn text(
    preview: &mut Preview,
    file_type: &FileType,
    new: Option<Side<'_>>,
    old: Option<Side<'_>>,
    look: &Look,
) {
    let old = old.filter(|old| old.file_type().kind.is_text() || new.is_none());
    let (now, before) = (decoded(new), decoded(old));
    if let Some(new) = new.filter(|side| side.size > 0) {
        preview
            .facts
            .push(("Encoding".to_owned(), now.charset.name().to_owned(), None));
        if !new.is_complete() {
            preview.notes.push(format!(
                "The first {} are shown.",
                words::size(new.bytes.len() as u64)
            ));
        }
    }
    if new.is_some() && old.is_some() {
        preview.notes.extend(encoding::changes(&before, &now));
    }
    if now.is_broken {
        let finding = "Some of its bytes are no characters; \u{fffd} stands for them.";
        if !preview.findings.iter().any(|known| known == finding) {
            preview.findings.push(finding.to_owned());
        }
    }
    if file_type.media_type == "application/rtf" {
        preview
            .notes
            .push("It is shown as it is written. A word processor shows it otherwise.".to_owned());
    }
    match hidden_count(&now.text) {
        0 => {}
        1 => preview
            .findings
            .push("One character of it cannot be seen; it is written out as ‹U+…›.".to_owned()),
        many => preview.findings.push(format!(
            "{many} characters of it cannot be seen; they are written out as ‹U+…›."
        )),
    }
    if new.is_some_and(|new| new.is_complete() && new.size <= MAX_SHAPED) {
        preview
            .troubles
            .extend(trouble::syntax(&file_type.media_type, &now.text));
    }
    let small = |side: Option<Side<'_>>| {
        side.is_none_or(|side| side.is_complete() && side.size <= MAX_SHAPED)
    };
    if new.is_some() && small(new) && small(old) {
        let shaped = shaped(preview, file_type, &now, old.map(|_| &before), look);
        if let Some(body) = shaped {
            preview.body = body;
            return;
        }
    }
    if new.is_none() || old.is_some() {
        let mut diff = diff::diff(&before.text, &now.text, &look.diff);
        preview.notes.append(&mut diff.notes);
        if diff.total == 0 && new.is_some() && preview.notes.is_empty() {
            preview.notes.push(if look.diff.ignore_space {
                "Only white space differs.".to_owned()
            } else {
                "The bytes differ, the lines do not.".to_owned()
            });
        }
        if look.split {
            diff.split();
        }
        preview.body = Body::Diff(diff);
    } else {
        preview.body = numbered(preview, &now.text, look.diff.from);
        if now.text.is_empty() {
            preview.notes.push("The file is empty.".to_owned());
        }
    }
}

fn decoded(side: Option<Side<'_>>) -> Decoded<'_> {
    match side {
        Some(side) => encoding::decode(side.bytes, side.is_complete()),
        None => encoding::decode(b"", true),
    }
}

/// The body of a text that has a shape, unless its source is wanted or it cannot be taken from it.
fn shaped(
    preview: &mut Preview,
    file_type: &FileType,
    now: &Decoded<'_>,
    before: Option<&Decoded<'_>>,
    look: &Look,
) -> Option<Body> {
    let source = look.view == View::Source;
    let view = if source { View::Source } else { View::Fitting };
    match file_type.media_type.as_str() {
        _ if file_type.kind == Kind::Svg => {
            preview.choose(
                view,
                &[(View::Fitting, "Drawing"), (View::Source, "Source")],
            );
            let fits = |text: &str| {
                text.len() <= MAX_DRAWN
                    && !text.contains("<!ENTITY")
                    && text.matches("<use").count() <= MAX_USES
            };
            if source || !fits(&now.text) {
                preview.choices.retain(|_| fits(&now.text));
                return None;
            }
            Some(Body::Drawing {
                new: true,
                old: before
                    .is_some_and(|before| fits(&before.text) && before.text.contains("<svg")),
            })
        }
        "text/markdown" => {
            preview.choose(
                view,
                &[(View::Fitting, "Rendered"), (View::Source, "Source")],
            );
            if source {
                return None;
            }
            let compared = before.map(|before| {
                diff::compare(
                    &before.text,
                    &now.text,
                    look.diff.ignore_space,
                    look.diff.deadline,
                )
            });
            Some(Body::Rendered {
                blocks: markdown::blocks(&now.text, compared.as_ref()),
            })
        }
        "text/csv" | "text/tab-separated-values" => {
            let view = if look.view == View::All {
                View::All
            } else {
                view
            };
            let views = [
                (View::Fitting, "Changes"),
                (View::All, "All rows"),
                (View::Source, "Source"),
            ];
            match before {
                Some(_) => preview.choose(view, &views),
                None => preview.choose(view, &[(View::Fitting, "Table"), (View::Source, "Source")]),
            }
            if source {
                return None;
            }
            let tabs = file_type.media_type != "text/csv";
            let old = before.map(|before| table::read(&before.text, tabs));
            let sheet = table::sheet(
                "",
                &table::read(&now.text, tabs),
                old.as_ref(),
                view == View::All,
            );
            Some(Body::Table {
                sheets: vec![sheet],
            })
        }
        media @ ("application/json" | "application/yaml" | "application/toml") => {
            let new = node(media, &now.text);
            let Some(before) = before else {
                if let Err(why) = new
                    && preview.troubles.is_empty()
                {
                    preview.notes.push(why);
                }
                return None;
            };
            preview.choose(view, &[(View::Fitting, "Values"), (View::Source, "Source")]);
            if source {
                return None;
            }
            let nodes = node(media, &before.text).and_then(|old| Ok((old, new?)));
            match nodes {
                Ok((old, new)) => {
                    let tree = tree::diff(&old, &new);
                    if tree.changes.is_empty() {
                        // The bytes differ all the same, so the lines are shown.
                        preview.notes.push(
                            "The values are the same; how they are written differs.".to_owned(),
                        );
                        preview.choices.clear();
                        return None;
                    }
                    Some(Body::Tree(tree))
                }
                Err(why) => {
                    preview.notes.push(format!("Compared as text. {why}"));
                    preview.choices.clear();
                    None
                }
            }
        }
        _ => None,
    }
}

fn node(media: &str, text: &str) -> Result<Node, String> {
    match media {
        "application/json" => tree::json(text),
        "application/toml" => tree::toml(text),
        _ => dialect::read(text.as_bytes(), Format::Yaml)
            .map(|document| tree::of(&document.value))
            .map_err(|refusal| format!("It is not YAML that can be compared: {refusal}")),
    }
}

fn numbered(preview: &mut Preview, text: &str, from: usize) -> Body {
    let mut is_cut = false;
    let mut total = 0;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        total = at + 1;
        if (from..from + PAGE).contains(&at) {
            let short: String = line.chars().take(MAX_LINE).collect();
            let cut = short.len() < line.len();
            is_cut |= cut;
            lines.push(NumberedLine {
                number: at + 1,
                text: format!("{}{}", visible(&short), if cut { "…" } else { "" }),
            });
        }
    }
    if is_cut {
        preview
            .notes
            .push(format!("Lines are cut at {MAX_LINE} characters."));
    }
    Body::Text { lines, from, total }
}

/// The text of one entry of an archive, as far as the bounded reader read it.
pub(super) fn member(
    preview: &mut Preview,
    path: &str,
    (now, before): (Option<&Content>, Option<&Content>),
    look: &Look,
) {
    preview.choose(View::Source, &[(View::Fitting, "All entries")]);
    preview.findings.clear();
    let none = || (Cow::Borrowed(""), 0);
    let text = |content| archive::text_of(content, path);
    let ((new, count), (old, old_count)) =
        (now.map_or_else(none, text), before.map_or_else(none, text));
    let name = visible(path);
    preview.notes.push(match (count, old_count) {
        (0, 0) => format!("No text was read of the entry {name}."),
        (0, _) => format!("The entry {name} as it was; it is no longer there, or no text."),
        (1, _) => format!("The entry {name}, read without unpacking it to a disk."),
        (count, _) => {
            format!("{count} entries are called {name}; they stand one after the other.")
        }
    });
    let stated = now.or(before).and_then(|content| match &content.body {
        Sealed::Archive(archive) => archive.entries.iter().find(|entry| entry.path == path),
        _ => None,
    });
    if stated.is_some_and(|entry| entry.size > Archive::MEMBER) {
        preview.notes.push(format!(
            "Of an entry, the first {} are read.",
            words::size(Archive::MEMBER)
        ));
    }
    let body = if old_count == 0 {
        numbered(preview, &new, look.diff.from)
    } else {
        let mut diff = diff::diff(&old, &new, &look.diff);
        preview.notes.append(&mut diff.notes);
        if diff.total == 0 {
            preview.notes.push("Its text is the same.".to_owned());
        }
        if look.split {
            diff.split();
        }
        Body::Diff(diff)
    };
    preview.body = Body::Member {
        text: Box::new(body),
    };
}

/// The words of a document against what they were, and the pages on which they differ.
pub(super) fn paper(
    preview: &mut Preview,
    new: Option<Side<'_>>,
    old: Option<Side<'_>>,
    look: &Look,
) {
    let content = |side: Option<Side<'_>>| side.and_then(|side| side.content).cloned();
    let (now, before) = (content(new), content(old));
    let words = |content: &Option<Content>| content.as_ref().map(paper_words).unwrap_or_default();
    let page_text = |content: &Option<Content>, wanted: u32| -> String {
        let segments = content.iter().flat_map(|content| &content.text);
        let on_page = segments.filter(|segment| segment.place == Place::Page { page: wanted });
        on_page.map(|segment| segment.text.as_str()).collect()
    };
    let mut pages = Vec::new();
    if let (Some(content), Some(_)) = (&now, new)
        && let Sealed::Pdf(pdf) = &content.body
    {
        let differs = |page: &u32| {
            *page == 1 || (before.is_some() && page_text(&now, *page) != page_text(&before, *page))
        };
        pages = (1..=pdf.pages.min(500)).filter(differs).take(6).collect();
    }
    if look.without_pages && !pages.is_empty() {
        pages.clear();
        preview.notes.push(
            "Its pages are not drawn here, since `pdftoppm` of poppler is not installed. Only its words are shown."
                .to_owned(),
        );
    }
    let mut diff = diff::diff(&words(&before), &words(&now), &look.diff);
    preview.notes.append(&mut diff.notes);
    if diff.total == 0 {
        preview.notes.push(match (&now, &before) {
            (Some(_), Some(_)) => "The words are the same.".to_owned(),
            _ => "No words were found in it.".to_owned(),
        });
    }
    if look.split {
        diff.split();
    }
    preview.body = Body::Paper { words: diff, pages };
}

/// The words of a document as lines. What stands beside the running text has its place in a line before it.
fn paper_words(content: &Content) -> String {
    /// Headers that people read; the others stand in the source.
    const HEADERS: [&str; 9] = [
        "subject",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "date",
        "x-priority",
    ];
    let mut text = String::new();
    let mut place = &Place::Whole;
    for segment in &content.text {
        match &segment.place {
            Place::Header { name } if HEADERS.contains(&name.as_str()) => {
                let mut letters = name.chars();
                text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                text.push_str(letters.as_str());
                text.push_str(": ");
            }
            Place::Header { .. } => continue,
            Place::Part { .. } | Place::Member { .. } if segment.place != *place => {
                text.push_str("— ");
                text.push_str(&segment.place.to_string());
                text.push_str(" —\n");
            }
            _ => {}
        }
        place = &segment.place;
        text.push_str(&segment.text);
        if !segment.text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}
