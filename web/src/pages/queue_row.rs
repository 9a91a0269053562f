//! A row of the queue. Most rows are the same from one look to the next, and for everybody.

use countersign_protocol::HandoffId;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    held::{CameBackView, HeldView},
    queue_view::name,
    view::{Due, Gauge, Now, RiskView, Stamp, When, place},
};
use crate::{
    desk::{HandoffRow, QueueView},
    render::words,
    templates::Page,
};

/// A row in one of the views.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct QueueRow {
    view: &'static str,
    row: Row,
}

impl QueueRow {
    pub(super) fn new(
        view: QueueView,
        row: &HandoffRow,
        selected: Option<HandoffId>,
        now: Now<'_>,
    ) -> Self {
        Self {
            view: name(view),
            row: Row::new(row, selected, now),
        }
    }

    /// The same of another card.
    #[cfg(test)]
    pub(crate) fn numbered(&self, number: usize) -> Self {
        let mut other = self.clone();
        other.row.id = format!("H-{number}");
        other
    }
}

/// What a row shows. It is the key of what was rendered of it, so everything that its look depends on stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Row {
    id: String,
    revision: u32,
    title: String,
    why: String,
    agent: String,
    place: String,
    files: String,
    changed: bool,
    stalled: bool,
    risk: RiskView,
    gauge: Option<Gauge>,
    waiting: String,
    handed: When,
    due: Option<Due>,
    stamp: Option<Stamp>,
    delivered: bool,
    undelivered: bool,
    current: bool,
    claimed: Option<String>,
    seen: Option<String>,
    threads: usize,
    /// An answer that can still be taken back.
    held: Option<HeldView>,
    /// What this person answered was not given.
    back: Option<CameBackView>,
    /// How far the result is that grows beside it, and whether an approval waits for it.
    partial: Option<(String, bool)>,
}

/// How long it has waited, short enough for a column.
fn waiting(since: Timestamp, now: Now<'_>) -> String {
    let length = now.at.duration_since(since);
    if length.as_secs() < 60 {
        "just now".to_owned()
    } else {
        words::span(length)
    }
}

impl Row {
    fn new(row: &HandoffRow, selected: Option<HandoffId>, now: Now<'_>) -> Self {
        Self {
            current: selected == Some(row.id),
            id: row.id.to_string(),
            revision: row.revision,
            title: row.title.clone(),
            why: row.why.clone(),
            agent: row.agent.clone(),
            place: place(row),
            files: words::count(row.files, "file"),
            changed: row.changed_since_my_review,
            stalled: row.stalled,
            risk: RiskView::new(&row.risk),
            gauge: Gauge::of(row),
            waiting: waiting(row.handed_over_at, now),
            handed: When::new(row.handed_over_at, now),
            due: row.due_at.map(|due| Due::new(due, now)),
            stamp: row.decided.as_ref().map(|row| Stamp::of_row(row, now)),
            delivered: row.decided.as_ref().is_some_and(|row| row.delivered),
            undelivered: row.decided.as_ref().is_some_and(|row| row.undelivered),
            claimed: row.claimed_by.clone(),
            seen: row.looking.clone(),
            threads: row.open_threads,
            held: row.held.as_ref().map(|held| HeldView::new(held, now)),
            back: row.came_back.as_ref().map(CameBackView::new),
            partial: row
                .partial
                .as_ref()
                .map(|one| (one.words(), one.is_awaited())),
        }
    }
}

impl Page for QueueRow {
    const TEMPLATE: &'static str = "pages/queue-row.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use jiff::tz::TimeZone;

        use crate::showcase::sample;
        let (now, selected) = (sample::now(), Some(sample::review().row.id));
        let there = TimeZone::get("America/Los_Angeles").unwrap();
        let views = [QueueView::Turn, QueueView::Team, QueueView::Decided];
        let rows = views.into_iter().flat_map(|view| {
            let rows = sample::queue(view).rows.into_iter();
            // The same row for readers in two places.
            let readers = [Now::utc(now), Now::new(now, &there)];
            rows.flat_map(move |row| readers.map(|now| Self::new(view, &row, selected, now)))
        });
        rows.collect()
    }
}
