//! `GET /activity`: the ledger, newest first, and the end of its chain.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::{Deserialize, Serialize};

use super::{
    insights::field as csv_field,
    view::{Now, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{ActivityRow, ChainReport, Health},
    error::Problem,
    security::QueryOf,
    state::AppState,
    templates::Page,
};

/// Entries of one page.
const ROWS: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct ActivityPage {
    chrome: Chrome,
    head_seq: u64,
    head_hash: String,
    ready: bool,
    troubles: Vec<String>,
    rows: Vec<Row>,
    older: Option<u64>,
    newest_page: bool,
    /// What keeps the filter in an address.
    query: String,
    filtered: bool,
    filter: Filter,
    /// Events that can be chosen: the beginning of their names, and a word.
    kinds: [(&'static str, &'static str); 8],
    workspaces: Vec<String>,
    /// Whether the chain holds, how many entries were checked, and what is wrong.
    report: Option<(bool, u64, &'static str, Option<String>)>,
}

/// The events that people look for.
const KINDS: [(&str, &str); 8] = [
    ("handoff.accepted", "Handed over"),
    ("handoff.decided", "Decided"),
    ("handoff.viewed", "Opened"),
    ("handoff.commented", "Commented"),
    ("handoff.refused", "Refused"),
    ("transfer.", "Between agents"),
    ("lock.", "Locks"),
    ("artifact.", "Approved work"),
];

#[derive(Debug, Serialize)]
struct Row {
    seq: u64,
    at: When,
    actor: String,
    event: String,
    /// `main` for what a person decided, `bad` for what went wrong; else empty.
    tone: &'static str,
    handoff: Option<String>,
    text: String,
}

/// The query of the activity page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    before: Option<u64>,
    /// `1` to check the whole chain.
    verify: Option<u8>,
    /// `csv` or `jsonl`.
    format: Option<String>,
}

/// Which entries are wanted; what is empty is not asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// Part of the name of whoever did it.
    who: String,
    /// The beginning of the name of the event.
    event: String,
    /// The workspace.
    ws: String,
    /// A handoff, or words in the line.
    q: String,
}

impl Filter {
    fn is_empty(&self) -> bool {
        [&self.who, &self.event, &self.ws, &self.q]
            .into_iter()
            .all(|text| text.trim().is_empty())
    }

    fn takes(&self, row: &ActivityRow) -> bool {
        let has = |text: &str, part: &str| {
            part.is_empty() || text.to_lowercase().contains(&part.to_lowercase())
        };
        let q = self.q.trim();
        let is_handoff = || {
            row.handoff
                .is_some_and(|id| id.to_string().eq_ignore_ascii_case(q))
        };
        has(&row.actor, self.who.trim())
            && row.event.starts_with(self.event.trim())
            && (self.ws.is_empty() || row.workspace.as_deref() == Some(&self.ws))
            && (is_handoff() || has(&row.text, q))
    }

    /// `&who=…&event=…` of an address that keeps it.
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("who", &self.who),
            ("event", &self.event),
            ("ws", &self.ws),
            ("q", &self.q),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        match query.finish() {
            empty if empty.is_empty() => empty,
            query => format!("&{query}"),
        }
    }
}

/// Entries that are looked at for one page of a filter, and for one file.
const LOOKED_AT: u64 = 5_000;
const EXPORTED: u64 = 100_000;
/// Entries that are read at once.
const READ: usize = 500;

/// The newest entries before `before` that `filter` takes, at most `most` of them; and the entry at
/// which the next page begins.
async fn entries(
    visit: &Visit,
    mut before: Option<u64>,
    filter: &Filter,
    most: usize,
    looked_at: u64,
) -> Result<(Vec<ActivityRow>, Option<u64>), Problem> {
    let mut found = Vec::new();
    let newest = before.unwrap_or_else(|| *visit.app.desk.head().borrow() + 1);
    let last = newest.saturating_sub(looked_at);
    loop {
        let end = before.unwrap_or(newest);
        if end <= 1 || end <= last {
            return Ok((found, (end > 1).then_some(end)));
        }
        let caller = visit.caller();
        let rows = visit.app.desk.activity(&caller, before, READ).await?;
        for row in rows {
            let seq = row.seq;
            if filter.takes(&row) {
                found.push(row);
                if found.len() == most {
                    return Ok((found, (seq > 1).then_some(seq)));
                }
            }
        }
        before = Some(end.saturating_sub(READ as u64).max(1));
    }
}

/// Shows the list.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
    QueryOf(choice): QueryOf<Choice>,
    QueryOf(filter): QueryOf<Filter>,
) -> Result<Response, Problem> {
    let filter = &filter;
    if let Some(format) = choice.format.as_deref() {
        let most = usize::try_from(EXPORTED).unwrap_or(usize::MAX);
        let (rows, _) = entries(&visit, choice.before, filter, most, EXPORTED).await?;
        return exported(format, &rows);
    }
    let (rows, older) = entries(&visit, choice.before, filter, ROWS, LOOKED_AT).await?;
    let report = match choice.verify {
        Some(1) => Some(app.desk.verify_chain(&visit.person).await?),
        _ => None,
    };
    let health = app.desk.health().await.seen_by(&visit.caller());
    let chrome = visit.chrome("activity").await?;
    let newest_page = choice.before.is_none();
    let page = ActivityPage::new(
        chrome,
        (&rows, older),
        &health,
        (filter, newest_page, report),
        visit.now(),
    );
    Ok(visit.render(&page)?.into_response())
}

/// All rows as a file, newest first.
fn exported(format: &str, rows: &[ActivityRow]) -> Result<Response, Problem> {
    let (kind, name, text) = match format {
        "jsonl" => {
            let lines = rows
                .iter()
                .filter_map(|row| serde_json::to_string(row).ok());
            let text: String = lines.map(|line| line + "\n").collect();
            ("application/x-ndjson", "activity.jsonl", text)
        }
        "csv" => {
            let mut text = String::from("entry,time,who,event,workspace,handoff,detail\n");
            for row in rows {
                let fields = [
                    row.seq.to_string(),
                    row.at.to_string(),
                    row.actor.clone(),
                    row.event.clone(),
                    row.workspace.clone().unwrap_or_default(),
                    row.handoff.map(|id| id.to_string()).unwrap_or_default(),
                    row.text.clone(),
                ];
                text.push_str(&fields.map(|text| csv_field(&text)).join(","));
                text.push('\n');
            }
            ("text/csv; charset=utf-8", "activity.csv", text)
        }
        _ => {
            return Err(Problem::invalid(
                "format",
                "The formats are `csv` and `jsonl`.",
            ));
        }
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        text,
    )
        .into_response())
}

impl ActivityPage {
    fn new(
        chrome: Chrome,
        (rows, older): (&[ActivityRow], Option<u64>),
        health: &Health,
        (filter, newest_page, report): (&Filter, bool, Option<ChainReport>),
        now: Now<'_>,
    ) -> Self {
        let named = health.workspaces.iter();
        Self {
            chrome,
            head_seq: health.head.seq,
            head_hash: health.head.hash.to_string(),
            ready: health.ready,
            troubles: health.troubles.clone(),
            older,
            rows: rows.iter().map(|row| Row::new(row, now)).collect(),
            newest_page,
            query: filter.query(),
            filtered: !filter.is_empty(),
            filter: filter.clone(),
            kinds: KINDS,
            workspaces: named.map(|one| one.name.clone()).collect(),
            report: report.map(|report| {
                let damaged = report.damaged.first().filter(|_| report.problem.is_none());
                let (head, why) = match damaged {
                    Some(first) => (
                        "The chain holds, but sealed files are damaged.",
                        Some(format!("{}, the first is {first}", report.damaged.len())),
                    ),
                    None => ("The chain does not hold.", report.problem),
                };
                (report.ok, report.entries, head, why)
            }),
        }
    }
}

impl Row {
    fn new(row: &ActivityRow, now: Now<'_>) -> Self {
        Self {
            seq: row.seq,
            at: When::new(row.at, now),
            actor: row.actor.clone(),
            event: row.event.replace(['_', '.'], " "),
            tone: tone(&row.event),
            handoff: row.handoff.map(|id| id.to_string()),
            text: row.text.clone(),
        }
    }
}

/// What stands out among many lines: that somebody decided, and that something went wrong.
fn tone(event: &str) -> &'static str {
    let last = event.rsplit(['.', '_']).next().unwrap_or_default();
    match last {
        "decided" | "voted" | "approved" => "main",
        "refused" | "violation" | "stalled" | "failed" | "lettered" | "broken" | "stopped"
        | "disabled" => "bad",
        _ => "",
    }
}

impl Page for ActivityPage {
    const TEMPLATE: &'static str = "pages/activity.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let rows = sample::activity();
        let mut health = sample::health();
        let page = |rows: &[ActivityRow], health: &Health, newest| {
            let filter = Filter {
                q: if newest {
                    String::new()
                } else {
                    "<b>words</b>".to_owned()
                },
                ..Filter::default()
            };
            let report = (!newest).then(|| ChainReport {
                ok: health.ready,
                entries: 7,
                head: health.head,
                problem: (!health.ready).then(|| "entry 5 does not follow".to_owned()),
                damaged: Vec::new(),
            });
            let older = (!newest).then_some(40);
            let chrome = Chrome::sample("activity");
            let asked = (&filter, newest, report);
            Self::new(
                chrome,
                (rows, older),
                health,
                asked,
                Now::utc(sample::now()),
            )
        };
        let many: Vec<_> = rows.iter().cycle().take(ROWS).cloned().collect();
        let first = page(&rows, &health, true);
        let checked = page(&rows, &health, false);
        health.ready = false;
        health.troubles = vec!["The disk is full".to_owned()];
        vec![
            first,
            checked,
            page(&many, &health, false),
            page(&[], &health, true),
            page(&[], &health, false),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::showcase::sample;

    #[test]
    fn decisions_and_troubles_stand_out() {
        for (event, wanted) in [
            ("handoff.decided", "main"),
            ("handoff.refused", "bad"),
            ("handoff.dead_lettered", "bad"),
            ("handoff.viewed", ""),
        ] {
            assert_eq!(tone(event), wanted, "{event}");
        }
    }

    #[test]
    fn a_filter_takes_what_fits_all_of_it() {
        let rows = sample::activity();
        let count = |filter: Filter| rows.iter().filter(|row| filter.takes(row)).count();
        assert_eq!(count(Filter::default()), rows.len());
        assert!(Filter::default().is_empty());
        let who = rows[0].actor.to_uppercase();
        let by = |who: &str, q: &str| Filter {
            who: who.to_owned(),
            q: q.to_owned(),
            ..Filter::default()
        };
        assert!((1..=rows.len()).contains(&count(by(&who, ""))));
        assert_eq!(count(by(&who, "no such words")), 0);
        assert_eq!(by("a&b", "").query(), "&who=a%26b");
    }

    #[test]
    fn files_have_one_line_for_each_entry() {
        let rows = sample::activity();
        for format in ["csv", "jsonl"] {
            assert!(exported(format, &rows).is_ok());
        }
        assert!(exported("pdf", &rows).is_err());
    }
}
