//! A set of documents of one segment.

use std::{collections::HashMap, sync::Arc};

use tantivy::{
    DocId, SegmentReader,
    index::SegmentId,
    query::{
        Query,
        doc_predicate_query::{DocPredicateQuery, FunctionPredicate},
    },
};

/// One bit for each document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Docs {
    bits: Vec<u64>,
}

impl Docs {
    /// None of `count` documents.
    pub(super) fn none(count: DocId) -> Self {
        Self {
            bits: vec![0; (count as usize).div_ceil(64)],
        }
    }

    pub(super) fn insert(&mut self, doc: DocId) {
        if let Some(bits) = self.bits.get_mut(doc as usize / 64) {
            *bits |= 1 << (doc % 64);
        }
    }

    pub(super) fn has(&self, doc: DocId) -> bool {
        let bits = self.bits.get(doc as usize / 64).copied();
        bits.unwrap_or_default() & (1 << (doc % 64)) != 0
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let ones = self.bits.iter().map(|bits| bits.count_ones() as usize);
        ones.sum()
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        for (bits, others) in self.bits.iter_mut().zip(&other.bits) {
            *bits &= others;
        }
        self
    }

    pub(super) fn or(mut self, other: &Self) -> Self {
        for (bits, others) in self.bits.iter_mut().zip(&other.bits) {
            *bits |= others;
        }
        self
    }
}

/// Sets of documents by segment. Of a segment that is not in it no document is meant.
pub(super) type BySegment = HashMap<SegmentId, Docs>;

/// The documents in `sets`, as a part of a query.
pub(super) fn query(sets: BySegment) -> Box<dyn Query> {
    let sets: HashMap<SegmentId, Arc<Docs>> = sets
        .into_iter()
        .map(|(id, docs)| (id, Arc::new(docs)))
        .collect();
    let predicate = FunctionPredicate::from(move |segment: &SegmentReader| {
        let docs = sets.get(&segment.segment_id()).cloned();
        Ok(move |doc: DocId| docs.as_ref().is_some_and(|docs| docs.has(doc)))
    });
    Box::new(DocPredicateQuery::from(predicate))
}
