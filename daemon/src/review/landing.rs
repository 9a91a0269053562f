//! Where a place of one revision is in another: its lines are followed through the difference of both files.

use std::collections::HashMap;

use countersign_protocol::{
    Digest,
    manifest::{Manifest, ManifestEntry},
    place::Place,
};
use countersign_web::{
    desk::{
        DeskError,
        threads::{Landing, Standing},
    },
    render::{
        diff::{self, Compared},
        text,
    },
};

use super::LedgerDesk;

/// Lines are followed in files of at most this size, in bytes.
const LARGEST: u64 = 1_000_000;
/// Files are compared for one page at most so often.
const MOST: usize = 20;
/// Comparing two files ends roughly after that time.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// Finds places in one revision.
pub(super) struct Lander<'a> {
    desk: &'a LedgerDesk,
    manifest: &'a Manifest,
    /// What was compared, by the digests of both sides.
    compared: HashMap<(Digest, Digest), Option<Compared>>,
}

impl<'a> Lander<'a> {
    pub(super) fn new(desk: &'a LedgerDesk, manifest: &'a Manifest) -> Self {
        Self {
            desk,
            manifest,
            compared: HashMap::new(),
        }
    }

    /// Where `place` is.
    pub(super) async fn land(&mut self, place: &Place) -> Result<Landing, DeskError> {
        let Some(path) = &place.path else {
            return Ok(Landing::default());
        };
        let named = self.manifest.get(path);
        let same = |entry: &&ManifestEntry| Some(entry.sha256) == place.sha256;
        let kept = named.filter(same).or_else(|| {
            // The same bytes under another name.
            let mut others = self.manifest.entries.iter().map(|entry| &**entry);
            named.is_none().then(|| others.find(same))?
        });
        if let Some(entry) = kept {
            return Ok(Landing {
                standing: Standing::Here,
                path: Some(entry.path.clone()),
                line: place.line,
                end_line: place.end_line,
            });
        }
        let Some(entry) = named else {
            return Ok(Landing {
                standing: Standing::Gone,
                ..Landing::default()
            });
        };
        let changed = Landing {
            standing: Standing::Changed,
            path: Some(entry.path.clone()),
            ..Landing::default()
        };
        let (Some(first), Some(old)) = (place.line, place.sha256) else {
            // A remark about the whole file is about its next version, too.
            let is_whole = place.cell.is_none() && place.region.is_none();
            return Ok(if is_whole && place.line.is_none() {
                Landing {
                    standing: Standing::Here,
                    ..changed
                }
            } else {
                changed
            });
        };
        let last = place.end_line.unwrap_or(first);
        let Some(compared) = self.compare(old, entry).await? else {
            return Ok(changed);
        };
        let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX) - 1;
        let number = |at: usize| u32::try_from(at + 1).ok();
        Ok(match compared.carry(index(first)..index(last) + 1) {
            Ok(lines) => Landing {
                standing: Standing::Here,
                line: number(lines.start),
                end_line: place.end_line.and_then(|_| number(lines.end - 1)),
                ..changed
            },
            Err(at) => Landing {
                line: number(at),
                ..changed
            },
        })
    }

    async fn compare(
        &mut self,
        old: Digest,
        new: &ManifestEntry,
    ) -> Result<Option<&Compared>, DeskError> {
        let pair = (old, new.sha256);
        if !self.compared.contains_key(&pair) {
            let fits = new.kept && new.size <= LARGEST && self.compared.len() < MOST;
            let texts = if fits {
                // One byte more than fits tells that it does not.
                let old = self.desk.bytes(old, LARGEST + 1).await?;
                let new = self.desk.bytes(new.sha256, LARGEST + 1).await?;
                old.zip(new).filter(|(old, _)| old.len() as u64 <= LARGEST)
            } else {
                None
            };
            let compared = match texts {
                None => None,
                Some((old, new)) => {
                    let work = move || {
                        let (old, new) = (text::decode(&old, true), text::decode(&new, true));
                        let deadline = tokio::time::Instant::now() + PATIENCE;
                        diff::compare(&old.text, &new.text, false, Some(deadline.into_std()))
                    };
                    let done = tokio::task::spawn_blocking(work).await;
                    Some(done.map_err(|error| DeskError::Unavailable(error.to_string()))?)
                }
            };
            self.compared.insert(pair, compared);
        }
        Ok(self.compared.get(&pair).and_then(Option::as_ref))
    }
}
