//! The words of messages about a workspace that changes hands.

use crate::{config::Disclosure, message::Notice};

/// The line that says it, for kinds about ownership. `is_mine` when the reader is asked.
pub(super) fn heading(told: &Notice, is_mine: bool, level: Disclosure) -> Option<String> {
    let kind = told.kind.strip_prefix("ownership-")?;
    if level == Disclosure::LinkOnly {
        let words = match kind {
            "offered" => "A workspace waits for an answer",
            _ => "News of a workspace",
        };
        return Some(words.to_owned());
    }
    let place = match told.workspace.as_str() {
        "" => "a workspace",
        name => name,
    };
    let by = told.by.as_deref().unwrap_or("Somebody");
    let to = told.to.as_deref().unwrap_or("somebody");
    Some(match kind {
        "offered" if is_mine => format!("{by} offers you {place}"),
        "offered" => format!("{by} offers {place} to {to}"),
        "accepted" => format!("{by} took over {place}"),
        "declined" => format!("{by} does not take over {place}"),
        "withdrawn" => format!("{by} took the offer of {place} back"),
        _ => format!("Nobody took over {place} in time"),
    })
}

/// What it means for the reader.
pub(super) fn intro(kind: &str) -> Option<&'static str> {
    Some(match kind.strip_prefix("ownership-")? {
        "offered" => {
            "Whoever takes it over has all files in it, and agents may only read there until it is given back. \
             The link opens a page; nothing changes until an answer is given on it."
        }
        "accepted" => {
            "Agents may only read there now, and their locks are released. The page says how far the files have followed."
        }
        "declined" => "It stays as it was, and can be offered to somebody else.",
        "withdrawn" => "There is nothing left to answer.",
        _ => "The offer is over. It stays as it was, and can be offered again.",
    })
}
