//! What a reviewer should know of a file, and why something of it is not shown.

use serde::{Deserialize, Serialize};

use super::Place;

/// Something about a file that a reviewer should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Which.
    pub code: FindingCode,
    /// The sentence for people.
    pub message: String,
    /// Where, when it is at one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// The findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// It carries macros.
    Macros,
    /// It would fetch files or addresses when opened.
    ExternalLinks,
    /// Cells that a spreadsheet program would run when it opens the CSV file.
    CsvInjection,
    /// Hidden sheets or slides.
    HiddenParts,
    /// It carries JavaScript.
    #[serde(rename = "javascript")]
    JavaScript,
    /// It would start a program or open an address by itself.
    OpenAction,
    /// It carries other files.
    EmbeddedFiles,
    /// It needs a password.
    Encrypted,
    /// Its metadata say where it was taken.
    Gps,
    /// It is an image with more pixels than are shown.
    TooManyPixels,
    /// Tracked changes or comments are in it.
    TrackedChanges,
    /// An archive entry would be written outside of its folder.
    LeavesFolder,
    /// An archive entry is a link.
    Links,
    /// It unpacks to over a hundred times its size.
    Ratio,
    /// An archive in an archive.
    Nested,
    /// It is, or holds, a program.
    Executable,
    /// Characters that a reader does not see.
    HiddenCharacters,
    /// Cells were run in another order than they stand, or some were left out.
    ExecutionOrder,
    /// It holds scripts, which are not run here.
    Scripts,
    /// It is not what its name says.
    NameDiffers,
    /// Some bytes of a text are no characters in its encoding.
    WrongBytes,
    /// Its structure is damaged, and what is shown was found without it.
    Repaired,
    /// Programs that open it may show something else: two parts of one name, or names that contradict.
    Ambiguous,
    /// It has something that is not shown, such as pictures in a document.
    NotShown,
}

/// Why something of a file is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cut {
    /// Which limit, or what was wrong.
    pub reason: CutReason,
    /// The sentence for people.
    pub message: String,
}

/// The reasons for which something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CutReason {
    /// The file is larger than what is read of its kind.
    TooLarge,
    /// There is more text than is kept of one file.
    TooMuchText,
    /// There are more entries, rows, cells or pages than are read.
    TooMany,
    /// It unpacks to more than is read.
    TooMuchUnpacked,
    /// Reading it took too long.
    Time,
    /// Reading it took too much memory.
    Memory,
    /// It is damaged, or not what it says it is.
    Damaged,
    /// It needs a password.
    Encrypted,
    /// It nests deeper than is read, or defines entities, which are not expanded.
    Refused,
    /// The program that reads it ended on it.
    Crashed,
    /// Some of it is in a form that is not read, or is not where the file says.
    NotRead,
    /// This machine cannot read such files safely, or a program that is needed is not here.
    Unavailable,
}

impl CutReason {
    /// Whether trying again later might go better: the cause was this machine, not the file.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
