//! The rows of a diff, one page of them kept.

use similar::{ChangeTag, DiffOp, TextDiff};

use super::{CONTEXT, ELLIPSIS, Line, MAX_LINE, MAX_MARKED, PAGE, Row, UNFOLDED, line, marks};

/// Walks over all rows and keeps those of one page.
pub(super) struct Pager<'t> {
    pub(super) old: &'t [&'t str],
    pub(super) new: &'t [&'t str],
    pub(super) from: usize,
    pub(super) at: usize,
    pub(super) rows: Vec<Row>,
    pub(super) folds: usize,
    pub(super) cut: bool,
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

    pub(super) fn same(&mut self, op: &DiffOp, first: bool, last: bool, open: &[usize]) {
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

    pub(super) fn changed(&mut self, op: &DiffOp) {
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
