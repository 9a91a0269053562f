//! Line diffs with marks inside changed lines, in pages, with unchanged lines folded.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Instant};

use serde::Serialize;
use similar::{Algorithm, ChangeTag, DiffOp, DiffTag, InlineChangeOptions, TextDiff};

use super::visible::visible;

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

impl Diff {
    /// Lays the rows side by side.
    pub fn split(&mut self) {
        let mut pairs: Vec<Pair> = Vec::new();
        // Rows of the same block of changes whose new side is still free.
        let mut free = 0;
        for row in std::mem::take(&mut self.rows) {
            let empty = Pair {
                old: None,
                new: None,
                fold: None,
            };
            match row {
                Row::Line(line) if line.sign == Sign::Removed => {
                    if free > pairs.len() {
                        free = pairs.len();
                    }
                    let old = Some(line);
                    pairs.push(Pair { old, ..empty });
                }
                Row::Line(line) if line.sign == Sign::Added => {
                    let open = pairs.get_mut(free).filter(|pair| pair.old.is_some());
                    if let Some(pair) = open {
                        pair.new = Some(line);
                    } else {
                        let new = Some(line);
                        pairs.push(Pair { new, ..empty });
                    }
                    free += 1;
                }
                Row::Line(line) => {
                    pairs.push(Pair {
                        old: Some(line.clone()),
                        new: Some(line),
                        fold: None,
                    });
                    free = pairs.len();
                }
                fold @ Row::Fold { .. } => {
                    let fold = Some(fold);
                    pairs.push(Pair { fold, ..empty });
                    free = pairs.len();
                }
            }
        }
        self.pairs = pairs;
    }

    /// Lines on this page.
    pub fn lines(&self) -> usize {
        self.rows.len() + self.pairs.len()
    }
}

/// Walks over all rows and keeps those of one page.
struct Pager<'t> {
    old: &'t [&'t str],
    new: &'t [&'t str],
    from: usize,
    at: usize,
    rows: Vec<Row>,
    folds: usize,
    cut: bool,
}

impl Pager<'_> {
    fn is_open(&self) -> bool {
        (self.from..self.from + PAGE).contains(&self.at)
    }

    /// Passes `count` rows of which `make` gives the ones that are on the page.
    fn pass(&mut self, count: usize, make: impl Fn(&Self, usize) -> Line) {
        let skipped = self.from.saturating_sub(self.at).min(count);
        let room = (self.from + PAGE).saturating_sub(self.at + skipped);
        for offset in skipped..count.min(skipped + room) {
            let line = make(self, offset);
            self.cut |= line
                .pieces
                .last()
                .is_some_and(|piece| piece.text == ELLIPSIS);
            self.rows.push(Row::Line(line));
        }
        self.at += count;
    }

    fn same(&mut self, op: &DiffOp, first: bool, last: bool, open: &[usize]) {
        let (old, new) = (op.old_range().start, op.new_range().start);
        let length = op.new_range().len();
        let line = move |pager: &Self, at: usize| {
            let text = std::iter::once((false, pager.new[new + at]));
            line(ChangeTag::Equal, Some(old + at), Some(new + at), text)
        };
        let before = if first { 0 } else { CONTEXT.min(length) };
        let after = if last {
            0
        } else {
            CONTEXT.min(length - before)
        };
        let hidden = length - before - after;
        self.pass(before, line);
        if hidden > 0 {
            let number = self.folds;
            self.folds += 1;
            let shown = if open.contains(&number) {
                hidden.min(UNFOLDED)
            } else {
                0
            };
            self.pass(shown, move |pager, at| line(pager, before + at));
            let folded = hidden - shown;
            if folded > 0 && self.is_open() {
                let next = new + before + hidden + 1;
                let title = if last {
                    format!("to line {}", new + length)
                } else {
                    format!("line {next} of {} follows", self.new.len())
                };
                self.rows.push(Row::Fold {
                    at: number,
                    hidden: folded,
                    title,
                });
            }
        }
        self.pass(after, move |pager, at| line(pager, before + hidden + at));
    }

    fn changed(&mut self, op: &DiffOp) {
        let (old, new) = (op.old_range(), op.new_range());
        let block = (&self.old[old.clone()], &self.new[new.clone()]);
        let is_short = |text: &&&str| text.len() <= MAX_LINE;
        let marked = old.len() + new.len() <= MAX_MARKED
            && !old.is_empty()
            && !new.is_empty()
            && block.0.iter().all(|text| is_short(&text))
            && block.1.iter().all(|text| is_short(&text));
        if !marked {
            let start = old.start;
            self.pass(old.len(), move |pager, at| {
                let text = std::iter::once((false, pager.old[start + at]));
                line(ChangeTag::Delete, Some(start + at), None, text)
            });
            let start = new.start;
            self.pass(new.len(), move |pager, at| {
                let text = std::iter::once((false, pager.new[start + at]));
                line(ChangeTag::Insert, None, Some(start + at), text)
            });
            return;
        }
        let inner = TextDiff::configure().diff_slices(block.0, block.1);
        let shift = |at: Option<usize>, start: usize| at.map(|at| at + start);
        let mut made = Vec::new();
        for op in inner.ops() {
            for change in inner.iter_inline_changes_with_options(op, marks()) {
                let pieces = change
                    .values()
                    .iter()
                    .map(|(marked, text)| (*marked, *text));
                made.push(line(
                    change.tag(),
                    shift(change.old_index(), old.start),
                    shift(change.new_index(), new.start),
                    pieces,
                ));
            }
        }
        self.pass(made.len(), |_, at| made[at].clone());
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
