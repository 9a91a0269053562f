//! The links of a card to itself, shown in another way.

use serde::Serialize;

use super::look::Asked as Asks;
use crate::render::{
    diff::PAGE,
    preview::{Preview, View},
};

/// A link of a card to itself, shown in another way.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Turn {
    /// What it is called.
    pub(super) label: &'static str,
    /// Where it leads.
    pub(super) href: String,
    /// Whether it is so already.
    pub(super) current: bool,
}

/// The links of a card to itself.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Turns {
    /// The views of its type.
    pub(super) views: Vec<Turn>,
    /// Side by side, and white space.
    pub(super) habits: Vec<Turn>,
    /// Opens a fold, when its number is put behind it.
    pub(super) fold: String,
    /// Leads to another place, when `&at=` and the like are put behind it.
    pub(super) place: String,
    /// Shows an entry of an archive, when its name is put behind it.
    pub(super) entry: String,
    /// The page of rows before this one.
    pub(super) before: Option<String>,
    /// The next page of rows.
    pub(super) after: Option<String>,
    /// Which rows these are.
    pub(super) range: Option<String>,
}

impl Turns {
    pub(super) fn new(page: &str, preview: &Preview, asks: &Asks) -> Self {
        let habits = asks.habits();
        let kept = asks.kept();
        let views = preview.choices.iter().map(|choice| Turn {
            label: choice.label,
            href: match choice.view {
                View::Fitting => format!("{page}{habits}"),
                view => format!("{page}{habits}&view={}", view.name()),
            },
            current: choice.current,
        });
        let diff = preview.body.diff();
        let rows = preview.body.rows();
        let view = kept.strip_prefix(&habits).unwrap_or_default();
        let side_by_side = if asks.split() { "&diff=split" } else { "" };
        let spaceless = if asks.ignore_space() {
            "&space=ignore"
        } else {
            ""
        };
        let turn = |label, query: &str, kept: &str, current: bool| Turn {
            label,
            href: format!("{page}{kept}{}{view}", if current { "" } else { query }),
            current,
        };
        let at = |from: usize| format!("{page}{kept}&from={from}");
        let many = rows.filter(|(_, total)| *total > PAGE);
        Self {
            views: views.collect(),
            habits: match diff {
                Some(_) => vec![
                    turn("Side by side", "&diff=split", spaceless, asks.split()),
                    turn(
                        "Ignore white space",
                        "&space=ignore",
                        side_by_side,
                        asks.ignore_space(),
                    ),
                ],
                None => Vec::new(),
            },
            fold: format!(
                "{page}{kept}&from={}&open={}",
                diff.map_or(0, |d| d.from),
                asks.opened()
            ),
            place: format!("{page}{kept}"),
            entry: format!("{page}{habits}&entry="),
            before: many
                .filter(|(from, _)| *from > 0)
                .map(|(from, _)| at(from.saturating_sub(PAGE))),
            after: many
                .filter(|(from, total)| from + PAGE < *total)
                .map(|(from, _)| at(from + PAGE)),
            range: many.map(|(from, total)| {
                format!(
                    "Rows {} to {} of {total}",
                    from + 1,
                    (from + PAGE).min(total)
                )
            }),
        }
    }
}
