//! Documents: PDF, word processing, slides, pages, notebooks and messages.
//!
//! What they say is in [`super::Content::text`]; here are the facts about them.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Facts about a PDF. Its text is one segment for each page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pdf {
    /// How many pages.
    pub pages: u32,
    /// Whether a password protects it.
    pub encrypted: bool,
    /// Whether it carries JavaScript.
    pub javascript: bool,
    /// Its title, as it states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Facts about a word-processing document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    /// Its title, as it states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many paragraphs of running text were read.
    pub paragraphs: u32,
    /// How many comments.
    pub comments: u32,
    /// How many tracked insertions and deletions.
    pub tracked_changes: u32,
    /// Whether it carries macros.
    pub macros: bool,
    /// Where it would fetch something from when opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_links: Vec<String>,
}

/// Facts about slides. Their text is one segment for each slide, and one for its notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presentation {
    /// Its title, as it states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many slides.
    pub slides: u32,
    /// Numbers of the slides that are not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<u32>,
    /// Whether it carries macros.
    pub macros: bool,
    /// Where it would fetch something from when opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_links: Vec<String>,
}

/// Facts about a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Html {
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many scripts it has.
    pub scripts: u32,
}

/// A notebook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notebook {
    /// The language of its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its cells in order.
    pub cells: Vec<NotebookCell>,
}

/// What a cell of a notebook is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// Code.
    #[default]
    Code,
    /// Markdown.
    Markdown,
    /// Anything else.
    Raw,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotebookCell {
    /// Its own id; newer notebooks have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is.
    pub kind: CellKind,
    /// What stands in it.
    pub source: String,
    /// Which run this was, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_count: Option<u64>,
    /// What running it gave. Nothing is run here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
}

/// What running a cell gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// `stdout`, `stderr`, `result`, `display` or `error`.
    pub name: String,
    /// The words; HTML is given as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<OutputImage>,
}

/// A picture among the outputs of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutputImage {
    /// As stated, for example `image/png`.
    pub media_type: String,
    /// Digest of its bytes.
    pub sha256: Digest,
    /// How many bytes.
    pub size: u64,
}

/// A message. Its text is a segment for each header that people read, then the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Email {
    /// Its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who it says it is from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// To whom, copies included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The date it states, as RFC 3339 when it can be read, else as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Whether the words come from an HTML part, since there is no plain one.
    pub from_html: bool,
    /// What is attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// What is attached to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Its name, as stated.
    pub name: String,
    /// Its media type, as stated.
    pub media_type: String,
    /// Decoded size in bytes.
    pub size: u64,
}
