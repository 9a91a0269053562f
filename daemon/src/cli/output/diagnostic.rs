//! A place in a file, drawn with its line and a mark below it.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use countersign_protocol::problem::Violation;

use super::{inert, inert_lines};
use crate::config::ConfigError;

/// Columns that a drawing takes; what is further from the place is left out.
const WIDTH: usize = 100;
/// A longer value is marked at its beginning only.
const WIDEST_MARK: usize = 60;

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    is_warning: bool,
    message: String,
    hint: Option<String>,
    file: String,
    /// Line, column and width in characters, and the line itself; absent without a place.
    place: Option<(u32, u32, u32, String)>,
}

impl Drawing {
    pub(crate) fn of_config(error: &ConfigError) -> Self {
        let place = error.place.as_ref();
        Self {
            is_warning: false,
            message: inert(&error.message),
            hint: error.hint.as_deref().map(inert_lines),
            file: place.map_or_else(String::new, |place| place.path.display().to_string()),
            place: place.map(|p| (p.line, p.column, p.width, p.source.clone())),
        }
    }

    /// A broken rule of the contract in `text`, the content of `file`.
    pub(crate) fn of_violation(violation: &Violation, file: &str, text: &str) -> Self {
        let pointer = inert(&violation.pointer);
        let message = inert(&violation.message);
        let line = usize::try_from(violation.line).unwrap_or_default();
        let source = line.checked_sub(1).and_then(|at| text.lines().nth(at));
        Self {
            is_warning: false,
            message: match message.chars().next() {
                _ if !pointer.is_empty() => format!("{pointer} {message}"),
                // The rest of a sentence whose subject is the pointer.
                Some(first) if first.is_lowercase() => format!("the document {message}"),
                _ => message,
            },
            hint: violation.fix.as_deref().map(inert_lines),
            file: inert(file),
            place: source.map(|source| {
                let column = violation.column.max(1);
                let width = token(source, column);
                (violation.line, column, width, source.to_owned())
            }),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    pub(super) fn render(&self, coloured: bool) -> String {
        let level = if self.is_warning {
            Level::WARNING
        } else {
            Level::ERROR
        };
        let title = level.primary_title(self.message.as_str());
        let shown = self
            .place
            .as_ref()
            .map(|(line, column, width, source)| (*line, mark(source, *column, *width)));
        let group = match &shown {
            Some((line, (source, span))) => title.element(
                Snippet::source(source.as_str())
                    .path(self.file.as_str())
                    .line_start(usize::try_from(*line).unwrap_or(usize::MAX))
                    .annotation(AnnotationKind::Primary.span(span.clone())),
            ),
            None => Group::with_title(title),
        };
        let mut report = vec![group];
        if let Some(hint) = &self.hint {
            report.push(Group::with_title(
                Level::HELP.with_name("hint").secondary_title(hint.as_str()),
            ));
        }
        let renderer = if coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.term_width(WIDTH).render(&report)
    }
}

/// The line, harmless, and the place in it in bytes.
fn mark(source: &str, column: u32, width: u32) -> (String, std::ops::Range<usize>) {
    let line = inert(source);
    let start = usize::try_from(column - 1).unwrap_or(usize::MAX);
    let byte = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(at, _)| at);
    let width = usize::try_from(width).unwrap_or(1).min(WIDEST_MARK);
    let span = byte(start)..byte(start.saturating_add(width));
    (line, span)
}

/// How many characters the value or key at `column` has.
fn token(line: &str, column: u32) -> u32 {
    let mut rest = line
        .chars()
        .skip(usize::try_from(column - 1).unwrap_or_default());
    let length = match rest.next() {
        Some('"') => {
            let mut escaped = false;
            let inside = rest.take_while(|c| {
                let end = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                !end
            });
            inside.count() + 2
        }
        Some('{' | '[') | None => 1,
        Some(_) => 1 + rest.take_while(|c| !",:]} \t".contains(*c)).count(),
    };
    u32::try_from(length).unwrap_or(1)
}

#[cfg(test)]
mod tests;
