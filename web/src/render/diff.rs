//! Line diffs with marks inside changed lines.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

use super::visible::visible;

/// The most changed lines that are shown.
pub const MAX_CHANGED: usize = 5_000;
/// Lines longer than this many characters are cut.
pub const MAX_LINE: usize = 2_000;
/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Marks inside lines are looked for in blocks of at most this many lines; a bigger block is a rewrite.
const MAX_MARKED: usize = 200;
/// After this long the diff is finished roughly: still true, no longer the shortest. The input comes
/// from agents, and the worst case is quadratic.
const TIME: Duration = Duration::from_millis(500);

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Same on both sides.
    Same,
    /// Only on the new side.
    Added,
    /// Only on the old side.
    Removed,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// True when it is what changed in the line.
    pub marked: bool,
    /// The text, hidden characters written out.
    pub text: String,
}

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What happened to it.
    pub sign: Sign,
    /// Number on the old side, from 1.
    pub old: Option<usize>,
    /// Number on the new side, from 1.
    pub new: Option<usize>,
    /// Its text.
    pub pieces: Vec<Piece>,
}

/// Neighbouring changes with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// For example `Lines 11 to 27 of 61`.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The difference of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Lines only on the new side.
    pub added: usize,
    /// Lines only on the old side.
    pub removed: usize,
    /// The changes; empty when there are more than [`MAX_CHANGED`].
    pub hunks: Vec<Hunk>,
    /// Why something is not shown, or what differs besides lines.
    pub notes: Vec<String>,
}

/// Compares two texts line by line.
pub fn diff(old: &str, new: &str) -> Diff {
    let mut notes = Vec::new();
    if let Some(note) = line_ends(old, new) {
        notes.push(note);
    }
    let diff = TextDiff::configure().timeout(TIME).diff_lines(old, new);
    let (mut added, mut removed) = (0, 0);
    for op in diff.ops() {
        if op.tag() != similar::DiffTag::Equal {
            removed += op.old_range().len();
            added += op.new_range().len();
        }
    }
    if added + removed > MAX_CHANGED {
        notes.push(format!(
            "{} lines changed. At most {MAX_CHANGED} are shown, so none are. Open the raw file.",
            added + removed
        ));
        return Diff {
            added,
            removed,
            hunks: Vec::new(),
            notes,
        };
    }
    let total = diff.new_len();
    let hunks: Vec<_> = diff
        .grouped_ops(CONTEXT)
        .iter()
        .map(|ops| hunk(&diff, ops, total))
        .collect();
    let cut = hunks
        .iter()
        .flat_map(|hunk| &hunk.lines)
        .any(|line| line.pieces.last().is_some_and(|p| p.text == ELLIPSIS));
    if cut {
        notes.push(format!("Lines are cut at {MAX_LINE} characters."));
    }
    Diff {
        added,
        removed,
        hunks,
        notes,
    }
}

/// Stands as a piece of its own where a line was cut.
const ELLIPSIS: &str = "…";

fn hunk(diff: &TextDiff<'_, '_, str>, ops: &[DiffOp], total: usize) -> Hunk {
    let mut lines = Vec::new();
    for op in ops {
        if op.old_range().len() + op.new_range().len() <= MAX_MARKED && is_short(diff, op) {
            for change in diff.iter_inline_changes_with_options(op, marks()) {
                let pieces = change
                    .values()
                    .iter()
                    .map(|(marked, text)| (*marked, *text));
                lines.push(line(
                    change.tag(),
                    change.old_index(),
                    change.new_index(),
                    pieces,
                ));
            }
        } else {
            for change in diff.iter_changes(op) {
                let pieces = std::iter::once((false, change.value()));
                lines.push(line(
                    change.tag(),
                    change.old_index(),
                    change.new_index(),
                    pieces,
                ));
            }
        }
    }
    let first = lines.iter().find_map(|line| line.new);
    let last = lines.iter().rev().find_map(|line| line.new);
    let title = match (first, last) {
        (Some(first), Some(last)) if first != last => {
            format!("Lines {first} to {last} of {total}")
        }
        (Some(only), _) => format!("Line {only} of {total}"),
        _ => "All lines removed".to_owned(),
    };
    Hunk { title, lines }
}

/// Marks also where more than half of a line changed; a rewritten line with many small islands of
/// equal text is marked whole.
fn marks() -> InlineChangeOptions {
    let mut options = InlineChangeOptions::new();
    options.min_ratio(0.4).semantic_cleanup(true);
    options
}

/// Looking for marks in very long lines costs more than it shows.
fn is_short(diff: &TextDiff<'_, '_, str>, op: &DiffOp) -> bool {
    diff.iter_changes(op)
        .all(|change| change.value().len() <= MAX_LINE)
}

fn line<'t>(
    tag: ChangeTag,
    old: Option<usize>,
    new: Option<usize>,
    values: impl Iterator<Item = (bool, &'t str)>,
) -> Line {
    let mut room = MAX_LINE;
    let mut pieces = Vec::new();
    for (marked, value) in values {
        let text = value.trim_end_matches('\n');
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let taken: String = text.chars().take(room).collect();
        room -= taken.chars().count();
        let is_cut = taken.len() < text.len();
        pieces.push(Piece {
            marked,
            text: visible(&taken).into_owned(),
        });
        if is_cut {
            pieces.push(Piece {
                marked: false,
                text: ELLIPSIS.to_owned(),
            });
            break;
        }
    }
    Line {
        sign: match tag {
            ChangeTag::Equal => Sign::Same,
            ChangeTag::Insert => Sign::Added,
            ChangeTag::Delete => Sign::Removed,
        },
        old: old.map(|at| at + 1),
        new: new.map(|at| at + 1),
        pieces,
    }
}

/// Line ends are cut from what is shown, so a change of them is said in words.
fn line_ends(old: &str, new: &str) -> Option<String> {
    let windows = |text: &str| text.contains("\r\n");
    match (windows(old), windows(new)) {
        (false, true) if !old.is_empty() => Some("Line ends changed from LF to CRLF.".to_owned()),
        (true, false) if !new.is_empty() => Some("Line ends changed from CRLF to LF.".to_owned()),
        _ if !old.is_empty() && !new.is_empty() && old.ends_with('\n') != new.ends_with('\n') => {
            Some(if new.ends_with('\n') {
                "The last line has a line end now.".to_owned()
            } else {
                "The last line has no line end any more.".to_owned()
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &Line) -> String {
        line.pieces
            .iter()
            .filter(|piece| piece.marked)
            .map(|piece| piece.text.as_str())
            .collect()
    }

    #[test]
    fn a_changed_word_is_marked_on_both_sides() {
        let diff = diff(
            "UPDATE invoices\nSET currency = c.billing_currency\nWHERE 1;\n",
            "UPDATE invoices\nSET currency = c.currency\nWHERE 1;\n",
        );
        assert_eq!((diff.added, diff.removed), (1, 1));
        assert_eq!(diff.hunks.len(), 1);
        assert_eq!(diff.hunks[0].title, "Lines 1 to 3 of 3");
        let lines = &diff.hunks[0].lines;
        assert_eq!(lines.len(), 4);
        assert_eq!(
            (lines[1].sign, lines[1].old, lines[1].new),
            (Sign::Removed, Some(2), None)
        );
        assert_eq!(
            (lines[2].sign, lines[2].old, lines[2].new),
            (Sign::Added, None, Some(2))
        );
        assert!(marked(&lines[1]).contains("billing_currency"), "{lines:?}");
        assert!(marked(&lines[2]).contains("currency"), "{lines:?}");
        assert_eq!(marked(&lines[0]), "");
    }

    #[test]
    fn distant_changes_are_two_hunks() {
        let between = "same\n".repeat(20);
        let old = format!("one\n{between}two\n");
        let new = format!("uno\n{between}");
        let diff = diff(&old, &new);
        assert_eq!(diff.hunks.len(), 2);
        assert_eq!((diff.added, diff.removed), (1, 2));
    }

    #[test]
    fn hidden_characters_are_written_out() {
        let diff = diff("a\n", "a\u{202E}b\u{200B}\n");
        let text: String = diff.hunks[0]
            .lines
            .iter()
            .flat_map(|line| &line.pieces)
            .map(|piece| piece.text.as_str())
            .collect();
        assert!(
            text.contains("‹U+202E›") && text.contains("‹U+200B›"),
            "{text}"
        );
        assert!(!text.contains('\u{202E}'));
    }

    #[test]
    fn caps_are_kept_and_said() {
        let old = "x\n".repeat(MAX_CHANGED);
        let new = "y\n".repeat(MAX_CHANGED);
        let big = diff(&old, &new);
        assert!(big.hunks.is_empty());
        assert_eq!(big.added, MAX_CHANGED);
        assert_eq!(big.notes.len(), 1);

        let long = diff("", &"m".repeat(MAX_LINE * 3));
        let line = &long.hunks[0].lines[0];
        assert_eq!(line.pieces[0].text.len(), MAX_LINE);
        assert_eq!(line.pieces[1].text, "…");
        assert_eq!(long.notes, ["Lines are cut at 2000 characters."]);
    }

    #[test]
    fn line_ends_are_named() {
        assert_eq!(
            diff("a\nb\n", "a\r\nb\r\n").notes,
            ["Line ends changed from LF to CRLF."]
        );
        assert_eq!(
            diff("a\n", "a").notes,
            ["The last line has no line end any more."]
        );
        assert!(diff("a\n", "b\n").notes.is_empty());
    }

    #[test]
    fn the_whole_text_removed_or_added() {
        let gone = diff("a\nb\n", "");
        assert_eq!(gone.hunks[0].title, "All lines removed");
        assert_eq!((gone.added, gone.removed), (0, 2));
        let fresh = diff("", "a\nb\n");
        assert_eq!((fresh.added, fresh.removed), (2, 0));
        assert!(diff("same\n", "same\n").hunks.is_empty());
    }
}
