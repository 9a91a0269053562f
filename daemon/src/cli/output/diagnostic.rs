//! A place in a file, drawn with its line and a mark below it.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use countersign_protocol::problem::Violation;

use super::{inert, inert_lines};
use crate::config::ConfigError;

/// Characters before and after the place that are shown of a long line.
const WINDOW: (usize, usize) = (50, 90);

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
            .map(|(line, column, width, source)| (line, window(source, *column, *width)));
        let group = match &shown {
            Some((line, (source, span))) => title.element(
                Snippet::source(source.as_str())
                    .path(self.file.as_str())
                    .line_start(usize::try_from(**line).unwrap_or(1))
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
        renderer.render(&report)
    }
}

/// The part of a line around the place, harmless, with the place in bytes.
fn window(source: &str, column: u32, width: u32) -> (String, std::ops::Range<usize>) {
    let chars: Vec<char> = inert(source).chars().collect();
    let at = usize::try_from(column - 1)
        .unwrap_or_default()
        .min(chars.len());
    let start = at.saturating_sub(WINDOW.0);
    let end = chars.len().min(at + WINDOW.1);
    let mark = (at + usize::try_from(width).unwrap_or(1)).min(end);
    let text = |range: std::ops::Range<usize>| chars[range].iter().collect::<String>();
    let before = format!("{}{}", if start > 0 { "…" } else { "" }, text(start..at));
    let marked = text(at..mark.max(at));
    let after = format!(
        "{}{}",
        text(mark.max(at)..end),
        if end < chars.len() { "…" } else { "" }
    );
    let span = before.len()..before.len() + marked.len();
    (format!("{before}{marked}{after}"), span)
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
mod tests {
    use super::*;

    fn violation(line: u32, column: u32) -> Violation {
        Violation {
            code: "type".to_owned(),
            pointer: "/confidence".to_owned(),
            line,
            column,
            message: "must be a number between 0 and 1".to_owned(),
            fix: Some("write 0.9".to_owned()),
        }
    }

    #[test]
    fn a_violation_is_drawn_under_its_value() {
        let text = "{\n  \"task\": \"x\",\n  \"confidence\": \"high\",\n}\n";
        let drawing = Drawing::of_violation(&violation(3, 17), "a/handoff.json", text);
        assert_eq!(
            drawing.render(false),
            "error: /confidence must be a number between 0 and 1\n \
             --> a/handoff.json:3:17\n  \
             |\n\
             3 |   \"confidence\": \"high\",\n  \
             |                 ^^^^^^\n  \
             |\n\
             hint: write 0.9"
        );
    }

    #[test]
    fn a_violation_without_a_place_is_a_sentence() {
        let drawing = Drawing::of_violation(&violation(0, 0), "handoff.json", "");
        assert_eq!(
            drawing.render(false),
            "error: /confidence must be a number between 0 and 1\n |\nhint: write 0.9"
        );
    }

    #[test]
    fn long_and_hostile_lines_are_cut_and_inert() {
        let line = format!(
            "{}\"\x1b[2J\u{202e}\"{}",
            "a".repeat(5_000),
            "b".repeat(5_000)
        );
        let (text, span) = window(&line, 5_001, 7);
        assert!(text.chars().count() < 200);
        assert!(!text.contains(['\x1b', '\u{202e}']));
        assert_eq!(&text[span], "\"�[2J�\"");
        assert_eq!(window("", 1, 1), (String::new(), 0..0));
        assert_eq!(window("ab", 99, 3).1, 2..2);
    }

    #[test]
    fn the_mark_is_as_long_as_the_value() {
        for (line, column, width) in [
            (r#"{"a": "b\"c", "d": 12}"#, 7, 6),
            (r#"{"a": 12}"#, 7, 2),
            (r#"{"a": [1]}"#, 7, 1),
            ("task: x y", 1, 4),
            ("", 1, 1),
        ] {
            assert_eq!(token(line, column), width, "{line} {column}");
        }
    }
}
