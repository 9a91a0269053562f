//! What is said about the work, in threads.

use countersign_protocol::{
    chain::Body,
    decision::{OpenThread, Said},
    event::{Decided, Event},
    place::Place,
    principal::Actor,
};
use jiff::Timestamp;

use super::{Card, State};

/// Words in a thread, with the entry that recorded them.
#[derive(Clone, Debug)]
pub struct CardComment {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The words.
    pub text: String,
}

/// That a thread was resolved or opened anew, with the entry that recorded it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What it is from then on.
    pub resolved: bool,
}

/// What was said about one place.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its number within the card, from 1.
    pub number: u32,
    /// The revision that it is about.
    pub revision: u32,
    /// Where it is.
    pub place: Place,
    /// The id of the request that opened it, when a decision did.
    pub request: Option<String>,
    /// The words, oldest first; never empty.
    pub comments: Vec<CardComment>,
    /// When it was resolved and opened anew, oldest first.
    pub turns: Vec<Turn>,
}

impl Thread {
    /// Whether nobody holds it for done.
    pub fn is_open(&self) -> bool {
        self.resolved().is_none()
    }

    /// By whom and when it was resolved.
    pub fn resolved(&self) -> Option<&Turn> {
        self.turns.last().filter(|turn| turn.resolved)
    }

    /// As it stood before the entry `seq`; absent when it was not there, or resolved.
    fn open_before(&self, seq: u64) -> Option<OpenThread> {
        let turn = self.turns.iter().rfind(|turn| turn.seq < seq);
        let said: Vec<_> = self
            .comments
            .iter()
            .filter(|comment| comment.seq < seq)
            .map(|comment| Said {
                by: comment.actor.name().to_owned(),
                at: comment.at,
                text: comment.text.clone(),
            })
            .collect();
        let is_open = !said.is_empty() && turn.is_none_or(|turn| !turn.resolved);
        is_open.then(|| OpenThread {
            thread: self.number,
            revision: self.revision,
            place: self.place.clone(),
            said,
        })
    }
}

impl Card {
    /// What people and agents said outside of decisions.
    pub fn comments(&self) -> impl Iterator<Item = &CardComment> {
        self.threads.iter().flat_map(|thread| {
            let first = usize::from(thread.request.is_some());
            thread.comments.iter().skip(first)
        })
    }

    /// The thread of that number.
    pub fn thread(&self, number: u32) -> Option<&Thread> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.threads.get(at)
    }

    /// Threads that nobody holds for done.
    pub fn open_threads(&self) -> usize {
        let open = self.threads.iter().filter(|thread| thread.is_open());
        open.count()
    }

    /// The number of the next new thread.
    pub fn next_thread(&self) -> u32 {
        u32::try_from(self.threads.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// The threads that were open before the entry `seq`.
    pub(super) fn threads_before(&self, seq: u64) -> Vec<OpenThread> {
        let threads = self.threads.iter();
        threads
            .filter_map(|thread| thread.open_before(seq))
            .collect()
    }

    fn open_thread(
        &mut self,
        revision: u32,
        place: Place,
        request: Option<String>,
        first: CardComment,
    ) {
        let number = self.next_thread();
        self.threads.push(Thread {
            number,
            revision,
            place,
            request,
            comments: vec![first],
            turns: Vec::new(),
        });
    }

    fn thread_mut(&mut self, number: u32) -> Option<&mut Thread> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.threads.get_mut(at)
    }

    /// Opens a thread for each request of a decision.
    pub(super) fn asked_by(&mut self, body: &Body, decided: &Decided) {
        for request in &decided.requests {
            let first = said(body, &request.text);
            let id = Some(request.id.clone());
            self.open_thread(decided.revision, request.place(), id, first);
        }
    }
}

fn said(body: &Body, text: &str) -> CardComment {
    CardComment {
        seq: body.seq,
        at: body.at,
        actor: body.actor.clone(),
        text: text.to_owned(),
    }
}

impl State {
    /// Folds a fact about a thread in.
    pub(super) fn discussed(&mut self, body: &Body) {
        let turn = |resolved| Turn {
            seq: body.seq,
            at: body.at,
            actor: body.actor.clone(),
            resolved,
        };
        match &body.event {
            Event::Commented {
                handoff,
                revision,
                thread,
                place,
                text,
            } => self.change(*handoff, |card| match thread {
                None => {
                    let place = place.as_deref().cloned().unwrap_or_default();
                    card.open_thread(*revision, place, None, said(body, text));
                }
                Some(number) => {
                    if let Some(thread) = card.thread_mut(*number) {
                        thread.comments.push(said(body, text));
                    }
                }
            }),
            Event::ThreadResolved { handoff, thread } => self.change(*handoff, |card| {
                if let Some(thread) = card.thread_mut(*thread) {
                    thread.turns.push(turn(true));
                }
            }),
            Event::ThreadReopened { handoff, thread } => self.change(*handoff, |card| {
                if let Some(thread) = card.thread_mut(*thread) {
                    thread.turns.push(turn(false));
                }
            }),
            _ => {}
        }
    }
}
