//! Slides (PPTX).

use std::collections::HashMap;

use countersign_protocol::content::{Body, Cut, CutReason, FindingCode, Place, Presentation};

use super::{
    Draft,
    ooxml::{self, Package, Token},
};

/// Most slides that are read.
const SLIDES: usize = 2_000;
const MAIN: &str = "ppt/presentation.xml";

pub(super) fn read(package: &mut Package<'_>, draft: &mut Draft) -> Result<(), Cut> {
    let facts = ooxml::facts(package, draft)?;
    let mut presentation = Presentation {
        title: facts.title,
        macros: facts.macros,
        external_links: facts.external_links,
        ..Presentation::default()
    };
    let mut order = Vec::new();
    ooxml::part(package, MAIN, |token| {
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
    let targets: HashMap<String, String> = ooxml::relations(package, MAIN)?
        .into_iter()
        .map(|relation| (relation.id, relation.target))
        .collect();
    presentation.slides = u32::try_from(order.len()).unwrap_or(u32::MAX);
    draft.content.body = Body::Presentation(presentation.clone());
    for (at, id) in order.iter().enumerate() {
        let slide = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if at == SLIDES {
            let message = format!("It has {} slides; {SLIDES} are read.", order.len());
            draft.content.cut(CutReason::TooMany, message);
            break;
        }
        let Some(target) = targets.get(id) else {
            continue;
        };
        let part = ooxml::resolve(MAIN, target);
        let (text, hidden) = words(package, &part, draft.room())?;
        if hidden {
            presentation.hidden.push(slide);
        }
        draft.say(
            Place::Slide {
                slide,
                notes: false,
            },
            text,
        );
        for relation in ooxml::relations(package, &part)? {
            if relation.kind == "notesSlide" && !relation.external {
                let notes = ooxml::resolve(&part, &relation.target);
                let (text, _) = words(package, &notes, draft.room())?;
                draft.say(Place::Slide { slide, notes: true }, text);
            }
        }
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

/// The words of a slide, a line for each paragraph, and whether it is not shown.
fn words(package: &mut Package<'_>, part: &str, room: usize) -> Result<(String, bool), Cut> {
    let (mut text, mut hidden, mut within) = (String::new(), false, false);
    ooxml::part(package, part, |token| {
        match token {
            Token::Start(element, ends) => match element.local_name().as_ref() {
                "sld" => {
                    hidden = ooxml::attribute(element, "show")
                        .is_some_and(|show| show == "0" || show == "false");
                }
                "t" => within = !ends,
                "br" => text.push('\n'),
                _ => {}
            },
            Token::Text(words) if within => text.push_str(words),
            Token::End("t") => within = false,
            Token::End("p") => text.push('\n'),
            Token::Text(_) | Token::End(_) => {}
        }
        text.len() <= room
    })?;
    Ok((text, hidden))
}
