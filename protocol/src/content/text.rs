//! Text with its place, and how a text file is written.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where in a file some text stands. Numbers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum Place {
    /// The file as a whole; its first line is line 1.
    Whole,
    /// A page of a PDF.
    Page {
        /// Its number.
        page: u32,
    },
    /// A row of a sheet.
    Row {
        /// Name of the sheet.
        sheet: String,
        /// Its number.
        row: u32,
    },
    /// A slide.
    Slide {
        /// Its number.
        slide: u32,
        /// Whether these are the speaker's notes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        notes: bool,
    },
    /// A cell of a notebook.
    Cell {
        /// Its number.
        cell: u32,
        /// Whether this is what running it gave.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        output: bool,
    },
    /// A member of an archive; its first line is line 1.
    Member {
        /// Its path as the archive has it.
        path: String,
    },
    /// A header field of a message.
    Header {
        /// Its name, lower case.
        name: String,
    },
    /// A part of a document beside its running text.
    Part {
        /// Which: `comments`, `footnotes`, `headers`.
        part: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Page { page } => write!(f, "page {page}"),
            Self::Row { sheet, row } => write!(f, "{sheet}, row {row}"),
            Self::Slide { slide, notes } => {
                write!(f, "slide {slide}{}", if *notes { ", notes" } else { "" })
            }
            Self::Cell { cell, output } => {
                write!(f, "cell {cell}{}", if *output { ", output" } else { "" })
            }
            Self::Member { path } => f.write_str(path),
            Self::Header { name } => write!(f, "header {name}"),
            Self::Part { part } => f.write_str(part),
        }
    }
}

/// Some text with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Segment {
    /// Where it stands.
    pub place: Place,
    /// The words, with line breaks as `\n`.
    pub text: String,
}

impl Segment {
    /// `text` at `place`.
    pub fn new(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            text: text.into(),
        }
    }
}

/// How the characters of a text are written as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Charset {
    /// Bytes below 128 only.
    #[default]
    Ascii,
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, least significant byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, most significant byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Western European: a guess, like all that follow but ISO-2022-JP.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Central European.
    #[serde(rename = "windows-1250")]
    Windows1250,
    /// Cyrillic.
    #[serde(rename = "windows-1251")]
    Windows1251,
    /// Greek.
    #[serde(rename = "windows-1253")]
    Windows1253,
    /// Turkish.
    #[serde(rename = "windows-1254")]
    Windows1254,
    /// Hebrew.
    #[serde(rename = "windows-1255")]
    Windows1255,
    /// Arabic.
    #[serde(rename = "windows-1256")]
    Windows1256,
    /// Baltic.
    #[serde(rename = "windows-1257")]
    Windows1257,
    /// Vietnamese.
    #[serde(rename = "windows-1258")]
    Windows1258,
    /// Thai.
    #[serde(rename = "windows-874")]
    Windows874,
    /// Central European.
    #[serde(rename = "iso-8859-2")]
    Iso8859_2,
    /// Baltic.
    #[serde(rename = "iso-8859-4")]
    Iso8859_4,
    /// Cyrillic.
    #[serde(rename = "iso-8859-5")]
    Iso8859_5,
    /// Arabic.
    #[serde(rename = "iso-8859-6")]
    Iso8859_6,
    /// Greek.
    #[serde(rename = "iso-8859-7")]
    Iso8859_7,
    /// Hebrew.
    #[serde(rename = "iso-8859-8")]
    Iso8859_8,
    /// Cyrillic, KOI8-R included.
    #[serde(rename = "koi8-u")]
    Koi8,
    /// Cyrillic of DOS.
    #[serde(rename = "ibm866")]
    Ibm866,
    /// Japanese.
    #[serde(rename = "shift_jis")]
    ShiftJis,
    /// Japanese.
    #[serde(rename = "euc-jp")]
    EucJp,
    /// Japanese of mail, by escape sequences.
    #[serde(rename = "iso-2022-jp")]
    Iso2022Jp,
    /// Korean.
    #[serde(rename = "euc-kr")]
    EucKr,
    /// Chinese, GBK included.
    #[serde(rename = "gb18030")]
    Gb18030,
    /// traditional Chinese.
    #[serde(rename = "big5")]
    Big5,
}

impl Charset {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Windows1252 => "Windows-1252 (guessed)",
            Self::Windows1250 => "Windows-1250 (guessed)",
            Self::Windows1251 => "Windows-1251 (guessed)",
            Self::Windows1253 => "Windows-1253 (guessed)",
            Self::Windows1254 => "Windows-1254 (guessed)",
            Self::Windows1255 => "Windows-1255 (guessed)",
            Self::Windows1256 => "Windows-1256 (guessed)",
            Self::Windows1257 => "Windows-1257 (guessed)",
            Self::Windows1258 => "Windows-1258 (guessed)",
            Self::Windows874 => "Windows-874 (guessed)",
            Self::Iso8859_2 => "ISO-8859-2 (guessed)",
            Self::Iso8859_4 => "ISO-8859-4 (guessed)",
            Self::Iso8859_5 => "ISO-8859-5 (guessed)",
            Self::Iso8859_6 => "ISO-8859-6 (guessed)",
            Self::Iso8859_7 => "ISO-8859-7 (guessed)",
            Self::Iso8859_8 => "ISO-8859-8 (guessed)",
            Self::Koi8 => "KOI8 (guessed)",
            Self::Ibm866 => "IBM866 (guessed)",
            Self::ShiftJis => "Shift-JIS (guessed)",
            Self::EucJp => "EUC-JP (guessed)",
            Self::Iso2022Jp => "ISO-2022-JP",
            Self::EucKr => "EUC-KR (guessed)",
            Self::Gb18030 => "GB18030 (guessed)",
            Self::Big5 => "Big5 (guessed)",
        }
    }
}

/// How often each way to end a line occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineEndings {
    /// `\n`.
    pub lf: u64,
    /// `\r\n`.
    pub crlf: u64,
    /// `\r` alone.
    pub cr: u64,
}

impl LineEndings {
    /// Counts them in `text`.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut endings = Self::default();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if at > 0 && bytes[at - 1] == b'\r' => endings.crlf += 1,
                b'\n' => endings.lf += 1,
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => endings.cr += 1,
                _ => {}
            }
        }
        endings
    }

    /// The name for people: `LF`, `CRLF`, `CR`, `mixed`, or `none` for a single line.
    pub fn name(self) -> &'static str {
        match (self.lf > 0, self.crlf > 0, self.cr > 0) {
            (false, false, false) => "none",
            (true, false, false) => "LF",
            (false, true, false) => "CRLF",
            (false, false, true) => "CR",
            _ => "mixed",
        }
    }
}

/// How a text file is written. What it says is in [`super::Content::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Text {
    /// How characters are written.
    pub charset: Charset,
    /// Whether it begins with a byte order mark.
    pub bom: bool,
    /// How lines end.
    pub endings: LineEndings,
    /// How many lines were read, the last one counted even when nothing ends it.
    pub lines: u64,
    /// The longest of them, in bytes of UTF-8.
    pub longest_line: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_endings_are_counted_each() {
        for (text, name) in [
            ("one line", "none"),
            ("a\nb\n", "LF"),
            ("a\r\nb\r\n", "CRLF"),
            ("a\rb\r", "CR"),
            ("a\r\nb\n", "mixed"),
            ("a\r\r\n", "mixed"),
        ] {
            assert_eq!(LineEndings::of(text).name(), name, "{text:?}");
        }
        let endings = LineEndings::of("a\n\r\n\r");
        assert_eq!((endings.lf, endings.crlf, endings.cr), (1, 1, 1));
    }

    #[test]
    fn a_place_reads_as_words() {
        let place = Place::Row {
            sheet: "Q3".into(),
            row: 7,
        };
        assert_eq!(place.to_string(), "Q3, row 7");
        let notes = Place::Slide {
            slide: 2,
            notes: true,
        };
        assert_eq!(notes.to_string(), "slide 2, notes");
    }
}
