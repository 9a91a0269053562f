//! Which files of a review are shown at once, and which on request.

use countersign_protocol::decision::ChangeRequest;
use http::StatusCode;

use super::{
    artifact::{Card, Place, Shown, Sides},
    visit::Visit,
};
use crate::{
    desk::{Change, DeskError, FileBytes, FileRow, Review},
    error::Problem,
    render::{preview::MAX_BYTES, words},
};

/// At most this many files are opened at once.
const FILES: usize = 20;
/// Larger files wait for a click.
const SMALL: u64 = 256 * 1024;
/// Longer cards wait for a click, and so does what comes after this many lines in all.
const LINES: usize = 500;
const ALL_LINES: usize = 1_500;

/// The cards of a review: what changed first, each group by path.
pub(super) async fn cards(visit: &Visit, review: &Review) -> Result<Vec<Card>, Problem> {
    let place = place(review);
    let mut rows: Vec<_> = review.files.iter().collect();
    rows.sort_by_key(|row| row.change == Change::Unchanged);
    let mut cards = Vec::with_capacity(rows.len());
    let mut wanted = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        let shown = start(row);
        let at_once = matches!(shown, Shown::Later { .. })
            && row.change != Change::Unchanged
            && row.size <= SMALL
            && wanted.len() < FILES;
        if at_once {
            wanted.push((at, sides(visit, place, row).await?));
        }
        cards.push(Card::new(row, place, &review.earlier_requests, shown));
    }
    work(move || {
        let mut room = ALL_LINES;
        for (at, sides) in wanted {
            let card: &mut Card = &mut cards[at];
            card.show(&sides);
            let lines = card.lines();
            if lines > LINES.min(room) {
                card.shown = Shown::Later {
                    what: words::count(lines, "line"),
                };
            } else {
                room -= lines;
            }
        }
        cards
    })
    .await
}

/// The card of one file, opened whatever its size.
pub(super) async fn card(
    visit: &Visit,
    review: &Review,
    row: &FileRow,
    asked: &[ChangeRequest],
) -> Result<Card, Problem> {
    let place = place(review);
    let shown = start(row);
    let opened = matches!(shown, Shown::Later { .. });
    let mut card = Card::new(row, place, asked, shown);
    if opened {
        let sides = sides(visit, place, row).await?;
        card = work(move || {
            card.show(&sides);
            card
        })
        .await?;
    }
    Ok(card)
}

fn place(review: &Review) -> Place {
    Place {
        id: review.row.id,
        revision: review.revision,
        base: review.base.as_ref().map(|base| base.revision),
    }
}

fn start(row: &FileRow) -> Shown {
    if row.kept {
        Shown::Later {
            what: words::size(row.size),
        }
    } else {
        Shown::Not {
            why: "The file is over the limit of its workspace, so only its digest was sealed."
                .to_owned(),
        }
    }
}

async fn sides(visit: &Visit, place: Place, row: &FileRow) -> Result<Sides, Problem> {
    let old = match (place.base, row.change) {
        (Some(base), Change::Modified | Change::Removed) => {
            read(visit, place, base, &row.path).await?
        }
        _ => None,
    };
    let new = match row.change {
        Change::Removed => None,
        _ => read(visit, place, place.revision, &row.path).await?,
    };
    Ok(Sides { new, old })
}

/// The first bytes of a file. A side whose bytes were never kept has none.
async fn read(
    visit: &Visit,
    place: Place,
    revision: u32,
    path: &str,
) -> Result<Option<FileBytes>, Problem> {
    let caller = visit.caller();
    let desk = &visit.app.desk;
    match desk
        .file(&caller, place.id, revision, path, MAX_BYTES)
        .await
    {
        Ok(file) => Ok(Some(file)),
        Err(DeskError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Comparing takes a processor for a while, so it does not hold up other requests.
async fn work<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(task).await.map_err(|error| {
        tracing::error!(%error, "the comparison of files failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "preview",
            "This page cannot be shown",
            "The files could not be compared.",
        )
    })
}
