//! Two workspaces with one handoff each, a person, and an agent for each workspace.

use std::collections::BTreeMap;

use countersign_protocol::{
    Digest, chain::Head, place::Place, principal::Method, problem::ProblemKind,
};

use super::{
    Showcase, State,
    card::{Card, Files},
    sample,
};
use crate::desk::{
    ActivityRow, Agent, Caller, DeadLetter, Health, Person, SavedSearch, TokenRow, WorkspaceRow,
    threads::{DraftRow, Landing},
};

/// A link that was not used yet.
pub(crate) const START: &str = "start-token";
/// The operator token; it stands for Maya as well.
pub(crate) const OPERATOR: &str = "operator-token";
/// The token of the agent of the workspace `alpha`, where H-1 is.
pub(crate) const ALPHA: &str = "token-alpha";
/// The token of the agent of the workspace `beta`, where H-2 is.
pub(crate) const BETA: &str = "token-beta";

impl Showcase {
    /// The desk with the small scene.
    pub(crate) fn small() -> Self {
        Self::with(state(), 4)
    }
}

/// The digest that a decision about a revision binds to whose one file has these bytes.
pub(crate) fn manifest(bytes: &[u8]) -> Digest {
    card(1, "alpha", "", &[bytes]).manifest(1).digest()
}

fn state() -> State {
    let cards = vec![
        card(1, "alpha", "Release notes", &[b"one\ntwo\n", b"one\n2\n"]),
        card(2, "beta", "Price list", &[b"3\n"]),
    ];
    let activity = cards.iter().map(|card| ActivityRow {
        seq: card.review.row.id.0,
        at: sample::now(),
        actor: "writer".to_owned(),
        event: "handoff_accepted".to_owned(),
        handoff: Some(card.review.row.id),
        workspace: Some(card.review.row.workspace.clone()),
        text: card.review.row.title.clone(),
    });
    let activity = activity.collect();
    let maya = Person {
        method: Method::Cli,
        ..sample::maya()
    };
    State {
        activity,
        stranded: Vec::new(),
        routings: BTreeMap::new(),
        dead_letters: vec![DeadLetter {
            seq: 3,
            workspace: "beta".to_owned(),
            file: "broken/handoff.json".to_owned(),
            kind: ProblemKind::MalformedJson,
            errors: Vec::new(),
            at: sample::now(),
            text: Some("{".to_owned()),
        }],
        start: [START.to_owned()].into(),
        bearers: BTreeMap::from([
            (OPERATOR.to_owned(), Caller::Person(maya)),
            (ALPHA.to_owned(), Caller::Agent(agent_of("alpha"))),
            (BETA.to_owned(), Caller::Agent(agent_of("beta"))),
        ]),
        tokens: vec![TokenRow {
            id: "t1".to_owned(),
            agent: "writer".to_owned(),
            workspaces: vec!["alpha".to_owned()],
            created_at: sample::now(),
            expires_at: None,
            revoked: false,
        }],
        health: health(),
        searches: vec![SavedSearch {
            name: "kept".to_owned(),
            query: "is:my-turn".to_owned(),
            at: sample::now(),
        }],
        ..State::new(cards)
    }
}

fn card(id: u64, workspace: &str, title: &str, contents: &[&[u8]]) -> Card {
    let revision =
        |bytes: &&[u8]| Files::from([("notes/report.md".to_owned(), (bytes.to_vec(), true))]);
    let row = sample::row(
        id,
        title,
        "Everything is shown to a person.",
        "writer",
        workspace,
    );
    let revisions = contents.iter().map(revision).collect();
    let mut card = sample::card(row, "Read it.", revisions);
    card.review.answers.push("respond".to_owned());
    card.review.next = None;
    let words = "Nice.".to_owned();
    card.review.threads = sample::threads().split_off(3);
    card.review.threads[0].thread = 1;
    card.review.drafts = vec![DraftRow {
        draft: "d1".to_owned(),
        revision: 1,
        place: Place::default(),
        now: Landing::default(),
        text: words,
    }];
    card
}

fn agent_of(workspace: &str) -> Agent {
    Agent {
        token: format!("t-{workspace}"),
        agent: format!("agent-{workspace}"),
        workspaces: vec![workspace.to_owned()],
    }
}

fn health() -> Health {
    let workspace = |name: &str| WorkspaceRow {
        name: name.to_owned(),
        path: format!("/srv/{name}"),
        mode: "watching".to_owned(),
        trouble: None,
        waiting: 1,
        dead_letters: 0,
    };
    Health {
        ready: true,
        troubles: vec!["/srv/beta is nearly full".to_owned()],
        head: Head {
            seq: 4,
            hash: Digest::ZERO,
        },
        version: "0.1.0".to_owned(),
        workspaces: vec![workspace("alpha"), workspace("beta")],
    }
}
