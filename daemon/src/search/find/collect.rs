//! Gathers all documents of an answer with what they are sorted by.

use std::{collections::HashMap, sync::Arc};

use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::Column,
};

use super::super::{schema::FAST_NAMES, standing::Standing};

/// By what an answer is sorted. Higher keys come first.
#[derive(Clone, Debug, Default)]
pub enum Order {
    /// Best first.
    #[default]
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// Largest first.
    Largest,
    /// Smallest first.
    Smallest,
    /// By path; done after gathering.
    Path,
    /// By a number of each handoff, highest first; others come last.
    Card(HashMap<u64, i64>),
}

/// A document and its key, in an order in which the best is the greatest.
pub(super) type Ranked = (i64, DocAddress);

pub(super) struct Gather<'a> {
    pub(super) order: &'a Order,
    /// In the index of versions: when each was handed over.
    pub(super) past: Option<&'a Arc<Standing>>,
}

pub(super) struct OfSegment {
    segment: SegmentOrdinal,
    found: Vec<Ranked>,
    key: Key,
}

enum Key {
    Score,
    At(Column<i64>, i64),
    Stood(Column<u64>, Arc<Standing>, i64),
    Size(Column<u64>, i64),
    Card(Option<Column<u64>>, HashMap<u64, i64>),
    None,
}

impl Collector for Gather<'_> {
    type Fruit = Vec<Ranked>;
    type Child = OfSegment;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<OfSegment> {
        let columns = reader.fast_fields();
        let size = |sign| {
            let size = columns.column_opt::<u64>(FAST_NAMES.size)?;
            Ok::<_, tantivy::TantivyError>(size.map_or(Key::None, |size| Key::Size(size, sign)))
        };
        let at = |sign| {
            Ok::<_, tantivy::TantivyError>(match self.past {
                None => Key::At(columns.i64(FAST_NAMES.at)?, sign),
                Some(past) => Key::Stood(columns.u64(FAST_NAMES.key)?, Arc::clone(past), sign),
            })
        };
        let key = match self.order {
            Order::Relevance => Key::Score,
            Order::Newest => at(1)?,
            Order::Oldest => at(-1)?,
            Order::Largest => size(1)?,
            Order::Smallest => size(-1)?,
            Order::Path => Key::None,
            Order::Card(ranks) => Key::Card(columns.column_opt(FAST_NAMES.card)?, ranks.clone()),
        };
        Ok(OfSegment {
            segment,
            found: Vec::new(),
            key,
        })
    }

    fn requires_scoring(&self) -> bool {
        matches!(self.order, Order::Relevance)
    }

    fn merge_fruits(&self, all: Vec<Vec<Ranked>>) -> tantivy::Result<Vec<Ranked>> {
        Ok(all.concat())
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Vec<Ranked>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let key = match &self.key {
            // Scores are not negative, and so in the order of their bits.
            Key::Score => i64::from(score.max(0.0).to_bits()),
            Key::At(column, sign) => column.first(doc).map_or(i64::MIN, |at| at * sign),
            Key::Stood(keys, past, sign) => {
                let version = keys.first(doc).and_then(|key| past.get(key));
                version.map_or(i64::MIN, |one| one.at().as_microsecond() * sign)
            }
            Key::Size(column, sign) => column.first(doc).map_or(i64::MIN, |size| {
                i64::try_from(size).unwrap_or(i64::MAX) * sign
            }),
            Key::Card(ids, ranks) => {
                let id = ids.as_ref().and_then(|ids| ids.first(doc));
                let rank = id.and_then(|id| ranks.get(&id));
                rank.copied().unwrap_or(i64::MIN)
            }
            Key::None => 0,
        };
        self.found.push((key, DocAddress::new(self.segment, doc)));
    }

    fn harvest(self) -> Vec<Ranked> {
        self.found
    }
}

/// Puts the first `count` in order, best first; the rest is behind them in no order.
pub(super) fn sort_first(found: &mut [Ranked], count: usize) {
    let better = |one: &Ranked, other: &Ranked| other.0.cmp(&one.0).then(one.1.cmp(&other.1));
    if count < found.len() && count > 0 {
        found.select_nth_unstable_by(count - 1, better);
        found[..count].sort_unstable_by(better);
    } else {
        found.sort_unstable_by(better);
    }
}
