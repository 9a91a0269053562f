//! Word documents (DOCX).

use countersign_protocol::content::{Body, Cut, Document, FindingCode, Place};

use super::{
    Draft,
    ooxml::{self, Package, Token},
};

pub(super) fn read(package: &mut Package<'_>, draft: &mut Draft) -> Result<(), Cut> {
    let facts = ooxml::facts(package, draft)?;
    let mut document = Document {
        title: facts.title,
        macros: facts.macros,
        external_links: facts.external_links,
        ..Document::default()
    };
    let text = words(
        package,
        "word/document.xml",
        draft.room(),
        Some(&mut document),
    );
    draft.content.body = Body::Document(document.clone());
    draft.say(Place::Whole, text?);
    for part in ["comments", "footnotes", "endnotes"] {
        let mut count = Document::default();
        let text = words(
            package,
            &format!("word/{part}.xml"),
            draft.room(),
            Some(&mut count),
        )?;
        document.comments += count.comments;
        draft.say(
            Place::Part {
                part: part.to_owned(),
            },
            text,
        );
    }
    let margins: Vec<String> = package
        .file_names()
        .flatten()
        .filter(|name| name.starts_with("word/header") || name.starts_with("word/footer"))
        .take(100)
        .map(std::borrow::Cow::into_owned)
        .collect();
    for name in margins {
        let text = words(package, &name, draft.room(), None)?;
        let part = name[5..].trim_end_matches(".xml").to_owned();
        draft.say(Place::Part { part }, text);
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

/// The words of a part, a line for each paragraph. What a tracked change deleted is left out.
fn words(
    package: &mut Package<'_>,
    part: &str,
    room: usize,
    mut count: Option<&mut Document>,
) -> Result<String, Cut> {
    let mut text = String::new();
    let mut within = false;
    ooxml::part(package, part, |token| {
        match token {
            Token::Start(element, ends) => match element.local_name().as_ref() {
                "t" => within = !ends,
                "tab" => text.push('\t'),
                "br" | "cr" => text.push('\n'),
                name @ ("ins" | "del" | "comment") => {
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
            Token::Text(words) if within => text.push_str(words),
            Token::End("t") => within = false,
            Token::End("p") => {
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
