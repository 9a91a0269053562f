//! Which files of a review are shown at once, and which on request.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use countersign_protocol::content::{Content, Kind, SNIFFED, sniff};
use http::StatusCode;
use tokio::time::Instant;

use super::{
    artifact::{Card, Place, Shown},
    beside::Beside,
    look::Asked,
    remarks::{RemarkView, SayForm, is_viewed},
    visit::Visit,
};
use crate::{
    desk::{Change, DeskError, FileRow, Review, SealedFile},
    error::Problem,
    render::{
        diff,
        preview::{Body, Look, Preview, Side, is_read_apart, preview},
        text,
        trouble::{self, Trouble},
        window::window,
        words,
    },
};

/// At most this many files are opened at once.
const FILES: usize = 20;
/// At most this many of them are of a type that a process of its own reads.
const APART: usize = 4;
/// Larger files wait for a click.
const SMALL: u64 = 256 * 1024;
/// Longer cards wait for a click, and so does what comes after this many lines in all.
const LINES: usize = 500;
const ALL_LINES: usize = 1_500;
/// A text that is larger than this is compared only while few others are, in bytes.
const LIGHT: u64 = 1_000_000;
/// A larger text is shown through a window, and not compared, in bytes.
const LARGEST: u64 = 16_000_000;
/// Comparing ends roughly after that time.
const PATIENCE: Duration = Duration::from_millis(500);

/// The cards of `rows`, in their order.
pub(super) async fn cards(
    visit: &Visit,
    review: &Review,
    rows: &[&FileRow],
    asked: &Asked,
) -> Result<Vec<Card>, Problem> {
    let place = place(review);
    let remarks = RemarkView::all(review, visit.now());
    let mut troubles = troubles(review);
    let mut cards = Vec::with_capacity(rows.len());
    let mut wanted = Vec::new();
    let mut apart = APART;
    for (at, row) in rows.iter().enumerate() {
        let shown = start(row);
        let mut beside = None;
        let at_once = matches!(shown, Shown::Later { .. })
            && row.change != Change::Unchanged
            && !is_viewed(review, row.sha256)
            && row.size <= SMALL
            && wanted.len() < FILES;
        if at_once {
            let sides = Sides::load(visit, place, row, SMALL, &mut apart).await?;
            beside = sides.as_ref().and_then(|sides| sides.beside(review, row));
            wanted.extend(sides.map(|sides| (at, sides)));
        }
        let say = SayForm::offered(visit, review, row);
        let mut card = Card::new(row, place, (&remarks, say), shown);
        let sides = wanted.last().filter(|(of, _): &&(usize, Sides)| *of == at);
        card.offer_edit(review, row, sides.and_then(|(_, sides)| sides.text()));
        card.beside = beside;
        card.troubles = troubles.remove(&row.path).unwrap_or_default();
        cards.push(card);
    }
    let look = look(visit, asked);
    let asked = asked.clone();
    work(move || {
        let mut room = ALL_LINES;
        for (at, sides) in wanted {
            let card: &mut Card = &mut cards[at];
            let Some(preview) = sides.preview(&look) else {
                continue;
            };
            card.show(preview, &asked);
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
    asked: &Asked,
) -> Result<Card, Problem> {
    let place = place(review);
    let remarks = RemarkView::all(review, visit.now());
    let say = SayForm::offered(visit, review, row);
    let mut card = Card::new(row, place, (&remarks, say), start(row));
    card.troubles = troubles(review).remove(&row.path).unwrap_or_default();
    if matches!(card.shown, Shown::Not { .. }) {
        return Ok(card);
    }
    let previews = &visit.app.previews;
    let _heavy = if row.size > LIGHT {
        previews.heavy().await
    } else {
        None
    };
    let mut apart = usize::MAX;
    let Some(sides) = Sides::load(visit, place, row, LARGEST, &mut apart).await? else {
        return Ok(card);
    };
    card.offer_edit(review, row, sides.text());
    card.beside = sides.beside(review, row);
    if sides.needs_window() {
        let index = sides
            .new
            .as_ref()
            .or(sides.old.as_ref())
            .and_then(|side| previews.index(&side.file));
        let asks = asked.clone();
        return work(move || {
            if let Some(preview) = sides.window(&asks, index.as_deref()) {
                card.show(preview, &asks);
            }
            card
        })
        .await;
    }
    let mut look = look(visit, asked);
    let (asked, previews) = (asked.clone(), Arc::clone(previews));
    work(move || {
        if let Some((pair, known)) = sides
            .pair(&look)
            .map(|pair| (pair, previews.compared(&pair)))
        {
            let compared = known.or_else(|| sides.compare(&look));
            if let Some(compared) = compared {
                previews.keep(pair, compared.clone());
                look.diff.compared = Some(compared);
            }
        }
        if let Some(preview) = sides.preview(&look) {
            card.show(preview, &asked);
        }
        card
    })
    .await
}

/// What the checks said about lines of files.
fn troubles(review: &Review) -> BTreeMap<String, Vec<Trouble>> {
    let outputs: Vec<&str> = review
        .checks
        .iter()
        .filter_map(|check| check.said.as_deref())
        .collect();
    if outputs.is_empty() {
        return BTreeMap::new();
    }
    let paths = review.files.iter().map(|file| file.path.as_str()).collect();
    trouble::said(outputs.into_iter(), &paths)
}

fn look(visit: &Visit, asked: &Asked) -> Look {
    let mut look = asked.look();
    look.without_pages = !visit.app.desk.draws_pages();
    look.diff.deadline = Some((Instant::now() + PATIENCE).into_std());
    look
}

pub(super) fn place(review: &Review) -> Place {
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

/// What was read of one side.
struct Loaded {
    file: SealedFile,
    kind: Kind,
    bytes: Vec<u8>,
    content: Option<Content>,
}

/// Both sides, as far as there are any.
struct Sides {
    new: Option<Loaded>,
    old: Option<Loaded>,
}

impl Sides {
    /// Reads what a preview needs; nothing when that takes the last of what may be read `apart`.
    async fn load(
        visit: &Visit,
        place: Place,
        row: &FileRow,
        limit: u64,
        apart: &mut usize,
    ) -> Result<Option<Self>, Problem> {
        let old = match (place.base, row.change) {
            (Some(base), Change::Modified | Change::Renamed | Change::Removed) => {
                open(visit, place, base, row.old_path()).await?
            }
            _ => None,
        };
        let new = match row.change {
            Change::Removed => None,
            _ => open(visit, place, place.revision, &row.path).await?,
        };
        let mut sides = Self { new, old };
        let large = |side: &Option<Loaded>| {
            side.as_ref()
                .is_some_and(|side| side.file.open.size > limit)
        };
        if limit == SMALL && (large(&sides.new) || large(&sides.old)) {
            return Ok(None);
        }
        let is_read = !sides.needs_window();
        for (side, revision) in [
            (&mut sides.new, Some(place.revision)),
            (&mut sides.old, place.base),
        ] {
            let (Some(side), Some(revision)) = (side, revision) else {
                continue;
            };
            if is_read_apart(side.kind) {
                if *apart == 0 {
                    return Ok(None);
                }
                *apart -= 1;
                let (who, path) = (visit.caller(), &side.file.open.path);
                let content = visit
                    .app
                    .desk
                    .content(&who, place.id, revision, path)
                    .await?;
                side.content = Some(content);
            }
            if side.kind.is_text() && is_read {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let read = side.file.open.read(0, limit).await;
                side.bytes = read.map_err(unreadable)?;
            }
        }
        Ok(Some(sides))
    }

    /// What lies beside a film or a sound.
    fn beside(&self, review: &Review, row: &FileRow) -> Option<Beside> {
        let new = self.new.as_ref()?;
        matches!(new.kind, Kind::Audio | Kind::Video)
            .then(|| Beside::of(place(review), &review.files, &row.path))
    }

    fn preview(&self, look: &Look) -> Option<Preview> {
        preview(
            self.new.as_ref().map(Loaded::side),
            self.old.as_ref().map(Loaded::side),
            look,
        )
    }

    /// The text of the new side, as far as it was read.
    fn text(&self) -> Option<&[u8]> {
        let text = self.new.as_ref().filter(|side| side.kind.is_text());
        text.map(|side| side.bytes.as_slice())
    }

    /// Whether a text is too large to be compared, or so large that nobody reads it from its start.
    fn needs_window(&self) -> bool {
        let large = |side: &Option<Loaded>, most| {
            let text = side.as_ref().filter(|side| side.kind.is_text());
            text.is_some_and(|side| side.file.open.size > most)
        };
        let is_alone = self.old.as_ref().is_none_or(|old| old.file.open.size == 0);
        let most = if is_alone { LIGHT } else { LARGEST };
        large(&self.new, most) || large(&self.old, LARGEST)
    }

    fn window(
        &self,
        asked: &Asked,
        index: Option<&crate::render::window::Index>,
    ) -> Option<Preview> {
        let loaded = self.new.as_ref().or(self.old.as_ref())?;
        let shown = window(&loaded.file.open, asked.at(), asked.level(), index);
        let mut side = loaded.side();
        side.bytes = &side.bytes[..side.bytes.len().min(SNIFFED)];
        let mut preview = preview(Some(side), None, &Look::default())?;
        preview.choices.clear();
        preview.notes.clear();
        match shown {
            Ok(mut window) => {
                preview.notes.append(&mut window.notes);
                preview.body = Body::Window(window);
            }
            Err(error) => preview.notes.push(format!("It cannot be read: {error}.")),
        }
        if self.old.as_ref().is_some_and(|old| old.file.open.size > 0) && self.new.is_some() {
            preview.notes.push(format!(
                "Not compared: a side is over {}.",
                words::size(LARGEST)
            ));
        }
        Some(preview)
    }

    /// What names the comparison of two large texts.
    fn pair(&self, look: &Look) -> Option<crate::previews::Pair> {
        let (new, old) = (self.new.as_ref()?, self.old.as_ref()?);
        let large = new.file.open.size.max(old.file.open.size) > SMALL;
        let text = new.kind.is_text() && old.kind.is_text();
        (large && text).then_some((old.file.sha256, new.file.sha256, look.diff.ignore_space))
    }

    fn compare(&self, look: &Look) -> Option<diff::Compared> {
        let (new, old) = (self.new.as_ref()?, self.old.as_ref()?);
        let (old, new) = (
            text::decode(&old.bytes, true),
            text::decode(&new.bytes, true),
        );
        let wish = &look.diff;
        Some(diff::compare(
            &old.text,
            &new.text,
            wish.ignore_space,
            wish.deadline,
        ))
    }
}

impl Loaded {
    fn side(&self) -> Side<'_> {
        Side {
            path: &self.file.open.path,
            bytes: &self.bytes,
            size: self.file.open.size,
            content: self.content.as_ref(),
        }
    }
}

/// Opens a file and reads what tells its type. A side whose bytes were never kept has none.
async fn open(
    visit: &Visit,
    place: Place,
    revision: u32,
    path: &str,
) -> Result<Option<Loaded>, Problem> {
    let desk = &visit.app.desk;
    let file = match desk.open(&visit.caller(), place.id, revision, path).await {
        Ok(file) => file,
        Err(DeskError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = file.open.read(0, SNIFFED).await.map_err(unreadable)?;
    let kind = sniff(&bytes, bytes.len() as u64 == file.open.size, path).kind;
    Ok(Some(Loaded {
        file,
        kind,
        bytes,
        content: None,
    }))
}

fn unreadable(error: std::io::Error) -> Problem {
    DeskError::Unavailable(error.to_string()).into()
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
