//! Markdown as a page. The one place in `render` that makes HTML: of a closed list of elements, with
//! every word of the agent escaped. Raw HTML is shown as text, nothing is loaded, and a link says where
//! it leads.

use std::ops::Range;

use pulldown_cmark::{
    CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};
use serde::Serialize;

use super::{diff::Compared, visible::visible};
use crate::templates::escaped;

/// A block of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its HTML; safe to be put into a page as it is.
    pub html: String,
    /// Whether one of its lines differs, or some went before it.
    pub changed: bool,
}

/// The blocks of `text`; `compared` tells which of its lines are new.
pub fn blocks(text: &str, compared: Option<&Compared>) -> Vec<Block> {
    let fresh: Vec<Range<usize>> = compared.map(|c| c.fresh().collect()).unwrap_or_default();
    let gone: Vec<usize> = compared.map(|c| c.gone().collect()).unwrap_or_default();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset) - 1;
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut blocks = Vec::new();
    let mut depth = 0_usize;
    let mut begun = 0;
    let mut events = Vec::new();
    let mut tame = Tame {
        level: 3,
        links: Vec::new(),
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        if depth == 0 {
            begun = range.start;
        }
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        tame.event(event, &mut events);
        if depth == 0 {
            let lines = line_of(begun)..line_of(range.end.max(begun + 1) - 1) + 1;
            let changed = fresh
                .iter()
                .any(|new| new.start < lines.end && lines.start < new.end)
                || gone.iter().any(|at| lines.contains(at));
            let mut out = String::new();
            html::push_html(&mut out, events.drain(..));
            blocks.push(Block { html: out, changed });
        }
    }
    blocks
}

/// Takes from the events what could do more than be read.
struct Tame {
    /// Level of the last heading on the page; those of the text are put below it without a gap.
    level: u8,
    /// For each open link whether it is followed, and where it leads.
    links: Vec<(bool, String)>,
}

impl Tame {
    fn event(&mut self, event: Event<'_>, out: &mut Vec<Event<'static>>) {
        let text = |words: &str| Event::InlineHtml(inert(words).into());
        match event {
            // Raw HTML is what the agent wrote, so it is text.
            Event::Html(raw) | Event::InlineHtml(raw) => out.push(text(&raw)),
            Event::Text(words) => out.push(text(&words)),
            Event::Code(words) => {
                out.push(Event::InlineHtml(
                    format!("<code>{}</code>", inert(&words)).into(),
                ));
            }
            Event::TaskListMarker(done) => out.push(text(if done { "☑ " } else { "☐ " })),
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                ..
            }) => match link_type {
                LinkType::Email => self.link(&format!("mailto:{dest_url}"), out),
                _ => self.link(&dest_url, out),
            },
            Event::End(TagEnd::Link) => self.unlink(out),
            Event::Start(Tag::Image { dest_url, .. }) => {
                out.push(text(&format!("[image {dest_url}: ")));
            }
            Event::End(TagEnd::Image) => out.push(text("]")),
            Event::Start(Tag::Heading { level, .. }) => {
                self.level = (level as u8 + 3).min(self.level + 1).min(6);
                out.push(Event::Start(Tag::Heading {
                    level: self.heading(),
                    id: None,
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Event::End(TagEnd::Heading(_)) => out.push(Event::End(TagEnd::Heading(self.heading()))),
            // Alignment would be a style attribute, which the policy of our pages forbids.
            Event::Start(Tag::Table(columns)) => out.push(Event::Start(Tag::Table(vec![
                    pulldown_cmark::Alignment::None;
                    columns.len()
                ]))),
            // The language would be an attribute of the agent's making.
            Event::Start(Tag::CodeBlock(_)) => {
                out.push(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)));
            }
            Event::Start(Tag::HtmlBlock) => out.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => out.push(Event::End(TagEnd::Paragraph)),
            other => out.push(other.into_static()),
        }
    }

    fn heading(&self) -> HeadingLevel {
        match self.level {
            ..=4 => HeadingLevel::H4,
            5 => HeadingLevel::H5,
            _ => HeadingLevel::H6,
        }
    }

    fn link(&mut self, target: &str, out: &mut Vec<Event<'static>>) {
        let host = host(target);
        let followed = host.is_some();
        if followed {
            out.push(Event::Start(Tag::Link {
                link_type: LinkType::Inline,
                dest_url: target.to_owned().into(),
                title: "".into(),
                id: "".into(),
            }));
        }
        self.links
            .push((followed, host.unwrap_or_else(|| target.to_owned())));
    }

    fn unlink(&mut self, out: &mut Vec<Event<'static>>) {
        let Some((followed, says)) = self.links.pop() else {
            return;
        };
        if followed {
            out.push(Event::End(TagEnd::Link));
        }
        if !says.is_empty() {
            let words: String = says.chars().take(120).collect();
            out.push(Event::InlineHtml(format!(" ({})", inert(&words)).into()));
        }
    }
}

/// Words of the agent as they may stand in HTML.
fn inert(words: &str) -> String {
    escaped(&visible(words)).into_owned()
}

/// The host of a web address or the address of a mail; `None` for a link that is not followed: a
/// script, a relative path into our own pages, anything that is not plain.
fn host(target: &str) -> Option<String> {
    if target.chars().any(|c| c.is_control() || c.is_whitespace()) || visible(target) != target {
        return None;
    }
    let (scheme, rest) = target.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let rest = rest.strip_prefix("//")?;
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            (!host.is_empty()).then(|| host.to_owned())
        }
        "mailto" => Some(rest.split('?').next().unwrap_or_default().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
