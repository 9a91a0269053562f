//! Rows side by side.

use super::{Diff, Pair, Row, Sign};

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
