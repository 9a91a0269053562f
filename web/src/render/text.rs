//! Bytes as text, and how they were written.

use countersign_protocol::content::{Charset, LineEndings};

pub use countersign_protocol::content::{Decoded, decode};

/// What changed in how the text is written, one sentence each.
pub fn changes(old: &Decoded<'_>, new: &Decoded<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    // ASCII is UTF-8: a first accent is no change of the encoding.
    let family = |charset| match charset {
        Charset::Ascii => Charset::Utf8,
        other => other,
    };
    if family(old.charset) != family(new.charset) && !old.text.is_empty() && !new.text.is_empty() {
        notes.push(format!(
            "The encoding changed from {} to {}.",
            old.charset.name(),
            new.charset.name()
        ));
    } else if old.bom != new.bom {
        notes.push(format!(
            "The byte order mark at its start was {}.",
            if new.bom { "added" } else { "removed" }
        ));
    }
    let before = LineEndings::of(&old.text).name();
    let now = LineEndings::of(&new.text).name();
    if before != now && before != "none" && now != "none" {
        notes.push(format!("Line ends changed from {before} to {now}."));
    } else if !old.text.is_empty()
        && !new.text.is_empty()
        && old.text.ends_with('\n') != new.text.ends_with('\n')
    {
        notes.push(if new.text.ends_with('\n') {
            "The last line has a line end now.".to_owned()
        } else {
            "The last line has no line end any more.".to_owned()
        });
    }
    notes
}

#[cfg(test)]
mod tests;
