//! What a file is and says, read from its bytes: the model that previews and search share.
//!
//! Everything here was read from bytes that an agent wrote, so all of it is a claim: show it as inert
//! text. Lists and texts are bounded by whoever read the file; [`Content::cut`] says that and why
//! something is missing.

mod archive;
mod document;
mod encoding;
mod finding;
mod media;
mod sniff;
mod table;
mod text;

use serde::{Deserialize, Serialize};

pub use self::{
    archive::{Archive, Entry, EntryFlag, EntryKind},
    document::{
        Attachment, CellKind, Document, Email, Html, Notebook, NotebookCell, Output, OutputImage,
        Pdf, Presentation,
    },
    encoding::{Decoded, decode, decode_as},
    finding::{Cut, CutReason, Finding, FindingCode},
    media::{Binary, Image, Media, Picture},
    sniff::{SNIFFED, sniff},
    table::{Cell, CellType, Sheet, Workbook},
    text::{Charset, LineEndings, Place, Segment, Text},
};

/// What a file is, by its content. The name only chooses among kinds of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No bytes.
    Empty,
    /// Text of any sort that has no kind of its own: code, Markdown, CSV, JSON, logs.
    Text,
    /// An HTML page.
    Html,
    /// A drawing in SVG: text that a browser may draw, and that can carry scripts.
    Svg,
    /// A Jupyter notebook.
    Notebook,
    /// A message as RFC 5322 has it.
    Email,
    /// A PDF.
    Pdf,
    /// A word-processing document (DOCX).
    Document,
    /// A workbook (XLSX).
    Workbook,
    /// Slides (PPTX).
    Presentation,
    /// A zip archive that is none of the above.
    Zip,
    /// A tar archive.
    Tar,
    /// One file, or a tar archive, packed with gzip.
    Gzip,
    /// One file, or a tar archive, packed with bzip2, xz or Zstandard.
    Packed,
    /// A picture that browsers show and that cannot carry scripts: PNG, JPEG, GIF, WebP.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures, or a container that may have them.
    Video,
    /// A program or a library of any system.
    Program,
    /// Anything else.
    Binary,
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty file",
            Self::Text => "text",
            Self::Html => "HTML page",
            Self::Svg => "SVG drawing",
            Self::Notebook => "notebook",
            Self::Email => "e-mail message",
            Self::Pdf => "PDF document",
            Self::Document => "text document",
            Self::Workbook => "workbook",
            Self::Presentation => "presentation",
            Self::Zip => "zip archive",
            Self::Tar => "tar archive",
            Self::Gzip => "gzip archive",
            Self::Packed => "packed file",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Program => "program",
            Self::Binary => "binary file",
        }
    }

    /// Whether the file itself is text that people read in an editor.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Empty | Self::Text | Self::Html | Self::Svg | Self::Notebook | Self::Email
        )
    }
}

/// What a file is, before anything in it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileType {
    /// The kind.
    pub kind: Kind,
    /// The media type, for example `application/pdf`; for text the name helped to find it.
    pub media_type: String,
    /// For people: `ELF program or library`.
    pub name: String,
}

/// All that was read from one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Content {
    /// What it is.
    #[serde(flatten)]
    pub file_type: FileType,
    /// Its size in bytes.
    pub size: u64,
    /// What is particular to its kind.
    pub body: Body,
    /// The words in it, each with its place, in reading order: what search finds and a text diff
    /// compares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Segment>,
    /// What a reviewer should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Why something is missing, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

impl Content {
    /// All text as one, a line break between segments.
    pub fn joined_text(&self) -> String {
        let mut joined = String::new();
        for segment in &self.text {
            if !joined.is_empty() && !joined.ends_with('\n') {
                joined.push('\n');
            }
            joined.push_str(&segment.text);
        }
        joined
    }

    /// Adds a finding.
    pub fn find(&mut self, code: FindingCode, message: impl Into<String>) {
        self.findings.push(Finding {
            code,
            message: message.into(),
            place: None,
        });
    }

    /// Notes the first reason for which something is missing; a later one changes nothing.
    pub fn cut(&mut self, reason: CutReason, message: impl Into<String>) {
        self.cut.get_or_insert_with(|| Cut {
            reason,
            message: message.into(),
        });
    }
}

/// What is particular to a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Body {
    /// Text, SVG included.
    Text(Text),
    /// A page.
    Html(Html),
    /// A notebook.
    Notebook(Notebook),
    /// A message.
    Email(Email),
    /// A PDF.
    Pdf(Pdf),
    /// A document.
    Document(Document),
    /// A workbook.
    Workbook(Workbook),
    /// Slides.
    Presentation(Presentation),
    /// An archive.
    Archive(Archive),
    /// A picture.
    Image(Image),
    /// Sound or moving pictures.
    Media(Media),
    /// Something that is only described. Also the body of a file that could not be read.
    Binary(Binary),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            file_type: FileType {
                kind: Kind::Pdf,
                media_type: "application/pdf".into(),
                name: "PDF document".into(),
            },
            size: 12,
            body: Body::Pdf(Pdf {
                pages: 2,
                ..Pdf::default()
            }),
            text: vec![
                Segment::new(Place::Page { page: 1 }, "one"),
                Segment::new(Place::Page { page: 2 }, "two\n"),
                Segment::new(Place::Whole, "end"),
            ],
            findings: Vec::new(),
            cut: None,
        }
    }

    #[test]
    fn it_crosses_a_wire_unchanged() {
        let mut content = content();
        content.find(FindingCode::JavaScript, "It carries JavaScript.");
        content.cut(CutReason::Time, "It took too long.");
        content.cut(CutReason::Memory, "later");
        let json = serde_json::to_value(&content).unwrap();
        assert_eq!(json["kind"], "pdf");
        assert_eq!(json["body"]["is"], "pdf");
        assert_eq!(json["text"][0]["place"]["page"], 1);
        assert_eq!(json["cut"]["reason"], "time");
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), content);
    }

    #[test]
    fn segments_join_with_one_line_break() {
        assert_eq!(content().joined_text(), "one\ntwo\nend");
    }
}
