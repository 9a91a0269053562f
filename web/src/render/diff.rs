//! Line diffs with marks inside changed lines, in pages, with unchanged lines folded.

mod pager;
mod split;

use std::{borrow::Cow, collections::HashMap, ops::Range, sync::Arc, time::Instant};

use serde::Serialize;
use similar::{Algorithm, ChangeTag, DiffOp, DiffTag, InlineChangeOptions};

use super::visible::visible;
use pager::Pager;

/// The most lines on one page of a diff.
pub const PAGE: usize = 2_000;
/// Lines longer than this many characters are cut.
pub const MAX_LINE: usize = 2_000;
/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// The most lines that unfolding shows at once.
const UNFOLDED: usize = 500;
/// Marks inside lines are looked for in blocks of at most this many lines; a bigger block is a rewrite.
const MAX_MARKED: usize = 200;

/// How a diff is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Whether white space within lines counts for nothing.
    pub ignore_space: bool,
    /// Which folds are open, by their number.
    pub open: Vec<usize>,
    /// The first row of the page.
    pub from: usize,
    /// When comparing ends roughly: still true, no longer the shortest. The input comes from agents,
    /// and the worst case is quadratic.
    pub deadline: Option<Instant>,
    /// What was found before for the same two texts and the same wish about white space.
    pub compared: Option<Compared>,
}

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

/// What stands on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Row {
    /// A line.
    Line(Line),
    /// Unchanged lines that are not shown.
    Fold {
        /// Its number, for [`Wish::open`].
        at: usize,
        /// How many lines.
        hidden: usize,
        /// For example `Lines 11 to 27 of 61`: what follows.
        title: String,
    },
}

/// One line beside the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// On the old side.
    pub old: Option<Line>,
    /// On the new side.
    pub new: Option<Line>,
    /// In place of both.
    pub fold: Option<Row>,
}

/// The difference of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Lines only on the new side.
    pub added: usize,
    /// Lines only on the old side.
    pub removed: usize,
    /// The rows of this page.
    pub rows: Vec<Row>,
    /// The same side by side, when that is wanted.
    pub pairs: Vec<Pair>,
    /// Where the page begins, and how many rows there are in all.
    pub from: usize,
    /// All rows, folded ones not counted.
    pub total: usize,
    /// What differs besides lines, and what is not shown.
    pub notes: Vec<String>,
}

/// Where two texts differ, without the texts: small enough to be kept for the next page.
#[derive(Clone, Debug)]
pub struct Compared(Arc<[DiffOp]>);

/// Compares two texts line by line.
pub fn compare(old: &str, new: &str, ignore_space: bool, deadline: Option<Instant>) -> Compared {
    let mut numbers: HashMap<Cow<'_, str>, u32> = HashMap::new();
    let mut number = |line| {
        let key = if ignore_space {
            Cow::Owned(str::split_whitespace(line).collect::<Vec<_>>().join(" "))
        } else {
            Cow::Borrowed(line.trim_end_matches(['\r', '\n']))
        };
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(key).or_insert(next)
    };
    let old: Vec<u32> = lines(old).map(&mut number).collect();
    let new: Vec<u32> = lines(new).map(number).collect();
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
    Compared(ops.into())
}

/// Compares two texts and shows a page of it.
pub fn diff(old: &str, new: &str, wish: &Wish) -> Diff {
    let compared = match &wish.compared {
        Some(known) => known.clone(),
        None => compare(old, new, wish.ignore_space, wish.deadline),
    };
    page(old, new, &compared, wish)
}

impl Compared {
    /// The lines that are only on the new side, from 0, as ranges.
    pub fn fresh(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let changed = self.0.iter().filter(|op| op.tag() != DiffTag::Equal);
        changed
            .map(DiffOp::new_range)
            .filter(|range| !range.is_empty())
    }

    /// The lines on the new side before which something went, from 0.
    pub fn gone(&self) -> impl Iterator<Item = usize> {
        let gone = self.0.iter().filter(|op| op.tag() == DiffTag::Delete);
        gone.map(|op| op.new_range().start)
    }

    /// Where lines of the old side are on the new one, from 0, when all of them still stand there together;
    /// else the line of the new side that stands in the place of the first.
    pub fn carry(&self, lines: Range<usize>) -> Result<Range<usize>, usize> {
        let mut end = 0;
        for op in self.0.iter() {
            let (old, new) = (op.old_range(), op.new_range());
            if old.contains(&lines.start) {
                if op.tag() == DiffTag::Equal && lines.end <= old.end {
                    let start = new.start + (lines.start - old.start);
                    return Ok(start..start + lines.len());
                }
                return Err(match op.tag() {
                    DiffTag::Equal => new.start + (lines.start - old.start),
                    _ => new.start.min(new.end.saturating_sub(1)),
                });
            }
            end = new.end;
        }
        Err(end.saturating_sub(1))
    }

    fn counts(&self) -> (usize, usize) {
        let changed = self.0.iter().filter(|op| op.tag() != DiffTag::Equal);
        changed.fold((0, 0), |(added, removed), op| {
            (added + op.new_range().len(), removed + op.old_range().len())
        })
    }
}

/// A page of what [`compare`] found in the same two texts.
pub fn page(old: &str, new: &str, compared: &Compared, wish: &Wish) -> Diff {
    let old: Vec<&str> = lines(old).collect();
    let new: Vec<&str> = lines(new).collect();
    let (added, removed) = compared.counts();
    let mut pager = Pager {
        old: &old,
        new: &new,
        from: wish.from,
        at: 0,
        rows: Vec::new(),
        folds: 0,
        cut: false,
    };
    let ops = &compared.0;
    if added + removed > 0 {
        for (at, op) in ops.iter().enumerate() {
            match op.tag() {
                DiffTag::Equal => pager.same(op, at == 0, at + 1 == ops.len(), &wish.open),
                _ => pager.changed(op),
            }
        }
    }
    let mut notes = Vec::new();
    if pager.cut {
        notes.push(format!("Lines are cut at {MAX_LINE} characters."));
    }
    Diff {
        added,
        removed,
        from: wish.from,
        total: pager.at,
        rows: pager.rows,
        pairs: Vec::new(),
        notes,
    }
}

/// Lines with their ends.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
}

/// Stands as a piece of its own where a line was cut.
const ELLIPSIS: &str = "…";

/// Marks also where more than half of a line changed; a rewritten line with many small islands of
/// equal text is marked whole.
fn marks() -> InlineChangeOptions {
    let mut options = InlineChangeOptions::new();
    options.min_ratio(0.4).semantic_cleanup(true);
    options
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

#[cfg(test)]
mod tests;
