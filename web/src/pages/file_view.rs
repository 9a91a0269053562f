//! What the page of one file shows.

use serde::Serialize;

use super::{artifact::Card, visit::Chrome};
use crate::{desk::Base, templates::Page};

/// The page of one file, and the part of it that is fetched into a review.
#[derive(Debug, Serialize)]
pub(super) struct FilePage {
    pub(super) chrome: Chrome,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) revision: u32,
    pub(super) base: Option<Base>,
    pub(super) card: Card,
}

impl Page for FilePage {
    const TEMPLATE: &'static str = "pages/file.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        super::artifact::samples::cards()
            .into_iter()
            .map(|card| Self {
                chrome: Chrome::sample("queue"),
                id: "H-7".to_owned(),
                title: "Backfill".to_owned(),
                revision: 2,
                base: Some(Base {
                    revision: 1,
                    label: "revision 1".to_owned(),
                }),
                card,
            })
            .collect()
    }
}

/// Only the content of a card.
#[derive(Debug, Serialize)]
pub(super) struct FilePart {
    pub(super) card: Card,
}

impl Page for FilePart {
    const TEMPLATE: &'static str = "pages/file-part.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        super::artifact::samples::cards()
            .into_iter()
            .map(|card| Self { card })
            .collect()
    }
}
