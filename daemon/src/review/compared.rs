//! How the files of a revision differ from those of another one.

pub(super) mod kept;

use std::sync::Arc;

use countersign_protocol::{
    changes::Leaf,
    manifest::{Manifest, ManifestEntry},
    provenance::Provenance,
};
use countersign_web::desk::{Change, DeskError, FileRow, Files};

use super::LedgerDesk;
use crate::{ledger::Revision, versions};

impl LedgerDesk {
    /// The files of `shown` and those that only `base` has, by path; a file that was only renamed is one row.
    pub(super) async fn compared(
        &self,
        shown: &Arc<Revision>,
        base: Option<&Arc<Revision>>,
    ) -> Result<Files, DeskError> {
        let pair = (shown.seq, base.map(|base| base.seq));
        if let Some(files) = self.kept.get(pair) {
            return Ok(files);
        }
        let files = Files::from(self.compare(shown, base).await?);
        self.kept.put(pair, &files);
        Ok(files)
    }

    async fn compare(
        &self,
        shown: &Arc<Revision>,
        base: Option<&Arc<Revision>>,
    ) -> Result<Vec<FileRow>, DeskError> {
        let mut rows = files(
            &shown.accepted.manifest,
            base.map(|base| &base.accepted.manifest),
        );
        if let Some(observed) = &shown.accepted.observed {
            for row in rows.iter_mut().filter(|row| row.change != Change::Removed) {
                row.provenance = observed.of(&row.path);
            }
        }
        let has = |change| rows.iter().any(|row| row.change == change);
        if !has(Change::Added) || !has(Change::Removed) {
            return Ok(rows);
        }
        let (ledger, objects) = (self.ledger.clone(), Arc::clone(&self.objects));
        let text = move |sha256| super::files::small(&ledger, &objects, sha256);
        tokio::task::spawn_blocking(move || with_renames(rows, text))
            .await
            .map_err(|error| DeskError::Unavailable(error.to_string()))
    }
}

fn files(shown: &Manifest, base: Option<&Manifest>) -> Vec<FileRow> {
    let row = |entry: &ManifestEntry, change: Change| FileRow {
        path: entry.path.clone(),
        size: entry.size,
        sha256: entry.sha256,
        change,
        declared: entry.declared,
        kept: entry.kept,
        executable: entry.executable,
        title: entry.title.clone(),
        from_path: None,
        percent: None,
        provenance: Provenance::Claimed,
    };
    let mut rows: Vec<FileRow> = shown
        .entries
        .iter()
        .map(|entry| match base.and_then(|base| base.get(&entry.path)) {
            None => row(entry, Change::Added),
            Some(before)
                if before.sha256 == entry.sha256 && before.executable == entry.executable =>
            {
                row(entry, Change::Unchanged)
            }
            Some(_) => row(entry, Change::Modified),
        })
        .collect();
    let gone = base.map(|base| base.entries.as_slice()).unwrap_or_default();
    rows.extend(
        gone.iter()
            .filter(|entry| shown.get(&entry.path).is_none())
            .map(|entry| row(entry, Change::Removed)),
    );
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    rows
}

/// Joins a file that is gone and a new one that is it.
fn with_renames(
    mut rows: Vec<FileRow>,
    text: impl FnMut(countersign_protocol::Digest) -> Option<Vec<u8>>,
) -> Vec<FileRow> {
    let side = |wanted: Change| -> Vec<(usize, (&str, Leaf))> {
        let side = rows.iter().enumerate();
        side.filter(|(_, row)| row.change == wanted)
            .map(|(at, row)| (at, (row.path.as_str(), leaf(row))))
            .collect()
    };
    let (gone_at, gone): (Vec<_>, Vec<_>) = side(Change::Removed).into_iter().unzip();
    let (new_at, new): (Vec<_>, Vec<_>) = side(Change::Added).into_iter().unzip();
    let mut joined = Vec::new();
    for pair in versions::pairs(&gone, &new, text) {
        let (from, to) = (gone_at[pair.from], new_at[pair.to]);
        joined.push((from, to, rows[from].path.clone(), pair.percent));
    }
    let mut is_joined = vec![false; rows.len()];
    for (from, to, path, percent) in joined {
        is_joined[from] = true;
        let row = &mut rows[to];
        row.change = Change::Renamed;
        row.from_path = Some(path);
        row.percent = Some(percent);
    }
    let mut is_joined = is_joined.into_iter();
    rows.retain(|_| !is_joined.next().unwrap_or_default());
    rows
}

fn leaf(row: &FileRow) -> Leaf {
    Leaf {
        sha256: row.sha256,
        size: row.size,
        executable: row.executable,
    }
}

#[cfg(test)]
mod tests;
