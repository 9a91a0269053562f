//! The readers of each format. They run only in a child that gave everything up, so a reader that
//! panics, loops or fills the memory ends with its file.

mod archive;
mod directory;
mod email;
mod exif;
mod html;
mod image;
mod media;
mod mp3;
mod mp4;
mod notebook;
mod ooxml;
mod package;
mod packed;
mod pdf;
mod slides;
mod tarball;
mod webm;
mod word;
mod workbook;
mod xref;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use countersign_protocol::{
    Digest,
    content::{Binary, Body, Content, Cut, CutReason, FileType, Kind, Place, Segment},
};

/// Most text that is kept of one file, in bytes.
pub(super) const TEXT: usize = 8 << 20;

/// A file that can be read anywhere.
pub(super) trait Bytes: Read + Seek {}
impl<T: Read + Seek> Bytes for T {}

/// What is read so far.
pub(super) struct Draft {
    pub(super) content: Content,
    /// How much more text is kept, in bytes.
    room: usize,
}

impl Draft {
    /// Adds text, as much of it as is kept; says whether all of it was.
    pub(super) fn say(&mut self, place: Place, text: impl Into<String>) -> bool {
        let mut text = text.into();
        let whole = text.len() <= self.room;
        if !whole {
            text.truncate(text.floor_char_boundary(self.room));
            self.content.cut(
                CutReason::TooMuchText,
                format!(
                    "It has more than the {} MiB of text that are kept of one file.",
                    TEXT >> 20
                ),
            );
        }
        self.room -= text.len();
        if !text.trim().is_empty() {
            self.content.text.push(Segment::new(place, text));
        }
        whole
    }

    /// How much more text is kept, in bytes.
    pub(super) fn room(&self) -> usize {
        self.room
    }
}

pub(super) fn cut(reason: CutReason, message: impl Into<String>) -> Cut {
    Cut {
        reason,
        message: message.into(),
    }
}

/// What is said of a file that breaks the rules of its format.
pub(super) fn damaged(error: impl std::fmt::Display) -> Cut {
    let mut error = error.to_string();
    error.truncate(error.floor_char_boundary(200));
    cut(
        CutReason::Damaged,
        format!("It is damaged, or not what it says it is: {error}."),
    )
}

/// Reads `file`, which begins like a `file_type`.
pub(super) fn content(file_type: FileType, file: impl Bytes) -> Content {
    let mut file = std::io::BufReader::with_capacity(64 * 1024, file);
    let mut draft = Draft {
        content: Content {
            file_type,
            size: 0,
            body: Body::Binary(Binary::default()),
            text: Vec::new(),
            findings: Vec::new(),
            cut: None,
        },
        room: TEXT,
    };
    let read = begin(&mut file, &mut draft.content).and_then(|()| dispatch(&mut file, &mut draft));
    if let Err(Cut { reason, message }) = read {
        draft.content.cut(reason, message);
    }
    draft.content
}

/// Size and first bytes, before any format is looked at.
fn begin(file: &mut dyn Bytes, content: &mut Content) -> Result<(), Cut> {
    content.size = file.seek(SeekFrom::End(0)).map_err(damaged)?;
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let mut head = Vec::new();
    file.take(Binary::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(damaged)?;
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    content.body = Body::Binary(Binary::of(&head, false));
    Ok(())
}

fn dispatch(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    match draft.content.file_type.kind {
        Kind::Pdf => pdf::read(file, draft),
        Kind::Document | Kind::Workbook | Kind::Presentation | Kind::Zip => {
            archive::zip(file, draft)
        }
        Kind::Tar => {
            tarball::read(file, draft);
            Ok(())
        }
        Kind::Gzip | Kind::Packed => packed::read(file, draft),
        Kind::Html => html::read(file, draft),
        Kind::Notebook => notebook::read(file, draft),
        Kind::Email => email::read(file, draft),
        Kind::Image => image::read(file, draft),
        Kind::Audio | Kind::Video => media::read(file, draft),
        Kind::Empty | Kind::Text | Kind::Svg | Kind::Program | Kind::Binary => Ok(()),
    }
}

/// All of `file`, when it is not larger than `most` bytes.
pub(super) fn all(file: &mut dyn Bytes, most: u64) -> Result<Vec<u8>, Cut> {
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(damaged)?;
    if bytes.len() as u64 > most {
        let message = format!(
            "It is larger than the {} MiB that are read of its kind.",
            most >> 20
        );
        return Err(cut(CutReason::TooLarge, message));
    }
    Ok(bytes)
}

/// Draws the picture in `file` anew, at most `side` pixels wide and high, as PNG.
pub(super) fn picture(file: File, side: u32, output: Option<Digest>) -> Result<Vec<u8>, Cut> {
    let mut file = std::io::BufReader::new(file);
    match output {
        None => image::draw(&mut file, side),
        Some(sha256) => {
            let bytes = notebook::output(&mut file, sha256)?;
            image::draw(&mut std::io::Cursor::new(bytes), side)
        }
    }
}
