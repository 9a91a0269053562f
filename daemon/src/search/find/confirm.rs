//! The scan that confirms what the index has narrowed.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tantivy::TantivyError;

use super::{
    Ask, Finder, SPARE,
    collect::{Order, Ranked, sort_first},
    docs::{BySegment, Docs},
    pattern::Pattern,
};
use crate::search::fold::folded_path;

/// Time after which a question is given up.
const SCAN_LIMIT: Duration = Duration::from_secs(20);
/// What the error of a question that was given up says.
pub(super) const TOO_SLOW: &str = "it takes too long";
/// Threads that scan.
const SCANNERS: usize = 2;
/// Candidates that are scanned before it is seen whether that is enough.
const AT_ONCE: usize = 64;

/// A pattern, and the phrase that may stand in the path instead.
type Wanted<'a> = (&'a Pattern, Option<&'a str>);

impl Finder<'_> {
    /// Those of `found` that match, best first, until there are enough. Says whether that is all.
    pub(super) fn confirmed(
        &self,
        mut found: Vec<Ranked>,
        wanted: &[Wanted<'_>],
        enough: usize,
        ask: &Ask,
    ) -> tantivy::Result<(Vec<Ranked>, bool)> {
        let begun = self.search.clock.monotonic();
        let mut confirmed = Vec::new();
        let mut start = 0;
        let mut size = AT_ONCE;
        while start < found.len() {
            if !ask.count_all && confirmed.len() > enough {
                let spent = self.search.clock.monotonic().saturating_sub(begun);
                if spent >= SPARE {
                    return Ok((confirmed, false));
                }
            }
            if !matches!(ask.order, Order::Path) {
                sort_first(&mut found[start..], size);
            }
            let end = found.len().min(start + size);
            let fits = self.scan(&found[start..end], wanted)?;
            let fitting = found[start..end].iter().zip(fits).filter(|(_, fits)| *fits);
            confirmed.extend(fitting.map(|(one, _)| *one));
            start = end;
            size = (size * 2).min(4_096);
        }
        Ok((confirmed, true))
    }

    /// Exactly those of `found` that match.
    pub(super) fn exact(
        &self,
        found: &[Ranked],
        wanted: &[Wanted<'_>],
    ) -> tantivy::Result<BySegment> {
        let fits = self.scan(found, wanted)?;
        let mut exact: BySegment = self
            .searcher
            .segment_readers()
            .iter()
            .map(|segment| (segment.segment_id(), Docs::none(segment.max_doc())))
            .collect();
        for ((_, address), _) in found.iter().zip(fits).filter(|(_, fits)| *fits) {
            let segment = self.searcher.segment_reader(address.segment_ord);
            if let Some(docs) = exact.get_mut(&segment.segment_id()) {
                docs.insert(address.doc_id);
            }
        }
        Ok(exact)
    }

    /// For each of `found` whether it matches everything that is wanted.
    fn scan(&self, found: &[Ranked], wanted: &[Wanted<'_>]) -> tantivy::Result<Vec<bool>> {
        let next = AtomicUsize::new(0);
        let is_over = || self.search.clock.monotonic().saturating_sub(self.begun) > SCAN_LIMIT;
        let gave_up = AtomicBool::new(false);
        let work = || -> tantivy::Result<Vec<usize>> {
            let mut columns = HashMap::new();
            let mut fits = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((_, address)) = found.get(at) else {
                    return Ok(fits);
                };
                let document = self.document(*address, &mut columns)?;
                let path = folded_path(&document.path);
                let mut text = None;
                let is_in = |wanted: &Wanted<'_>| {
                    let (pattern, phrase) = wanted;
                    if phrase.is_some_and(|phrase| path.contains(&folded_path(phrase))) {
                        return true;
                    }
                    let text = text.get_or_insert_with(|| self.text(&document, *address));
                    text.as_ref().is_some_and(|text| {
                        pattern.is_in(text, &is_over).unwrap_or_else(|| {
                            gave_up.store(true, Ordering::Relaxed);
                            false
                        })
                    })
                };
                if wanted.iter().all(is_in) {
                    fits.push(at);
                }
                if gave_up.load(Ordering::Relaxed) {
                    return Err(TantivyError::InvalidArgument(TOO_SLOW.to_owned()));
                }
            }
        };
        let all = std::thread::scope(|scope| {
            let others = (1..SCANNERS.min(found.len().div_ceil(8))).map(|_| scope.spawn(work));
            let others: Vec<_> = others.collect();
            let mut all = work()?;
            for other in others {
                match other.join() {
                    Ok(fits) => all.extend(fits?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok::<_, tantivy::TantivyError>(all)
        })?;
        let mut fits = vec![false; found.len()];
        for at in all {
            fits[at] = true;
        }
        Ok(fits)
    }
}
