//! Reads files that an agent wrote, for previews and search, so that a hostile one costs bounded time
//! and memory.
//!
//! Nothing that has a container format is parsed in this process. Each file is read by a child of its
//! own, made from our own program, that may use so much memory and processor time, sees no file system,
//! has no network and starts nothing (`sandbox`); it gets the bytes as its standard input and answers
//! on its standard output. One child for each file: what a file does to its reader ends with it. The
//! worst that a file achieves is a [`Cut`] with a reason.

#[cfg(feature = "failpoints")]
mod attempt;
mod cache;
mod formats;
mod plain;
mod run;
mod sandbox;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod worker;

use std::io;

use countersign_protocol::{
    Digest,
    content::{Binary, Body, Content, Cut, CutReason, FileType, Kind, Picture, SNIFFED, sniff},
};

pub use self::{
    cache::Cache,
    run::{Limits, Program},
    sandbox::{Guards, guards},
    slots::Urgency,
    source::Source,
    worker::{draws_pages, serve as serve_worker},
};
use self::{
    run::Death,
    slots::Slots,
    worker::{Answer, Job},
};
use crate::clock::SharedClock;

/// The longest side of a thumbnail, in pixels, unless the caller wants another.
pub const THUMBNAIL: u32 = 640;

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its path or name; it only helps to tell one text from another.
    pub name: &'a str,
    /// The digest of its bytes, when they cannot change: what was read is kept under it.
    pub sha256: Option<Digest>,
}

/// Which picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The image itself, made smaller.
    Image,
    /// A page of a PDF, from 1.
    Page(u32),
    /// The picture among the outputs of a notebook whose bytes have this digest.
    Output(Digest),
}

/// Reads files. Blocks: call it where waiting is fine.
#[derive(Debug)]
pub struct Extractor {
    program: Program,
    limits: Limits,
    slots: Slots,
    cache: Option<Cache>,
    clock: SharedClock,
}

impl Extractor {
    /// Reads with children made from `program`, at most `limits.workers` at a time.
    pub fn new(program: Program, limits: Limits, cache: Option<Cache>, clock: SharedClock) -> Self {
        Self {
            program,
            limits,
            slots: Slots::new(limits.workers, limits.waiting),
            cache,
            clock,
        }
    }

    /// What the file is and says. Never fails: what cannot be read is described, with the reason in
    /// [`Content::cut`]. `open` is called when the answer is not known yet.
    pub fn content(
        &self,
        subject: Subject<'_>,
        urgency: Urgency,
        open: impl FnOnce() -> io::Result<Source>,
    ) -> Content {
        let key = subject
            .sha256
            .map(|sha256| cache::content_key(sha256, subject.name));
        if let Some(known) = self.known(key.as_deref())
            && let Ok(content) = serde_json::from_slice(&known)
        {
            return content;
        }
        let opened = open().and_then(|mut source| {
            let (size, head) = (source.size()?, source.head(SNIFFED)?);
            Ok((source, size, head))
        });
        let (mut source, size, head) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let mut content = described(sniff(&[], false, subject.name), 0, &[]);
                content.cut(
                    CutReason::Unavailable,
                    format!("It cannot be read: {error}."),
                );
                return content;
            }
        };
        let file_type = sniff(&head, head.len() as u64 >= size, subject.name);
        match file_type.kind {
            Kind::Empty | Kind::Text | Kind::Svg => {
                return plain::content(file_type, size, &mut source);
            }
            Kind::Program | Kind::Binary => return described(file_type, size, &head),
            _ => {}
        }
        let job = Job::Content {
            file_type: file_type.clone(),
        };
        let (content, keep) = match self.run(&job, source, urgency) {
            Ok(Answer::Content(content)) => (*content, true),
            Ok(Answer::Cut(cut)) => (cut_off(file_type, size, &head, cut), true),
            Ok(Answer::Picture { .. }) => {
                let death = Death::Garbage("a picture where text was asked for".to_owned());
                (cut_off(file_type, size, &head, death.cut()), false)
            }
            Err(death) => {
                let keep = death.repeats();
                (cut_off(file_type, size, &head, death.cut()), keep)
            }
        };
        if keep && let Ok(bytes) = serde_json::to_vec(&content) {
            self.keep(key.as_deref(), &bytes);
        }
        content
    }

    /// A picture of the file, drawn anew from its pixels, at most `side` pixels wide and high.
    pub fn picture(
        &self,
        subject: Subject<'_>,
        view: View,
        side: u32,
        urgency: Urgency,
        open: impl FnOnce() -> io::Result<Source>,
    ) -> Result<Picture, Cut> {
        let key = subject
            .sha256
            .map(|sha256| cache::picture_key(sha256, view, side));
        if let Some(png) = self.known(key.as_deref())
            && let Some(picture) = worker::picture_of(png)
        {
            return Ok(picture);
        }
        let source = open().map_err(|error| Cut {
            reason: CutReason::Unavailable,
            message: format!("It cannot be read: {error}."),
        })?;
        let source = match view {
            View::Page(page) => {
                let drawn = self.run(&Job::Page { page, side }, source, urgency);
                Source::Bytes(worker::png_of(drawn.map_err(|death| death.cut())?)?)
            }
            View::Image | View::Output(_) => source,
        };
        let output = match view {
            View::Output(sha256) => Some(sha256),
            View::Image | View::Page(_) => None,
        };
        let drawn = self.run(&Job::Picture { side, output }, source, urgency);
        let png = worker::png_of(drawn.map_err(|death| death.cut())?)?;
        self.keep(key.as_deref(), &png);
        worker::picture_of(png).ok_or_else(|| Death::Garbage("no picture".to_owned()).cut())
    }

    fn run(&self, job: &Job, source: Source, urgency: Urgency) -> Result<Answer, Death> {
        let _slot = self.slots.take(urgency).ok_or(Death::Busy)?;
        let input = source.into_input().map_err(Death::Start)?;
        let answer =
            run::run(&self.program, job, input, &self.limits, &self.clock).and_then(worker::answer);
        if let Err(death) = &answer {
            tracing::debug!(%death, "the reader of a file gave no answer");
        }
        answer
    }

    fn known(&self, key: Option<&str>) -> Option<Vec<u8>> {
        self.cache.as_ref()?.get(key?)
    }

    fn keep(&self, key: Option<&str>, bytes: &[u8]) {
        if let (Some(cache), Some(key)) = (&self.cache, key) {
            cache.put(key, bytes);
        }
    }
}

/// A file of which only its beginning is said.
fn described(file_type: FileType, size: u64, head: &[u8]) -> Content {
    let executable = file_type.kind == Kind::Program;
    let mut content = Content {
        file_type,
        size,
        body: Body::Binary(Binary::of(head, executable)),
        text: Vec::new(),
        findings: Vec::new(),
        cut: None,
    };
    if executable {
        let name = content.file_type.name.clone();
        content.find(
            countersign_protocol::content::FindingCode::Executable,
            format!("It is a program: {name}."),
        );
    }
    content
}

fn cut_off(file_type: FileType, size: u64, head: &[u8], cut: Cut) -> Content {
    let mut content = described(file_type, size, head);
    content.cut = Some(cut);
    content
}
