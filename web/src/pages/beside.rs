//! What lies beside a film or a sound: captions, and a picture for before it plays.

use serde::Serialize;

use super::artifact::Place;
use crate::desk::{Change, FileRow};

/// Endings of files that are captions.
const CAPTIONS: [&str; 2] = ["vtt", "srt"];
/// Endings of pictures that are drawn anew.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
/// The most captions of one film.
const TRACKS: usize = 8;

/// Files of the same revision, in the same folder and with the same name but for the ending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Beside {
    /// A picture.
    pub(super) poster: Option<String>,
    /// Captions, sorted by name.
    pub(super) tracks: Vec<Track>,
}

/// Captions of a film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Track {
    /// Where a player finds them.
    pub(super) src: String,
    /// The page of the file.
    pub(super) page: String,
    /// Name of the file.
    pub(super) name: String,
    /// What the player calls them.
    pub(super) label: String,
    /// Their language as BCP 47 has it, where the name says it: `film.en.vtt`.
    pub(super) language: Option<String>,
}

impl Beside {
    /// What lies beside the file at `path`, among all `files` of the revision.
    pub(super) fn of(place: Place, files: &[FileRow], path: &str) -> Self {
        let mut beside = Self::default();
        let Some((stem, _)) = path.rsplit_once('.') else {
            return beside;
        };
        for file in files {
            let rest = file.path.strip_prefix(stem);
            let Some(rest) = rest.and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            if rest.contains('/') || !file.kept || file.change == Change::Removed {
                continue;
            }
            let (middle, ending) = rest.rsplit_once('.').unwrap_or(("", rest));
            let is = |endings: &[&str]| endings.iter().any(|one| ending.eq_ignore_ascii_case(one));
            let url = |what: &str| place.url(what, place.revision, &file.path);
            if is(&CAPTIONS) && beside.tracks.len() < TRACKS && is_tag(middle) {
                let language = (!middle.is_empty()).then(|| middle.to_owned());
                beside.tracks.push(Track {
                    src: url("captions"),
                    page: place.page(&file.path),
                    name: file.path.rsplit('/').next().unwrap_or_default().to_owned(),
                    label: language.clone().unwrap_or_else(|| "Captions".to_owned()),
                    language,
                });
            } else if is(&PICTURES) && matches!(middle, "" | "poster") && beside.poster.is_none() {
                beside.poster = Some(url("picture"));
            }
        }
        beside
    }
}

/// Whether `middle` is nothing or looks like a language tag.
fn is_tag(middle: &str) -> bool {
    middle.len() <= 35
        && middle
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests;
