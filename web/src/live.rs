//! Live hints: an event says that something changed and carries only a number.
//!
//! What changed, the page reads from the desk. Who may know of nothing that changed gets no hint. A lost one costs
//! nothing: the next has a higher number.

use std::{
    convert::Infallible,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use countersign_protocol::access::Permission;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    api::openapi::Problems,
    desk::{Caller, Desk, observe::LogQuery},
    error::Problem,
    security::{Signed, standing::Standing},
    state::AppState,
};

/// Where they are told.
pub(crate) const PATH: &str = "/api/v1/events";
/// A comment is sent that often, so that a dead connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after that time. A browser opens it again and shows its cookie again, so a session
/// that is over stops being told.
const LIFETIME: Duration = Duration::from_hours(1);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Cancelled when the server stops. The server puts it into each request.
#[derive(Clone, Debug)]
pub struct Stopping(pub CancellationToken);

/// Places for streams and waits. Agents have their own, so that they cannot crowd out people.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    people: Arc<Semaphore>,
    agents: Arc<Semaphore>,
}

impl Places {
    /// As many as `each` for people, and for agents.
    pub(crate) fn new(each: usize) -> Self {
        Self {
            people: Arc::new(Semaphore::new(each)),
            agents: Arc::new(Semaphore::new(each)),
        }
    }

    /// The places that `who` may take.
    pub(crate) fn of(&self, who: &Caller) -> &Arc<Semaphore> {
        match who {
            Caller::Person(_) => &self.people,
            Caller::Agent(_) => &self.agents,
        }
    }
}

/// Hints that something changed: event `changed` with `{"seq":N}`, and the number as id.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "events", tag = "ledger",
    params(("last-event-id" = Option<u64>, Header, description = "The last number that was seen")),
    responses(
        (status = 200, description = "A stream of hints", body = String, content_type = "text/event-stream"),
        Problems
    )
)]
pub(crate) async fn events(
    State(app): State<AppState>,
    Signed(caller): Signed,
    standing: Standing,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = Arc::clone(app.places.of(&caller))
        .try_acquire_owned()
        .map_err(|_| full())?;
    let seen = last_seen(&headers);
    let told = Arc::new(AtomicU64::new(seen.unwrap_or_default()));
    let head = app.desk.head();
    let over = over(stopping, standing.clone());
    let look = move |seq: u64| {
        let (desk, standing) = (Arc::clone(&app.desk), standing.clone());
        let told = Arc::clone(&told);
        async move {
            // What somebody may see is asked each time; who was signed out elsewhere is told nothing more.
            let caller = standing.caller().await?;
            let after = told.swap(seq, Ordering::Relaxed);
            let news = after == 0 || concerns(&*desk, &caller, after).await;
            Some(news.then_some(seq))
        }
    };
    let hints = changes(head, seen)
        .take_until(over)
        .then(look)
        .take_while(|told| ready(told.is_some()))
        .filter_map(|told| ready(told.flatten()))
        .map(move |seq| {
            let _held = &place;
            Ok::<_, Infallible>(
                Event::default()
                    .event("changed")
                    .id(seq.to_string())
                    .data(format!("{{\"seq\":{seq}}}")),
            )
        });
    Ok(answer(Sse::new(hints)).into_response())
}

/// Whether anything after the entry `after` is `who`'s business. Who may know of everything need not be looked up.
async fn concerns(desk: &dyn Desk, who: &Caller, after: u64) -> bool {
    let knows_all = match who {
        Caller::Person(person) => {
            let mut named = person.access.named();
            person.access.may(Permission::Read, None)
                && person.access.may(Permission::Activity, None)
                && named.all(|(_, grant)| grant.may.contains(Permission::Read))
        }
        Caller::Agent(_) => false,
    };
    if knows_all {
        return true;
    }
    // A reader that is told nothing asks again with the next number.
    let known = desk.log(who, &LogQuery::default(), after, 1).await;
    known.is_ok_and(|(lines, _)| !lines.is_empty())
}

/// The number that a reader who comes back saw last.
pub(crate) fn last_seen(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(LAST_EVENT_ID)?;
    value.to_str().ok()?.parse().ok()
}

/// Cancelled when the server stops.
pub(crate) fn stopped(stopping: Option<Extension<Stopping>>) -> CancellationToken {
    stopping.map_or_else(CancellationToken::new, |Extension(Stopping(token))| token)
}

/// Done when a stream has to end.
pub(crate) async fn over(stopping: Option<Extension<Stopping>>, standing: Standing) {
    let stopped = stopped(stopping);
    tokio::select! {
        () = stopped.cancelled_owned() => {}
        () = standing.over() => {}
        () = tokio::time::sleep(LIFETIME) => {}
    }
}

/// A stream with a sign of life, which no proxy may collect before it passes it on.
pub(crate) fn answer<S>(stream: Sse<S>) -> impl IntoResponse
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let stream = stream.keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let direct = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let fresh = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([direct, fresh], stream)
}

/// The number now, unless it was `seen`, and each number after it. Numbers between two looks fall out.
fn changes(head: watch::Receiver<u64>, seen: Option<u64>) -> impl Stream<Item = u64> {
    stream::unfold((head, seen), |(mut head, seen)| async move {
        loop {
            let now = *head.borrow_and_update();
            if seen != Some(now) {
                return Some((now, (head, Some(now))));
            }
            head.changed().await.ok()?;
        }
    })
}

/// No place is free.
pub(crate) fn full() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too-many-streams",
        "Too many live streams are open",
        "No place is free for another one.",
    )
    .hint("Close other pages, or ask again now and then instead.")
    .header(header::RETRY_AFTER, HeaderValue::from_static("30"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hint_tells_the_newest_number_once() {
        let (head, seen) = watch::channel(7);
        let mut hints = std::pin::pin!(changes(seen, None));
        assert_eq!(hints.next().await, Some(7));
        head.send_replace(8);
        head.send_replace(9);
        assert_eq!(hints.next().await, Some(9));
        head.send_replace(9);
        head.send_replace(10);
        assert_eq!(hints.next().await, Some(10));
        drop(head);
        assert_eq!(hints.next().await, None);
    }

    #[tokio::test]
    async fn who_comes_back_is_told_only_what_is_new() {
        let (head, seen) = watch::channel(7);
        let mut same = std::pin::pin!(changes(seen.clone(), Some(7)));
        let mut behind = std::pin::pin!(changes(seen, Some(5)));
        assert_eq!(behind.next().await, Some(7));
        head.send_replace(8);
        assert_eq!(same.next().await, Some(8));
    }
}
