//! Names that are nearly those of a handoff: an agent or a sync program got one wrong, and would wait for ever.

use crate::{Digest, names};

/// Longest part of a name that is kept for the name of its answer, in bytes.
const MAX_STEM: usize = 150;

/// The mistake in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misnamed {
    /// Capital letters, as in `Handoff.json`.
    Case,
    /// A second ending, as in `handoff.json.txt`.
    Ending,
    /// A copy made by a program, as in `handoff (1).json`.
    Copy,
    /// A number, as in `handoff-2.json`. It may be meant, where a handoff stands beside it.
    Numbered,
    /// More than [`names::MAX_NAME`] bytes.
    Long,
}

impl Misnamed {
    /// What is wrong, as a sentence about the name.
    pub fn message(self) -> &'static str {
        match self {
            Self::Case => "is not read: the name of a handoff has no capital letters",
            Self::Ending => "is not read: it has a second ending",
            Self::Copy => {
                "is not read: it has the name of a copy, as browsers and sync programs make them"
            }
            Self::Numbered => "is not read: it has a number in its name",
            Self::Long => {
                "is not read: the name of a handoff has at most 200 bytes, so that those of its answers fit"
            }
        }
    }
}

/// Returns the mistake in `name`, a single path part, and the name that was probably meant. Names of temporary files
/// and of files that are put aside have none.
///
/// ```
/// use countersign_protocol::misnamed::{Misnamed, misnamed};
/// let found = misnamed("Handoff.json");
/// assert_eq!(found, Some((Misnamed::Case, "handoff.json".to_owned())));
/// assert_eq!(misnamed("handoff.json"), None);
/// assert_eq!(misnamed("handoff.json.bak"), None);
/// ```
pub fn misnamed(name: &str) -> Option<(Misnamed, String)> {
    if name.starts_with(['.', '~', '#']) || name.chars().any(|c| c.is_control() || c == '/') {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let (start, ending) = lower.rsplit_once('.')?;
    if !matches!(ending, "json" | "yaml" | "yml" | "txt") || lower.ends_with(".errors.json") {
        return None;
    }
    // Only the last part is compared without regard to case: what stands before it is the agent's own.
    let own = |meant: &str| {
        let kept = name.len().min(meant.len()) - meant.len().min(last(meant).len());
        match name.get(..kept) {
            Some(kept) if kept.eq_ignore_ascii_case(&meant[..kept.len()]) => {
                format!("{kept}{}", last(meant))
            }
            _ => meant.to_owned(),
        }
    };
    if is_handoff(&lower) {
        if name.len() > names::MAX_NAME {
            return Some((Misnamed::Long, "handoff.json".to_owned()));
        }
        let meant = own(&lower);
        return (meant != name).then_some((Misnamed::Case, meant));
    }
    if is_handoff(start) {
        return Some((Misnamed::Ending, own(start)));
    }
    let (mistake, stem) = copied(start)?;
    let meant = format!("{stem}.{ending}");
    is_handoff(&meant).then(|| (mistake, own(&meant)))
}

/// Returns the name of the errors file for a misnamed document.
pub(crate) fn errors_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if name.len() <= names::MAX_NAME {
        return format!("{stem}.errors.json");
    }
    let mut end = MAX_STEM;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let digest = Digest::of(name.as_bytes()).short();
    format!("{}-{digest}.handoff.errors.json", &name[..end])
}

/// Whether `name`, without capital letters, ends as that of a handoff does.
fn is_handoff(name: &str) -> bool {
    let rest = name.strip_suffix(last(name)).unwrap_or_default();
    matches!(last(name), "handoff.json" | "handoff.yaml" | "handoff.yml")
        && (rest.is_empty() || rest.len() > 1)
}

/// Returns the last two parts of a name: that of the document without what the agent calls it.
fn last(name: &str) -> &str {
    let parts = name.rmatch_indices('.').nth(1);
    parts.map_or(name, |(at, _)| &name[at + 1..])
}

/// Returns the stem of which `stem`, without its ending, is a copy.
fn copied(stem: &str) -> Option<(Misnamed, &str)> {
    if let Some(of) = stem.strip_prefix("copy of ") {
        return Some((Misnamed::Copy, of));
    }
    if let Some((of, _)) = stem.split_once(".sync-conflict-") {
        return Some((Misnamed::Copy, of));
    }
    let is_number = |text: &str| {
        (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some((of, inside)) = stem.strip_suffix(')').and_then(|stem| stem.split_once('(')) {
        let is_copy = is_number(inside) || inside.contains("conflict") || inside.contains("copy");
        let of = of.trim_end();
        // As in `handoff - Copy (2)`.
        let of = copied(of).map_or(of, |(_, of)| of);
        return is_copy.then_some((Misnamed::Copy, of));
    }
    for word in ["copy", "kopie", "copie", "copia", "conflict"] {
        if let Some(of) = stem.strip_suffix(word) {
            let of = of.trim_end_matches([' ', '-', '_', '.']);
            return (of.len() + word.len() < stem.len()).then_some((Misnamed::Copy, of));
        }
    }
    let (of, number) = stem.rsplit_once(['-', '_', ' '])?;
    if !is_number(number) {
        return None;
    }
    match copied(of) {
        Some((Misnamed::Copy, of)) => Some((Misnamed::Copy, of)),
        _ => Some((Misnamed::Numbered, of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Misnamed::*;

    #[test]
    fn mistakes_are_told_apart() {
        for (name, mistake, meant) in [
            ("Handoff.json", Case, "handoff.json"),
            ("HANDOFF.JSON", Case, "handoff.json"),
            ("handoff.JSON", Case, "handoff.json"),
            ("Handoff.Yaml", Case, "handoff.yaml"),
            ("Q3.Handoff.json", Case, "Q3.handoff.json"),
            ("handoff.json.txt", Ending, "handoff.json"),
            ("handoff.json.json", Ending, "handoff.json"),
            ("handoff.yaml.txt", Ending, "handoff.yaml"),
            ("q3.handoff.json.txt", Ending, "q3.handoff.json"),
            ("handoff (1).json", Copy, "handoff.json"),
            ("handoff(2).yaml", Copy, "handoff.yaml"),
            ("q3.handoff (1).json", Copy, "q3.handoff.json"),
            ("handoff - Copy.json", Copy, "handoff.json"),
            ("handoff - Copy (2).json", Copy, "handoff.json"),
            ("handoff copy.json", Copy, "handoff.json"),
            ("handoff copy 2.json", Copy, "handoff.json"),
            ("Copy of handoff.json", Copy, "handoff.json"),
            ("handoff - Kopie.json", Copy, "handoff.json"),
            ("handoff (conflicted copy).json", Copy, "handoff.json"),
            (
                "handoff (Anna's conflicted copy 2026-11-24).json",
                Copy,
                "handoff.json",
            ),
            (
                "handoff.sync-conflict-20261124-101500-ABCDEFG.json",
                Copy,
                "handoff.json",
            ),
            ("handoff-1.json", Numbered, "handoff.json"),
            ("handoff_2.yml", Numbered, "handoff.yml"),
            ("handoff 3.json", Numbered, "handoff.json"),
        ] {
            let found = misnamed(name);
            assert_eq!(found, Some((mistake, meant.to_owned())), "{name}");
            let errors = names::answers_for(name).errors;
            assert_eq!(misnamed(&errors), None, "{errors}");
            assert_eq!(names::is_document(&errors), None, "{errors}");
            assert!(names::is_own_file(&errors), "{errors}");
        }
        let long = format!("{}.handoff.json", "ü".repeat(110));
        assert_eq!(misnamed(&long).map(|(mistake, _)| mistake), Some(Long));
        let errors = names::answers_for(&long).errors;
        assert!(errors.len() <= 255 && names::is_own_file(&errors));
    }

    #[test]
    fn other_names_are_no_mistakes() {
        for name in [
            "handoff.json",
            "q3.handoff.yaml",
            "handoff.json.bak",
            "handoff.json.tmp",
            "handoff.json~",
            ".Handoff.json",
            "handoff.md",
            "handoff-notes.json",
            "handoff-v2-final.json",
            "my-handoff.json",
            "handoffs.json",
            "handoff-2026.json",
            "handoff.schema.json",
            "handoff.receipt.json",
            "handoff.errors.json",
            "decision.json",
            "Handoff.errors.json",
            "notes (1).json",
            "copy.json",
            "(1).json",
            "a/Handoff.json",
        ] {
            assert_eq!(misnamed(name), None, "{name}");
        }
    }
}
