//! The words of a file that only a child may read, as the index keeps them.

use countersign_protocol::content::{Content, CutReason, Kind, Place, Segment};
use serde::{Deserialize, Serialize};

use super::text::LIMIT;

/// Whether a file of that kind and size is read by a child. What is text itself is, while it is small enough
/// to be read as that when the child finds nothing.
pub(super) fn are_for_a_child(kind: Kind, size: u64) -> bool {
    match kind {
        Kind::Pdf
        | Kind::Document
        | Kind::Workbook
        | Kind::Presentation
        | Kind::Zip
        | Kind::Tar
        | Kind::Gzip
        | Kind::Packed => true,
        Kind::Html | Kind::Notebook | Kind::Email => size <= LIMIT,
        Kind::Empty
        | Kind::Text
        | Kind::Svg
        | Kind::Image
        | Kind::Audio
        | Kind::Video
        | Kind::Program
        | Kind::Binary => false,
    }
}

/// Where each stretch of a text stands: the number of its first line, from 1, and the place in the file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places(Vec<(u64, Place)>);

impl Places {
    /// The place of line `number` of the text, and its number there.
    pub(super) fn of_line(&self, number: u64) -> Option<(&Place, u64)> {
        let behind = self.0.partition_point(|(first, _)| *first <= number);
        let (first, place) = self.0.get(behind.checked_sub(1)?)?;
        Some((place, number - first + 1))
    }
}

/// What the index has of such a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// All of it as one text, each stretch on lines of its own.
    pub(super) text: String,
    pub(super) places: Places,
    /// Why some or all of it is missing.
    pub(super) missing: Option<String>,
}

/// What a page shows is a text beside the one it is written in.
const AS_SHOWN: &str = "as shown";

/// Whether a place is what a page shows.
pub(super) fn is_as_shown(place: &Place) -> bool {
    matches!(place, Place::Part { part } if part == AS_SHOWN)
}

impl Words {
    /// What a child read from a file; `source` is the file as text, where it is one.
    pub(super) fn of(content: Content, source: Option<String>) -> Self {
        let mut words = Self {
            missing: content.cut.as_ref().map(|cut| cut.message.clone()),
            ..Self::default()
        };
        match (content.file_type.kind, source) {
            (Kind::Html, Some(source)) => {
                words.say(Segment::new(Place::Whole, source));
                let part = || Place::Part {
                    part: AS_SHOWN.to_owned(),
                };
                for segment in content.text {
                    words.say(Segment::new(part(), segment.text));
                }
            }
            // Half a notebook, or a text that only begins like a message, still has words.
            (_, Some(source)) if content.text.is_empty() => {
                words.say(Segment::new(Place::Whole, source));
            }
            _ => content.text.into_iter().for_each(|one| words.say(one)),
        }
        words
    }

    /// Nothing, for that reason.
    pub(super) fn none(why: String) -> Self {
        Self {
            missing: Some(why),
            ..Self::default()
        }
    }

    fn say(&mut self, segment: Segment) {
        let mut text = segment.text;
        let room = usize::try_from(LIMIT).unwrap_or(usize::MAX) - self.text.len();
        if text.len() > room {
            text.truncate(text.floor_char_boundary(room));
            let why = format!(
                "It has more than the {} MiB of text that are searched of one file.",
                LIMIT >> 20
            );
            self.missing.get_or_insert(why);
        }
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let lines = memchr::memchr_iter(b'\n', self.text.as_bytes()).count() as u64;
        self.places.0.push((lines + 1, segment.place));
        self.text.push_str(&text);
    }
}

/// Whether another try may find more: what was in the way is this machine.
pub(super) fn may_pass(content: &Content) -> bool {
    let reason = content.cut.as_ref().map(|cut| cut.reason);
    reason.is_some_and(CutReason::may_pass)
}

#[cfg(test)]
mod tests;
