//! Words that are kept ready for answers.

use countersign_protocol::{decision::Outcome, phrase::Phrase};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Words that are kept ready for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonRow {
    /// The name that agents get.
    pub name: String,
    /// The words, with `{what is filled in}`.
    #[schema(value_type = String)]
    pub words: Phrase,
    /// The answers it goes with.
    pub answers: Vec<Outcome>,
}

/// Puts words together: those of the reasons that were chosen, each with what its blanks were filled with, then `note`.
/// The error says what is missing.
pub fn worded(
    known: &[ReasonRow],
    chosen: &[(String, Vec<String>)],
    note: Option<&str>,
) -> Result<Option<String>, String> {
    let mut words = Vec::new();
    for (name, fill) in chosen {
        let reason = known.iter().find(|one| one.name == *name);
        let reason = reason.ok_or_else(|| format!("There is no reason `{name}` here"))?;
        let filled = reason.words.filled(fill);
        words.push(filled.map_err(|blank| format!("Fill in “{blank}”"))?);
    }
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    words.extend(note.map(str::to_owned));
    Ok((!words.is_empty()).then(|| words.join("\n\n")))
}
