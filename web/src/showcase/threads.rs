//! Threads and drafts of the desk in memory. Places stay where they are named.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId, place::Place};

use super::{Showcase, sample};
use crate::desk::{
    Caller, DeskError, Person,
    threads::{Comment, DraftRow, Landing, Remark, Standing, ThreadRow, ThreadsDesk},
};

/// A place of the newest revision in that revision.
pub(crate) fn landing(place: &Place) -> Landing {
    Landing {
        standing: Standing::Here,
        path: place.path.clone(),
        line: place.line,
        end_line: place.end_line,
    }
}

/// Words of `who`.
fn comment(who: &Caller, text: String) -> Comment {
    let (by, agent) = match who {
        Caller::Person(person) => (person.display.clone(), false),
        Caller::Agent(agent) => (agent.agent.clone(), true),
    };
    Comment {
        by,
        agent,
        at: sample::now(),
        text,
    }
}

fn checked(place: &Place) -> Result<(), DeskError> {
    place.check().map_err(|why| DeskError::Invalid {
        field: "place".to_owned(),
        message: why.to_owned(),
    })
}

#[async_trait]
impl ThreadsDesk for Showcase {
    async fn say(&self, who: &Caller, id: HandoffId, remark: Remark) -> Result<u32, DeskError> {
        checked(&remark.place)?;
        let mut state = self.lock();
        let review = &mut state.card(who, id)?.review;
        let thread = u32::try_from(review.threads.len() + 1).unwrap_or(u32::MAX);
        review.threads.push(ThreadRow {
            thread,
            revision: remark.revision.unwrap_or(review.row.revision),
            now: landing(&remark.place),
            place: remark.place,
            request: None,
            resolved: None,
            comments: vec![comment(who, remark.text)],
        });
        drop(state);
        self.moved();
        Ok(thread)
    }

    async fn reply(
        &self,
        who: &Caller,
        id: HandoffId,
        thread: u32,
        text: String,
    ) -> Result<(), DeskError> {
        self.in_thread(who, id, thread, |row| row.comments.push(comment(who, text)))
    }

    async fn resolve(
        &self,
        who: &Person,
        id: HandoffId,
        thread: u32,
        resolved: bool,
    ) -> Result<(), DeskError> {
        let by = (who.display.clone(), sample::now());
        let caller = Caller::Person(who.clone());
        self.in_thread(&caller, id, thread, |row| {
            row.resolved = resolved.then_some(by);
        })
    }

    async fn keep_draft(
        &self,
        who: &Person,
        id: HandoffId,
        draft: Option<&str>,
        remark: Remark,
    ) -> Result<String, DeskError> {
        checked(&remark.place)?;
        let mut state = self.lock();
        let review = &mut state.card(&Caller::Person(who.clone()), id)?.review;
        if let Some(name) = draft {
            let known = review.drafts.iter_mut().find(|row| row.draft == name);
            let known = known.ok_or_else(|| DeskError::NotFound("that draft".to_owned()))?;
            known.text = remark.text;
            return Ok(name.to_owned());
        }
        let name = format!("d{}", review.drafts.len() + 1);
        review.drafts.push(DraftRow {
            draft: name.clone(),
            revision: remark.revision.unwrap_or(review.row.revision),
            now: landing(&remark.place),
            place: remark.place,
            text: remark.text,
        });
        Ok(name)
    }

    async fn unsent(&self, who: &Person, id: HandoffId) -> Result<usize, DeskError> {
        let mut state = self.lock();
        let card = state.card(&Caller::Person(who.clone()), id)?;
        Ok(card.review.drafts.len())
    }

    async fn drop_draft(&self, who: &Person, id: HandoffId, draft: &str) -> Result<(), DeskError> {
        let mut state = self.lock();
        let review = &mut state.card(&Caller::Person(who.clone()), id)?.review;
        review.drafts.retain(|row| row.draft != draft);
        Ok(())
    }

    async fn tick(
        &self,
        who: &Person,
        id: HandoffId,
        sha256: Digest,
        viewed: bool,
    ) -> Result<(), DeskError> {
        let mut state = self.lock();
        let review = &mut state.card(&Caller::Person(who.clone()), id)?.review;
        if viewed {
            review.viewed.insert(sha256);
        } else {
            review.viewed.remove(&sha256);
        }
        Ok(())
    }
}

impl Showcase {
    fn in_thread(
        &self,
        who: &Caller,
        id: HandoffId,
        thread: u32,
        change: impl FnOnce(&mut ThreadRow),
    ) -> Result<(), DeskError> {
        let mut state = self.lock();
        let threads = &mut state.card(who, id)?.review.threads;
        let known = threads.iter_mut().find(|row| row.thread == thread);
        change(known.ok_or_else(|| DeskError::NotFound(format!("thread {thread}")))?);
        drop(state);
        self.moved();
        Ok(())
    }
}
