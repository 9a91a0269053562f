//! Slides (PPTX).

use std::collections::HashMap;

use countersign_protocol::content::{Body, Cut, CutReason, FindingCode, Place, Presentation};

use super::{
    Draft,
    ooxml::{self, Token},
    package::{Package, resolve, tell_missing},
};

/// Most slides that are read.
const SLIDES: usize = 2_000;

/// Whether relations of that kind lead to words of a slide.
fn has_words(kind: &str) -> bool {
    matches!(kind, "notesSlide" | "comments" | "chart" | "diagramData")
}

pub(super) fn read(package: &mut Package<'_>, main: &str, draft: &mut Draft) -> Result<(), Cut> {
    let facts = ooxml::facts(package, draft)?;
    let mut presentation = Presentation {
        title: facts.title,
        macros: facts.macros,
        external_links: facts.external_links,
        ..Presentation::default()
    };
    let mut order = Vec::new();
    ooxml::part(package, main, |token| {
        if let Token::Start(element, _) = token
            && element.local_name().as_ref() == "sldId"
            // Two attributes have the local name `id`; the relation is the one with a prefix.
            && let Some(id) = element.attributes().flatten().find_map(|attribute| {
                let key = attribute.key.0;
                (key.contains(':') && key.ends_with(":id")).then(|| attribute.value.into_owned())
            })
        {
            order.push(id);
        }
        true
    })?;
    let relations = package.relations(main)?;
    let targets: HashMap<String, String> = relations
        .iter()
        .map(|relation| (relation.id.clone(), resolve(main, &relation.target)))
        .collect();
    let mut missing = Vec::new();
    presentation.slides = u32::try_from(order.len()).unwrap_or(u32::MAX);
    draft.content.body = Body::Presentation(presentation.clone());
    for (at, id) in order.iter().enumerate() {
        let slide = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if at == SLIDES {
            let message = format!("It has {} slides; {SLIDES} are read.", order.len());
            draft.content.cut(CutReason::TooMany, message);
            break;
        }
        let Some(part) = targets.get(id).filter(|part| package.has(part)) else {
            missing.push(targets.get(id).unwrap_or(id).clone());
            continue;
        };
        let (text, hidden) = words(package, part, draft.room(), Shapes::All)?;
        if hidden {
            presentation.hidden.push(slide);
        }
        let place = |notes| Place::Slide { slide, notes };
        draft.say(place(false), text);
        for beside in package.reachable(part, has_words, draft)? {
            let text = match beside.kind.as_str() {
                "notesSlide" => words(package, &beside.name, draft.room(), Shapes::All)?.0,
                _ => ooxml::words(package, &beside.name, draft.room())?,
            };
            draft.say(place(beside.kind == "notesSlide"), text);
        }
    }
    tell_missing(&missing, draft);
    // What a layout or a master shows stands on every slide that uses it.
    let is_master = |kind: &str| matches!(kind, "slideMaster" | "slideLayout");
    for part in package.reachable(main, is_master, draft)? {
        let (text, _) = words(package, &part.name, draft.room(), Shapes::Fixed)?;
        let file = part.name.rsplit('/').next().unwrap_or(&part.name);
        let part = file.trim_end_matches(".xml").to_owned();
        draft.say(Place::Part { part }, text);
    }
    if !presentation.hidden.is_empty() {
        draft.content.find(
            FindingCode::HiddenParts,
            format!("It has hidden slides: {}.", presentation.hidden.len()),
        );
    }
    draft.content.body = Body::Presentation(presentation);
    Ok(())
}

/// The shapes of a slide whose words are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shapes {
    All,
    /// Without placeholders: on a layout they say what is to be typed there, and no slide shows it.
    Fixed,
}

/// The words of a slide, a line for each paragraph, and whether it is not shown.
fn words(
    package: &mut Package<'_>,
    part: &str,
    room: usize,
    shapes: Shapes,
) -> Result<(String, bool), Cut> {
    let (mut text, mut hidden, mut within) = (String::new(), false, false);
    let (mut shape, mut is_placeholder) = (0, false);
    ooxml::part(package, part, |token| {
        match token {
            Token::Start(element, ends) => match element.local_name().as_ref() {
                "sld" => {
                    hidden = ooxml::attribute(element, "show")
                        .is_some_and(|show| show == "0" || show == "false");
                }
                "sp" => (shape, is_placeholder) = (text.len(), false),
                "ph" => is_placeholder = true,
                "t" => within = !ends,
                "br" => text.push('\n'),
                _ => {}
            },
            Token::Text(words) if within => text.push_str(words),
            Token::End("t") => within = false,
            Token::End("p") => text.push('\n'),
            Token::End("sp") if is_placeholder && shapes == Shapes::Fixed => {
                text.truncate(shape);
                is_placeholder = false;
            }
            Token::Text(_) | Token::End(_) => {}
        }
        text.len() <= room
    })?;
    Ok((text, hidden))
}
