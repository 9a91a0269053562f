//! A person who decides, over the API.

use std::collections::BTreeSet;

use countersign_protocol::{
    Digest, HandoffId,
    decision::{DecisionDocument, Outcome},
};
use serde_json::{Value, json};

use crate::http::{Http, NoReply, Reply};

/// A person with the operator's token.
#[derive(Clone, Debug)]
pub struct Reviewer {
    /// How they reach the daemon.
    pub http: Http,
}

/// What a person has before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The card.
    pub id: HandoffId,
    /// The revision on it.
    pub revision: u32,
    /// The bytes of it.
    pub manifest_sha256: Digest,
}

impl Reviewer {
    /// What waits for a person, at most 100 cards.
    pub fn turn(&self) -> Result<Vec<Shown>, NoReply> {
        let queue = self.http.get("/api/v1/handoffs?view=turn&limit=100")?;
        if queue.status != 200 {
            return Err(NoReply(queue.text()));
        }
        Ok(queue.json()["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(shown)
            .collect())
    }

    /// Whether the daemon says of every decision that it stands in its folder, or that the folder is gone: one that
    /// its agent did not sync may be lost with the power.
    pub fn all_delivered(&self) -> bool {
        ["agents", "decided"].iter().all(|view| {
            let rows = all(&self.http, view);
            let open = |row: &Value| {
                row["decided"]["delivered"] == false && row["decided"]["undelivered"] != true
            };
            rows.is_some_and(|rows| !rows.iter().any(open))
        })
    }

    /// Every card with its revision and state, as the daemon tells it.
    pub fn everything(&self) -> BTreeSet<String> {
        ["turn", "agents", "decided"]
            .iter()
            .filter_map(|view| all(&self.http, view))
            .flatten()
            .map(|row| {
                let word = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
                format!(
                    "{} revision {} {}",
                    word("id"),
                    row["revision"],
                    word("state")
                )
            })
            .collect()
    }

    /// One card.
    pub fn row(&self, id: HandoffId) -> Value {
        let path = format!("/api/v1/handoffs/{id}");
        self.http.fetch(&path).expect(200).json()
    }

    /// The newest revision of a card.
    pub fn look(&self, id: HandoffId) -> Shown {
        shown(&self.row(id))
    }

    /// Sends an answer about what was shown.
    pub fn answer(&self, shown: Shown, outcome: Outcome, words: &str) -> Result<Reply, NoReply> {
        self.answer_with(shown, outcome, words, &[])
    }

    /// The same, with files in another version.
    pub fn answer_with(
        &self,
        shown: Shown,
        outcome: Outcome,
        words: &str,
        edits: &[Value],
    ) -> Result<Reply, NoReply> {
        let words = (!words.is_empty()).then_some(words);
        let answer = json!({
            "revision": shown.revision,
            "manifest_sha256": shown.manifest_sha256,
            "outcome": outcome,
            "comment": words,
            "requests": [],
            "edits": edits,
        });
        let path = format!("/api/v1/handoffs/{}/decision", shown.id);
        self.http.post(&path, &answer)
    }

    /// Decides about the newest revision.
    pub fn decide(&self, id: HandoffId, outcome: Outcome, words: &str) -> DecisionDocument {
        let reply = self
            .answer(self.look(id), outcome, words)
            .unwrap_or_else(|NoReply(why)| panic!("{id}: {why}"));
        reply.expect(201).read()
    }
}

/// Every row of that view; `None` when the daemon does not answer.
fn all(http: &Http, view: &str) -> Option<Vec<Value>> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/handoffs?view={view}&limit=100{cursor}");
        let reply = http.get(&path).ok().filter(|reply| reply.status == 200)?;
        let page = reply.json();
        rows.extend(page["rows"].as_array().into_iter().flatten().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(rows),
        }
    }
}

fn shown(row: &Value) -> Shown {
    let id = row["id"].as_str().and_then(|id| id.parse().ok());
    let digest = row["manifest_sha256"].as_str().and_then(|d| d.parse().ok());
    Shown {
        id: id.unwrap_or_else(|| panic!("no card: {row}")),
        revision: row["revision"]
            .as_u64()
            .and_then(|n| n.try_into().ok())
            .unwrap_or_default(),
        manifest_sha256: digest.unwrap_or_else(|| panic!("no digest: {row}")),
    }
}
