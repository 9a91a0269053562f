//! Versions on the desk in memory: those of its cards, and marks that only count.

use async_trait::async_trait;
use countersign_protocol::{
    HandoffId,
    anchor::Anchor,
    changes::{self, Delivery},
    manifest::Manifest,
};

use tokio::sync::mpsc;

use super::{Showcase, card::Card, sees};
use crate::desk::{
    Caller, DeskError, Person, VersionsDesk,
    versions::{
        Archive, ArchiveFormat, Changed, ChangedQuestion, ChangedRow, ChangedSpan, CollectedRow,
        MarkRow, MomentRow, NewMark, VersionRow,
    },
};

/// The revision that an anchor stands for.
fn revision(card: &Card, anchor: &Anchor) -> u32 {
    let newest = card.review.row.revision;
    let decided = card.decisions.keys().next_back().copied();
    match anchor {
        Anchor::Revision(number) => *number,
        Anchor::Start => 0,
        Anchor::LastRevision => newest.saturating_sub(1),
        Anchor::MyLastReview | Anchor::LastDecision => decided.unwrap_or_default(),
        _ => newest,
    }
}

fn moment(card: &Card, anchor: &Anchor) -> MomentRow {
    let number = revision(card, anchor);
    MomentRow {
        seq: u64::from(number),
        at: Some(card.review.row.handed_over_at),
        anchor: anchor.to_string(),
        label: match number {
            0 => "the start".to_owned(),
            number => format!("revision {number}"),
        },
        revision: Some(number),
    }
}

/// What changed on one card. Each revision counts as the entry of its number.
fn changed(card: &Card, question: &ChangedQuestion) -> Changed {
    let row = &card.review.row;
    let from = moment(
        card,
        question.from.as_ref().unwrap_or(&Anchor::MyLastReview),
    );
    let to = moment(card, question.to.as_ref().unwrap_or(&Anchor::Now));
    let manifests: Vec<(u64, Manifest)> = (1..=row.revision)
        .map(|number| (u64::from(number), card.manifest(number)))
        .collect();
    let deliveries: Vec<Delivery<'_>> = manifests
        .iter()
        .map(|(seq, manifest)| Delivery {
            seq: *seq,
            card: row.id,
            root: "",
            manifest,
        })
        .collect();
    let before = deliveries.iter().rfind(|one| one.seq <= from.seq).copied();
    let window: Vec<_> = deliveries
        .iter()
        .copied()
        .filter(|one| one.seq > from.seq && one.seq <= to.seq)
        .collect();
    let folded = changes::fold(&before.into_iter().collect::<Vec<_>>(), &window);
    let rows = folded.moved.iter().map(|one| ChangedRow {
        workspace: row.workspace.clone(),
        folder: row.folder.clone(),
        path: one.path.to_owned(),
        change: one.change,
        from_path: None,
        percent: None,
        size_before: one.before.map(|leaf| leaf.size),
        size: one.after.map(|leaf| leaf.size),
        sha256_before: one.before.map(|leaf| leaf.sha256),
        sha256: one.after.map(|leaf| leaf.sha256),
        handoff: row.id,
        revision: u32::try_from(one.seq).unwrap_or(u32::MAX),
        agent: row.agent.clone(),
        at: row.handed_over_at,
        seq: one.seq,
    });
    Changed {
        rows: rows.collect(),
        restored: folded.restored.len(),
        left_out: Vec::new(),
        spans: vec![ChangedSpan {
            workspace: row.workspace.clone(),
            from,
            to,
        }],
    }
}

fn visible(who: &Caller, workspace: &str) -> Result<(), DeskError> {
    if sees(who, workspace) {
        Ok(())
    } else {
        Err(DeskError::NotFound(format!("the workspace `{workspace}`")))
    }
}

#[async_trait]
impl VersionsDesk for Showcase {
    async fn changed(&self, who: &Caller, question: ChangedQuestion) -> Result<Changed, DeskError> {
        if let Some(workspace) = &question.workspace {
            visible(who, workspace)?;
        }
        let mut state = self.lock();
        match question.handoff {
            Some(id) => Ok(changed(state.card(who, id)?, &question)),
            None => Ok(Changed::default()),
        }
    }

    async fn moment(
        &self,
        who: &Caller,
        id: HandoffId,
        anchor: &Anchor,
    ) -> Result<MomentRow, DeskError> {
        Ok(moment(self.lock().card(who, id)?, anchor))
    }

    async fn versions(&self, who: &Caller, id: HandoffId) -> Result<Vec<VersionRow>, DeskError> {
        let mut state = self.lock();
        let card = state.card(who, id)?;
        let row = &card.review.row;
        let version = |number| {
            let manifest = card.manifest(number);
            VersionRow {
                kind: "revision".to_owned(),
                anchor: Anchor::Revision(number).to_string(),
                title: row.title.clone(),
                by: row.agent.clone(),
                at: row.handed_over_at,
                seq: u64::from(number),
                revision: number,
                sha256: manifest.digest(),
                files: manifest.entries.len(),
                size: manifest.total_size(),
                kept: true,
            }
        };
        Ok((1..=row.revision).rev().map(version).collect())
    }

    async fn archive(
        &self,
        who: &Caller,
        id: HandoffId,
        revision: u32,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError> {
        let mut state = self.lock();
        let files = state.card(who, id)?.files(revision).cloned();
        let files =
            files.ok_or_else(|| DeskError::NotFound(format!("{id} revision {revision}")))?;
        drop(state);
        // The bytes one after the other: nobody unpacks what the samples give.
        let (send, pieces) = mpsc::channel(files.len().max(1));
        for (_, (bytes, _)) in files {
            // There is room for all of them.
            let _ = send.try_send(Ok(bytes));
        }
        Ok(Archive {
            name: format!("{id}-r{revision}.{}", format.extension()),
            pieces,
        })
    }

    async fn snapshot(
        &self,
        who: &Caller,
        workspace: &str,
        _: &Anchor,
        format: ArchiveFormat,
    ) -> Result<Archive, DeskError> {
        visible(who, workspace)?;
        let (_, pieces) = mpsc::channel(1);
        Ok(Archive {
            name: format!("{workspace}-at-1.{}", format.extension()),
            pieces,
        })
    }

    async fn collect(&self, _: &Person, dry_run: bool) -> Result<CollectedRow, DeskError> {
        if !dry_run {
            self.moved();
        }
        Ok(CollectedRow {
            dry_run,
            ..CollectedRow::default()
        })
    }

    async fn mark(&self, who: &Caller, mark: NewMark) -> Result<MarkRow, DeskError> {
        visible(who, &mark.workspace)?;
        let at = self.lock().health.head.seq;
        self.moved();
        Ok(MarkRow {
            anchor: Anchor::last_mark(&mark.kind).to_string(),
            workspace: mark.workspace,
            kind: mark.kind,
            value: mark.value,
            note: mark.note,
            by: "Maya Okafor".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            seq: self.seq().max(at),
        })
    }

    async fn marks(
        &self,
        who: &Caller,
        workspace: Option<&str>,
    ) -> Result<Vec<MarkRow>, DeskError> {
        workspace.map_or(Ok(()), |name| visible(who, name))?;
        Ok(Vec::new())
    }
}
