//! The files below a folder, by what the index has of them.

use tantivy::columnar::StrColumn;

use super::{
    live::{IndexError, Live},
    schema::FAST_NAMES,
};

/// Keys of the documents of `workspace` whose path is `folder` or below it, as of the last commit.
pub(super) fn keys_below(
    live: &Live,
    workspace: &str,
    folder: &str,
) -> Result<Vec<u64>, IndexError> {
    let searcher = live.searcher();
    let mut keys = Vec::new();
    for segment in searcher.segment_readers() {
        let columns = segment.fast_fields();
        let (Some(paths), Some(names)) =
            (columns.str(FAST_NAMES.path)?, columns.str(FAST_NAMES.ws)?)
        else {
            continue;
        };
        let Some(name) = names
            .dictionary()
            .term_ord(workspace)
            .map_err(tantivy::TantivyError::from)?
        else {
            continue;
        };
        let range = ords_below(&paths, folder)?;
        if range.is_empty() {
            continue;
        }
        let key = columns.u64(FAST_NAMES.key)?;
        let sizes = columns.column_opt::<u64>(FAST_NAMES.size)?;
        for doc in segment.doc_ids_alive() {
            let is_file = sizes.as_ref().is_some_and(|size| size.first(doc).is_some());
            let is_below = paths
                .ords()
                .first(doc)
                .is_some_and(|ord| range.contains(&ord));
            if is_file && is_below && names.ords().first(doc) == Some(name) {
                keys.extend(key.first(doc));
            }
        }
    }
    Ok(keys)
}

/// The numbers of the paths below `folder`.
fn ords_below(paths: &StrColumn, folder: &str) -> tantivy::Result<std::ops::Range<u64>> {
    let mut below = paths
        .dictionary()
        .prefix_range(format!("{folder}/"))
        .into_stream()?;
    let mut range = 0..0;
    while below.advance() {
        let ord = below.term_ord();
        if range.is_empty() {
            range = ord..ord;
        }
        range.end = ord + 1;
    }
    Ok(range)
}
