//! One hit, and the span that changes were folded over.

use countersign_protocol::query::HitKind;
use serde::Serialize;

use super::{super::view::Now, When};
use crate::{
    desk::{Change, Changes, Hit, MatchedLine, StoodAt},
    render::words,
};

#[derive(Debug, Serialize)]
pub(super) struct ChangesView {
    since: String,
    from: u64,
    from_href: String,
    at: Option<When>,
    by: Option<String>,
    to: u64,
    cancelled: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct StoodView {
    /// Named where there are several.
    workspace: Option<String>,
    label: String,
    seq: u64,
    href: String,
}

#[derive(Debug, Serialize)]
pub(super) struct HitView {
    kind: &'static str,
    title: String,
    /// Whether the title is a path.
    is_path: bool,
    /// A file that nobody handed over has no page.
    href: Option<String>,
    member: Option<String>,
    facts: Vec<String>,
    at: When,
    by: String,
    size: Option<String>,
    change: Option<(&'static str, &'static str)>,
    renamed_from: Option<String>,
    state: Option<String>,
    /// The entry that it is from.
    cite: Option<u64>,
    cite_href: String,
    lines: Vec<LineView>,
    errors: Vec<String>,
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct LineView {
    label: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct Piece {
    text: String,
    marked: bool,
}

fn entry(seq: u64) -> String {
    format!("/activity?before={}#e{seq}", seq.saturating_add(1))
}

impl ChangesView {
    pub(super) fn new(changes: &Changes, now: Now<'_>) -> Self {
        Self {
            since: changes.since.clone(),
            from: changes.from_seq,
            from_href: entry(changes.from_seq),
            at: changes.from_at.map(|at| When::new(at, now)),
            by: changes.from_by.clone(),
            to: changes.to_seq,
            cancelled: changes.cancelled,
        }
    }
}

impl StoodView {
    pub(super) fn new(stood: &StoodAt, is_one_of_many: bool) -> Self {
        Self {
            workspace: is_one_of_many.then(|| stood.workspace.clone()),
            label: stood.label.clone(),
            seq: stood.seq,
            href: entry(stood.seq),
        }
    }
}

impl HitView {
    pub(super) fn new(hit: &Hit, now: Now<'_>) -> Self {
        let mut facts = Vec::new();
        if let Some(id) = hit.handoff {
            facts.push(match hit.revision {
                Some(revision) => format!("{id} revision {revision}"),
                None => id.to_string(),
            });
        }
        let is_named_by_path = hit.path.as_ref() == Some(&hit.title);
        if hit.path.is_some() && hit.kind != HitKind::Refused && !is_named_by_path {
            facts.push(hit.title.clone());
        }
        facts.push(hit.workspace.clone());
        let by = hit
            .by
            .as_ref()
            .or(hit.agent.as_ref())
            .cloned()
            .unwrap_or_default();
        Self {
            kind: hit.kind.noun(),
            title: hit.path.clone().unwrap_or_else(|| hit.title.clone()),
            is_path: hit.path.is_some(),
            href: target(hit),
            member: hit.member.clone(),
            facts,
            at: When::new(hit.at, now),
            by,
            size: hit.size.map(words::size),
            change: hit.change.and_then(change),
            renamed_from: hit.renamed_from.clone(),
            state: hit.state.as_ref().map(|state| state.replace('_', " ")),
            cite: Some(hit.seq).filter(|seq| *seq > 0),
            cite_href: entry(hit.seq),
            lines: hit.lines.iter().map(LineView::new).collect(),
            note: hit.note.clone(),
            errors: hit
                .errors
                .iter()
                .map(|error| {
                    let place = match error.line {
                        0 => String::new(),
                        line => format!("line {line}: "),
                    };
                    format!("{place}{} {}", error.pointer, error.message)
                        .trim()
                        .to_owned()
                })
                .collect(),
        }
    }
}

/// Where the hit leads to.
fn target(hit: &Hit) -> Option<String> {
    let path = hit
        .path
        .as_deref()
        .and_then(|path| match hit.folder.as_deref() {
            None | Some("") => Some(path),
            Some(folder) => path.strip_prefix(folder)?.strip_prefix('/'),
        });
    Some(match (hit.kind, hit.handoff, hit.revision, path) {
        (HitKind::File, Some(id), Some(revision), Some(path))
            if hit.change != Some(Change::Removed) =>
        {
            let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/h/{id}/r/{revision}/file?path={path}")
        }
        (HitKind::Refused, ..) => "/dead-letters".to_owned(),
        (HitKind::Event | HitKind::Checkpoint, ..) => entry(hit.seq),
        (_, Some(id), Some(revision), _) if hit.kind == HitKind::File => {
            format!("/h/{id}?revision={revision}")
        }
        (_, Some(id), ..) => format!("/h/{id}"),
        _ if hit.seq == 0 => return None,
        _ => entry(hit.seq),
    })
}

fn change(change: Change) -> Option<(&'static str, &'static str)> {
    Some(match change {
        Change::Added => ("added", "ok"),
        Change::Modified => ("modified", ""),
        Change::Renamed => ("renamed", ""),
        Change::Removed => ("removed", "bad"),
        Change::Unchanged => return None,
    })
}

impl LineView {
    fn new(line: &MatchedLine) -> Self {
        let label = line.label();
        let mut pieces = Vec::new();
        let mut at = 0;
        // What does not fit the text is left unmarked.
        for (start, end) in &line.matches {
            let (Some(before), Some(marked)) =
                (line.text.get(at..*start), line.text.get(*start..*end))
            else {
                continue;
            };
            pieces.push(Piece {
                text: before.to_owned(),
                marked: false,
            });
            pieces.push(Piece {
                text: marked.to_owned(),
                marked: true,
            });
            at = *end;
        }
        pieces.push(Piece {
            text: line.text.get(at..).unwrap_or_default().to_owned(),
            marked: false,
        });
        pieces.retain(|piece| !piece.text.is_empty());
        Self { label, pieces }
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<super::SearchPage> {
    use super::{Choice, SearchPage};
    use crate::{desk::SearchAnswer, pages::visit::Chrome, showcase::sample};

    let now = Now::utc(sample::now());
    let index = crate::desk::IndexStatus {
        why: Some("the index is being rebuilt".to_owned()),
        of: 9,
        ..crate::desk::IndexStatus::default()
    };
    let page = |q: &str, cursor: Option<&str>| {
        let choice = Choice {
            q: q.to_owned(),
            cursor: cursor.map(str::to_owned),
            ..Choice::default()
        };
        let saved = [crate::desk::SavedSearch {
            name: "<script>alert(1)</script>".to_owned(),
            query: "is:my-turn".to_owned(),
            at: now.at,
        }];
        (
            SearchPage::new(Chrome::sample("search"), &choice, &saved, &index),
            choice,
        )
    };
    let answer =
        |value: serde_json::Value| -> SearchAnswer { serde_json::from_value(value).unwrap() };
    let hit = serde_json::json!({
        "kind": "file", "workspace": "billing", "path": "docs/\u{202e}run.md", "folder": "docs", "member": "a.log",
        "handoff": "H-7", "revision": 3, "title": "<script>alert(2)</script>", "agent": "hermes",
        "by": null, "state": "waiting", "change": "modified", "renamed_from": "docs/old.md", "size": 1234,
        "at": now.at, "seq": 42,
        "lines": [{"number": 12, "field": null, "text": "the last build before", "matches": [[9, 14]]},
                  {"number": null, "field": "title", "text": "x", "matches": [[7, 9]]},
                  {"number": 3, "place": {"in": "member", "path": "<b>.log"}, "text": "y", "matches": []}],
        "note": "Only the first 16 MiB of its 20 MiB are searched.",
        "errors": [{"message": "must be a number", "pointer": "/confidence", "line": 4}],
    });
    let mut plain = hit.clone();
    plain["change"] = serde_json::Value::Null;
    let whole = |hits: serde_json::Value, changes: serde_json::Value| {
        serde_json::json!({
            "reading": {"query": "changed:>@last-build ws:billing", "question": true, "zone": "Europe/Zagreb", "left_over": ["croatia"],
                "notes": [{"message": "unknown operator `agnet:`", "place": {"start": 0, "end": 4}, "instead": "agent:"}]},
            "hits": hits, "total": 7, "exact": false, "next_cursor": "7",
            "facets": [{"operator": "ws", "values": [{"value": "billing", "count": 7}]}],
            "groups": [], "changes": changes,
            "partial": {"why": "the index is being rebuilt", "done": 3, "of": 9}, "relaxed": [], "seq": 42,
            "unsearched": 2,
        })
    };
    let changes = serde_json::json!({"since": "build 318", "from_seq": 5, "from_at": now.at, "from_by": "ci",
        "to_seq": 42, "cancelled": 3});
    let (mut changed, choice) = page("what changed", Some("5"));
    changed.answer(
        &choice,
        answer(whole(serde_json::json!([hit]), changes)),
        now,
    );
    let (mut found, choice) = page("agnet:x croatia", None);
    found.answer(
        &choice,
        answer(whole(serde_json::json!([plain]), serde_json::Value::Null)),
        now,
    );
    let (mut past, choice) = page("croatia at:@last-build", None);
    let mut then = whole(serde_json::json!([plain]), serde_json::Value::Null);
    then["stood"] = serde_json::json!([
        {"workspace": "billing", "label": "build <b>318</b>, marked by ci", "seq": 12, "at": now.at},
        {"workspace": "legal", "label": "build 318, marked by ci", "seq": 0, "at": null},
    ]);
    past.answer(&choice, answer(then), now);
    let (mut grouped, choice) = page("failing", None);
    grouped.answer(
        &choice,
        answer(serde_json::json!({
            "reading": {"query": "is:failing group:agent", "question": false, "left_over": [], "notes": []},
            "hits": [], "total": 3, "exact": true, "next_cursor": null, "facets": [],
            "groups": [{"value": "hermes", "count": 3}], "changes": null, "partial": null, "relaxed": [], "seq": 42,
        })),
        now,
    );
    let (mut none, choice) = page("risk:high xyz", None);
    none.answer(
        &choice,
        answer(serde_json::json!({
            "reading": {"query": "risk:high xyz", "question": false, "left_over": [], "notes": []},
            "hits": [], "total": 0, "exact": true, "next_cursor": null, "facets": [], "groups": [],
            "changes": null, "partial": {"why": "x", "done": 1, "of": null},
            "relaxed": [{"without": "risk:high", "query": "xyz", "total": 4}], "seq": 42,
        })),
        now,
    );
    let (mut wrong, choice) = page("a (b", None);
    wrong.wrong(
        &choice.q,
        &countersign_protocol::query::parse(&choice.q).unwrap_err(),
    );
    let (mut bare, choice) = page("", None);
    bare.saved.clear();
    drop(choice);
    vec![changed, found, past, grouped, none, wrong, bare]
}
