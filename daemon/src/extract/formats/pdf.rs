//! PDF (ISO 32000-2).

use std::{
    io::{self, Write},
    panic::AssertUnwindSafe,
};

use countersign_protocol::content::{Body, Cut, CutReason, FindingCode, Pdf, Place};
use pdf_extract::{Dictionary, Document, Error, Object, PlainTextOutput, output_doc_page};

use super::{Bytes, Draft, all, cut, damaged, xref};

/// Most bytes of a file that is read: its objects take several times as much in memory.
const SIZE: u64 = 64 << 20;
/// Most pages whose text is read.
const PAGES: u32 = 2_000;
/// How deep objects are looked into for what a PDF would do.
const DEPTH: u32 = 16;

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let bytes = all(file, SIZE)?;
    let mut facts = Pdf::default();
    draft.content.body = Body::Pdf(facts.clone());
    let opened = Document::load_mem(&bytes);
    let is_empty = |opened: &Result<Document, Error>| {
        opened
            .as_ref()
            .is_ok_and(|document| document.get_pages().is_empty())
    };
    let is_locked = |opened: &Result<Document, Error>| {
        matches!(opened, Err(Error::InvalidPassword | Error::Decryption(_)))
    };
    let mut repaired = None;
    if (opened.is_err() && !is_locked(&opened)) || is_empty(&opened) {
        let rebuilt = xref::rebuild(&bytes).map(|rebuilt| Document::load_mem(&rebuilt));
        repaired =
            rebuilt.filter(|rebuilt| is_locked(rebuilt) || (rebuilt.is_ok() && !is_empty(rebuilt)));
    }
    drop(bytes);
    if repaired.is_some() {
        draft.content.find(
            FindingCode::Repaired,
            "Its table of objects is wrong. What is shown was found without it; other programs may show something else.",
        );
    }
    let mut document = match repaired.unwrap_or(opened) {
        Ok(document) => document,
        Err(Error::InvalidPassword | Error::Decryption(_)) => {
            facts.encrypted = true;
            draft.content.body = Body::Pdf(facts);
            return Err(locked(draft));
        }
        Err(error) => return Err(damaged(error)),
    };
    // Many files are encrypted with no password, so that viewers hold to what the author allows.
    facts.encrypted = document.is_encrypted() || document.was_encrypted();
    if document.is_encrypted() && document.decrypt("").is_err() {
        draft.content.body = Body::Pdf(facts);
        return Err(locked(draft));
    }
    if facts.encrypted {
        draft.content.find(
            FindingCode::Encrypted,
            "It is encrypted, with an empty password.",
        );
    }
    let deeds = Deeds::of(&document);
    facts.javascript = deeds.javascript;
    facts.title = title(&document);
    facts.pages = u32::try_from(document.get_pages().len()).unwrap_or(u32::MAX);
    let pages = facts.pages;
    draft.content.body = Body::Pdf(facts);
    for (does, code, words) in [
        (
            deeds.javascript,
            FindingCode::JavaScript,
            "It carries JavaScript, which is not run here.",
        ),
        (
            deeds.launches,
            FindingCode::OpenAction,
            "It would start a program or send data when it is opened or clicked.",
        ),
        (
            deeds.files,
            FindingCode::EmbeddedFiles,
            "It carries other files.",
        ),
    ] {
        if does {
            draft.content.find(code, words);
        }
    }
    if pages == 0 {
        return Err(damaged("it has no pages"));
    }
    let mut broken = 0;
    for page in 1..=pages.min(PAGES) {
        match text(&document, page, draft.room()) {
            Some(text) => {
                if !draft.say(Place::Page { page }, text) {
                    return Ok(());
                }
            }
            None => broken += 1,
        }
    }
    if pages > PAGES {
        let message = format!("It has {pages} pages; the text of the first {PAGES} is read.");
        draft.content.cut(CutReason::TooMany, message);
    }
    if broken > 0 {
        let message = format!("The text of {broken} of its {pages} pages cannot be read.");
        draft.content.cut(CutReason::Damaged, message);
    }
    Ok(())
}

fn locked(draft: &mut Draft) -> Cut {
    draft
        .content
        .find(FindingCode::Encrypted, "It needs a password.");
    cut(
        CutReason::Encrypted,
        "It needs a password, so its text cannot be read.",
    )
}

/// The words of a page; `None` when its reader fails on it. That one may panic on odd pages, which then
/// costs that page.
fn text(document: &Document, page: u32, room: usize) -> Option<String> {
    let mut room = Room {
        bytes: Vec::new(),
        left: room + 1,
    };
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut output = PlainTextOutput::new(&mut room as &mut dyn Write);
        output_doc_page(document, &mut output, page)
    }));
    let is_whole = matches!(read, Ok(Ok(())));
    let text = String::from_utf8_lossy(&room.bytes);
    // Blank lines stand for nothing but the distance on the page.
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    (is_whole || room.left == 0 || !lines.is_empty()).then(|| lines.join("\n"))
}

/// Takes only so many bytes.
struct Room {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left);
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.left -= taken;
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let (_, info) = document.dereference(info).ok()?;
    let title = info.as_dict().ok()?.get(b"Title").ok()?;
    let (_, title) = document.dereference(title).ok()?;
    let title = pdf_extract::decode_text_string(title).ok()?;
    let title: String = title.trim().chars().take(300).collect();
    (!title.is_empty()).then_some(title)
}

/// What the file would do in a viewer that lets it.
#[derive(Default)]
struct Deeds {
    javascript: bool,
    launches: bool,
    files: bool,
}

impl Deeds {
    fn of(document: &Document) -> Self {
        let mut deeds = Self::default();
        for object in document.objects.values() {
            deeds.look(object, DEPTH);
        }
        deeds
    }

    fn look(&mut self, object: &Object, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match object {
            Object::Dictionary(dictionary) => self.look_in(dictionary, depth),
            Object::Stream(stream) => self.look_in(&stream.dict, depth),
            Object::Array(items) => items.iter().for_each(|item| self.look(item, depth)),
            _ => {}
        }
    }

    fn look_in(&mut self, dictionary: &Dictionary, depth: u32) {
        for (key, value) in dictionary {
            match (key.as_slice(), value) {
                (b"JS" | b"JavaScript", _) => self.javascript = true,
                (b"S", Object::Name(name)) => match name.as_slice() {
                    b"JavaScript" => self.javascript = true,
                    b"Launch" | b"SubmitForm" | b"ImportData" => self.launches = true,
                    _ => {}
                },
                (b"EmbeddedFiles" | b"EF", _) => self.files = true,
                _ => {}
            }
            self.look(value, depth);
        }
    }
}
