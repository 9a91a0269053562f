//! Where a place of one revision is in another: its lines are followed through the difference of both files.

use std::{collections::HashMap, sync::Arc};

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
use crate::ledger::{Card, Revision};

/// Lines are followed in files of at most this size, in bytes.
const LARGEST: u64 = 1_000_000;
/// Files are compared for one page at most so often.
const MOST: usize = 20;
/// Comparing two files ends roughly after that time.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// Finds places in one revision.
pub(super) struct Lander<'a> {
    desk: &'a LedgerDesk,
    card: &'a Card,
    shown: u32,
    manifest: &'a Manifest,
    /// What was compared, by the digests of both sides.
    compared: HashMap<(Digest, Digest), Option<Compared>>,
}

impl<'a> Lander<'a> {
    pub(super) fn new(desk: &'a LedgerDesk, card: &'a Card, shown: &'a Revision) -> Self {
        Self {
            desk,
            card,
            shown: shown.accepted.revision,
            manifest: &shown.accepted.manifest,
            compared: HashMap::new(),
        }
    }

    /// Where `place` of the revision `said` is.
    pub(super) async fn land(&mut self, place: &Place, said: u32) -> Result<Landing, DeskError> {
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
        let named = match named {
            None => self.renamed(path, said).await?,
            named => named,
        };
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

    /// `place` of the revision `said` as a place of this one; `None` where it is not in it as it was.
    pub(super) async fn place_now(
        &mut self,
        place: &Place,
        said: u32,
    ) -> Result<Option<Place>, DeskError> {
        let landing = self.land(place, said).await?;
        let entry = landing
            .path
            .as_ref()
            .and_then(|path| self.manifest.get(path));
        let entry = entry.filter(|_| landing.standing == Standing::Here);
        Ok(entry.map(|entry| Place {
            path: Some(entry.path.clone()),
            sha256: place.sha256.map(|_| entry.sha256),
            line: landing.line,
            end_line: landing.end_line,
            ..place.clone()
        }))
    }

    /// The file that was `path` in the revision `said`, by the renames from each revision to the next.
    async fn renamed(&self, path: &str, said: u32) -> Result<Option<&'a ManifestEntry>, DeskError> {
        let mut name = path.to_owned();
        let between = |one: &&Arc<Revision>| (said..=self.shown).contains(&one.accepted.revision);
        let revisions: Vec<_> = self.card.revisions.iter().filter(between).collect();
        for pair in revisions.windows(2) {
            if pair[1].accepted.manifest.get(&name).is_some() {
                continue;
            }
            let rows = self.desk.compared(pair[1], Some(pair[0])).await?;
            let now = rows
                .iter()
                .find(|row| row.from_path.as_ref() == Some(&name));
            let Some(now) = now else { return Ok(None) };
            name.clone_from(&now.path);
        }
        Ok(self.manifest.get(&name))
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
