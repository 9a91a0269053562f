//! What the harness itself saw, kept outside of the file system under test.

use std::collections::BTreeSet;

use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecisionDocument, Outcome},
    receipt::{Receipt, ReceiptStatus},
};

use crate::{
    agent::{Delivery, Package},
    reviewer::Shown,
};

/// A delivery whose last rename or write returned.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The delivery.
    pub delivery: Delivery,
    /// Whether the agent synced; else a power cut may undo it until it is acknowledged.
    pub synced: bool,
    /// The receipt, once it was seen.
    pub receipt: Option<Receipt>,
    /// Whether a refusal was seen.
    pub refused: bool,
}

/// An answer that a person sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What was on the page.
    pub shown: Shown,
    /// The answer.
    pub outcome: Outcome,
    /// Words that no other answer has.
    pub words: String,
    /// What came back.
    pub result: SentResult,
}

/// What came back to a sent answer.
#[derive(Clone, Debug)]
pub enum SentResult {
    /// 201: it is recorded.
    Recorded(Box<DecisionDocument>),
    /// A refusal: it must not be recorded.
    Refused(u16),
    /// The connection broke: it may or may not be recorded.
    Unknown,
}

/// Everything that happened, as seen from outside.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In the order in which they were made.
    pub deliveries: Vec<Delivered>,
    /// In the order in which they were sent.
    pub answers: Vec<Sent>,
    /// Digests of every document and file that an agent ever wrote.
    pub written: BTreeSet<Digest>,
}

impl History {
    /// An agent is about to write this.
    pub fn writes(&mut self, package: &Package) {
        self.written.insert(Digest::of(&package.text()));
        self.written
            .extend(package.files.values().map(|bytes| Digest::of(bytes)));
    }

    /// An agent believes its delivery done.
    pub fn delivers(&mut self, delivery: Delivery, synced: bool) {
        // An agent that writes over its own file before it was taken in takes that delivery back.
        for earlier in &mut self.deliveries {
            if earlier.delivery.document == delivery.document {
                earlier.synced = false;
            }
        }
        self.deliveries.push(Delivered {
            delivery,
            synced,
            receipt: None,
            refused: false,
        });
    }

    /// Looks for answers that came since.
    pub fn look(&mut self) {
        let open = self
            .deliveries
            .iter_mut()
            .filter(|one| one.receipt.is_none());
        for delivered in open {
            delivered.receipt = delivered
                .delivery
                .receipt_now()
                .filter(|receipt| receipt.status != ReceiptStatus::Refused);
            delivered.refused |= delivered.delivery.errors_now().is_some();
        }
    }

    /// Deliveries that are there and wait for the daemon.
    pub fn unanswered(&self) -> Vec<String> {
        self.deliveries
            .iter()
            .filter(|one| one.receipt.is_none() && !one.refused && one.delivery.is_there())
            .map(|one| one.delivery.document.display().to_string())
            .collect()
    }

    /// How much was acknowledged: receipts and decisions.
    pub fn acknowledged(&self) -> usize {
        self.receipts().count() + self.recorded().count()
    }

    /// Receipts that agents hold.
    pub fn receipts(&self) -> impl Iterator<Item = &Receipt> {
        self.deliveries
            .iter()
            .filter_map(|delivered| delivered.receipt.as_ref())
    }

    /// Decisions whose record was acknowledged.
    pub fn recorded(&self) -> impl Iterator<Item = (&Sent, &DecisionDocument)> {
        self.answers.iter().filter_map(|sent| match &sent.result {
            SentResult::Recorded(document) => Some((sent, document.as_ref())),
            _ => None,
        })
    }

    /// The answer that was sent with these words.
    pub fn sent(&self, id: HandoffId, words: &str) -> Option<&Sent> {
        self.answers
            .iter()
            .find(|sent| sent.shown.id == id && sent.words == words)
    }
}
