//! Words of a file that somebody speaks about: they must stand there, and say which lines are meant.

use countersign_protocol::place::Place;
use countersign_web::{desk::DeskError, render::text};

use super::LedgerDesk;

/// Words are looked for in files of at most this size, in bytes.
const LARGEST: u64 = 1_000_000;

fn invalid(message: String) -> DeskError {
    DeskError::Invalid {
        field: "quote".to_owned(),
        message,
    }
}

impl LedgerDesk {
    /// The place with the lines of its quote. Refuses words that do not stand in its file, or not in its lines.
    pub(super) async fn quoted(&self, place: Place) -> Result<Place, DeskError> {
        let (Some(quote), Some(sha256), Some(path)) = (&place.quote, place.sha256, &place.path)
        else {
            return Ok(place);
        };
        let bytes = self.bytes(sha256, LARGEST).await?;
        let named = place
            .line
            .map(|first| (first, place.end_line.unwrap_or(first)));
        let found =
            bytes.and_then(|bytes| lines_of(&text::decode(&bytes, true).text, quote, named));
        let Some((first, last)) = found else {
            return Err(invalid(match named {
                None => format!("`{path}` has no such words. Quote them as they stand there."),
                Some(_) => format!("These lines of `{path}` have no such words."),
            }));
        };
        Ok(Place {
            line: Some(first),
            end_line: Some(last).filter(|last| *last != first),
            ..place
        })
    }
}

/// The lines in which `quote` stands first, from 1; within the lines that are `named`, where some are.
fn lines_of(text: &str, quote: &str, named: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let line_at = |at: usize| {
        let breaks = text[..at].bytes().filter(|byte| *byte == b'\n').count();
        u32::try_from(breaks + 1).unwrap_or(u32::MAX)
    };
    let places = text.match_indices(quote).map(|(at, _)| {
        let last = line_at(at + quote.len().saturating_sub(1));
        (line_at(at), last)
    });
    let fits =
        |(first, last): &(u32, u32)| named.is_none_or(|(from, to)| *first >= from && *last <= to);
    let mut places = places.take(10_000).filter(fits);
    places.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_which_lines_are_meant() {
        let text = "one two\nthree\ntwo four\nfive\n";
        assert_eq!(lines_of(text, "two", None), Some((1, 1)));
        assert_eq!(lines_of(text, "two", Some((2, 3))), Some((3, 3)));
        assert_eq!(lines_of(text, "two\nthree\ntwo", None), Some((1, 3)));
        assert_eq!(lines_of(text, "three\n", None), Some((2, 2)));
        for (quote, named) in [
            ("six", None),
            ("five", Some((1, 3))),
            ("three\ntwo", Some((2, 2))),
        ] {
            assert_eq!(lines_of(text, quote, named), None, "{quote}");
        }
    }
}
