//! Which segments of an index are merged.

use std::collections::HashMap;

use tantivy::{
    SegmentMeta,
    index::SegmentId,
    indexer::LogMergePolicy,
    merge_policy::{MergeCandidate, MergePolicy},
};

/// Most documents of a segment that is merged from others: a merge reads and maps all of them.
const LARGEST: u64 = 20_000;
/// Segments up to this many documents count as equally small.
const SMALLEST_LAYER: u32 = 500;
/// A segment with a larger share of removed documents is written anew.
const REMOVED_SHARE: f32 = 0.4;

/// Merges segments of about one size when there are some of them, the smallest first, but never into one with more than
/// [`LARGEST`] documents. Of a larger tree there are more segments, and the memory for a merge stays the same.
#[derive(Debug)]
pub(super) struct Merging(LogMergePolicy);

impl Default for Merging {
    fn default() -> Self {
        let mut policy = LogMergePolicy::default();
        policy.set_min_layer_size(SMALLEST_LAYER);
        policy.set_del_docs_ratio_before_merge(REMOVED_SHARE);
        Self(policy)
    }
}

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let known: HashMap<SegmentId, &SegmentMeta> =
            segments.iter().map(|one| (one.id(), one)).collect();
        let wanted = self.0.compute_merge_candidates(segments).into_iter();
        let wanted = wanted.map(|MergeCandidate(ids)| {
            let found = ids.iter().filter_map(|id| known.get(id));
            found.copied().collect()
        });
        wanted.flat_map(within).collect()
    }
}

/// As many of the smallest as fit into one, and of the others each by itself that has much to lose.
fn within(mut segments: Vec<&SegmentMeta>) -> Vec<MergeCandidate> {
    segments.sort_by_key(|one| one.num_docs());
    let mut docs = 0;
    let fit = segments.iter().take_while(|one| {
        docs += u64::from(one.num_docs());
        docs <= LARGEST
    });
    let fit = Some(fit.count()).filter(|fit| *fit > 1);
    let others = segments.split_off(fit.unwrap_or_default());
    let together: Vec<_> = segments.iter().map(|one| one.id()).collect();
    let worn = others.into_iter().filter(|one| is_worn(one));
    let all = worn.map(|one| vec![one.id()]).chain([together]);
    all.filter(|ids| !ids.is_empty())
        .map(MergeCandidate)
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share need not be exact to the last document"
)]
fn is_worn(segment: &SegmentMeta) -> bool {
    segment.num_deleted_docs() as f32 > REMOVED_SHARE * segment.max_doc() as f32
}

#[cfg(test)]
mod tests {
    use tantivy::{Index, schema::Schema};

    use super::*;

    /// The sizes of the segments of each merge, of segments with so many documents of which so many are removed.
    fn merged(segments: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let index = Index::create_in_ram(Schema::builder().build());
        let segments = segments.iter().map(|(docs, removed)| {
            let segment = index.new_segment_meta(SegmentId::generate_random(), *docs);
            match removed {
                0 => segment,
                _ => segment.with_delete_meta(*removed, 1),
            }
        });
        let segments: Vec<SegmentMeta> = segments.collect();
        let candidates = Merging::default().compute_merge_candidates(&segments);
        let sizes = candidates.iter().map(|MergeCandidate(ids)| {
            let docs = |id: &SegmentId| segments.iter().find(|one| one.id() == *id);
            ids.iter()
                .filter_map(docs)
                .map(SegmentMeta::max_doc)
                .collect()
        });
        sizes.collect()
    }

    #[test]
    fn equally_small_ones_are_merged_when_there_are_eight() {
        assert_eq!(merged(&[(100, 0); 7]), Vec::<Vec<u32>>::new());
        assert_eq!(merged(&[(100, 0); 8]), [vec![100; 8]]);
        let mut some = vec![(15_000, 0); 3];
        some.extend([(1000, 0); 8]);
        assert_eq!(merged(&some), [vec![1000; 8]]);
    }

    #[test]
    fn no_merge_comes_to_more_than_the_largest() {
        let mut many = vec![(6000, 0); 7];
        many.push((5500, 0));
        assert_eq!(merged(&many), [[5500, 6000, 6000]]);
        assert_eq!(merged(&[(12_000, 0); 9]), Vec::<Vec<u32>>::new());
        assert_eq!(merged(&[(5000, 0); 9]), [[5000; 4]]);
    }

    #[test]
    fn what_lost_much_is_written_anew_however_large() {
        assert_eq!(merged(&[(100_000, 30_000)]), Vec::<Vec<u32>>::new());
        assert_eq!(merged(&[(100_000, 50_000)]), [[100_000]]);
        // Beside others of its size, too, and what is left of it counts.
        assert_eq!(merged(&[(50_000, 0), (90_000, 45_000)]), [[90_000]]);
        let one = merged(&[(60_000, 51_000), (10_000, 0)]);
        assert_eq!(one, [[60_000, 10_000]]);
    }
}
