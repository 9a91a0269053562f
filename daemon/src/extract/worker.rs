//! The child: one job, one file, one answer.
//!
//! The answer is a frame: its length as four bytes, least significant first, then JSON; a picture has
//! a second frame with the bytes of a PNG.

use std::{
    fs::File,
    io::{self, Write},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::Command,
};

use countersign_protocol::{
    Digest,
    content::{Content, Cut, CutReason, FileType, Picture},
};
use serde::{Deserialize, Serialize};

use super::{
    formats,
    run::Death,
    sandbox::{self, Freedom},
};

/// What a child is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub(super) enum Job {
    /// Say what the file is and says.
    Content {
        /// What its beginning looks like.
        file_type: FileType,
    },
    /// Draw an image anew: the file, or a picture among the outputs of the notebook that it is.
    Picture {
        /// Longest side in pixels.
        side: u32,
        /// Digest of the output.
        output: Option<Digest>,
    },
    /// Draw a page of a PDF with poppler. The answer is its PNG, without frames.
    Page {
        /// From 1.
        page: u32,
        /// Longest side in pixels.
        side: u32,
    },
    /// Try something that must not succeed.
    #[cfg(feature = "failpoints")]
    Attempt {
        /// What.
        what: super::attempt::Attempt,
    },
}

/// What crosses the pipe.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Wire {
    Content { content: Box<Content> },
    Picture,
    Cut { cut: Cut },
}

/// What a child answered.
#[derive(Debug)]
pub(super) enum Answer {
    Content(Box<Content>),
    Picture { png: Vec<u8> },
    Cut(Cut),
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads what a child wrote. It may be broken on purpose: nothing in it is trusted but its shape.
pub(super) fn answer(bytes: Vec<u8>) -> Result<Answer, Death> {
    if bytes.starts_with(PNG) {
        return Ok(Answer::Picture { png: bytes });
    }
    let garbage = |what: &str| Death::Garbage(what.to_owned());
    let (json, rest) = frame(&bytes).ok_or_else(|| garbage("no whole frame"))?;
    let wire = serde_json::from_slice(json).map_err(|error| Death::Garbage(error.to_string()))?;
    match wire {
        Wire::Content { content } if rest.is_empty() => Ok(Answer::Content(content)),
        Wire::Cut { cut } if rest.is_empty() => Ok(Answer::Cut(cut)),
        Wire::Picture => match frame(rest) {
            Some((png, [])) if png.starts_with(PNG) => Ok(Answer::Picture { png: png.to_vec() }),
            _ => Err(garbage("no picture")),
        },
        _ => Err(garbage("more than an answer")),
    }
}

fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// The picture in an answer.
pub(super) fn png_of(answer: Answer) -> Result<Vec<u8>, Cut> {
    match answer {
        Answer::Picture { png } => Ok(png),
        Answer::Cut(cut) => Err(cut),
        Answer::Content(_) => Err(Death::Garbage("no picture".to_owned()).cut()),
    }
}

/// A PNG with the dimensions that its header states (PNG specification, section 11.2.2).
pub(super) fn picture_of(png: Vec<u8>) -> Option<Picture> {
    let side = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    let (width, height) = (side(16)?, side(20)?);
    (png.starts_with(PNG) && width > 0 && height > 0).then_some(Picture { width, height, png })
}

/// Does one job, given as JSON, with at most `memory` bytes and `seconds` of processor time; says
/// whether there is an answer.
pub fn serve(job: &str, memory: u64, seconds: u64) -> bool {
    let Ok(job) = serde_json::from_str(job) else {
        return false;
    };
    // The descriptor is taken before everything is given up; nothing was read from it yet.
    let Ok(input) = io::stdin().as_fd().try_clone_to_owned() else {
        return false;
    };
    let poppler = match job {
        Job::Page { .. } => poppler(),
        _ => None,
    };
    let freedom = match job {
        Job::Page { .. } => Freedom::Program,
        _ => Freedom::None,
    };
    if let Err(error) = sandbox::enter(memory, seconds, freedom) {
        #[expect(clippy::print_stderr, reason = "the parent listens there")]
        {
            eprintln!("cannot give up rights: {error}");
        }
        return false;
    }
    let wire = match job {
        Job::Content { file_type } => Wire::Content {
            content: Box::new(formats::content(file_type, File::from(input))),
        },
        Job::Picture { side, output } => {
            return match formats::picture(File::from(input), side, output) {
                Ok(png) => send(&Wire::Picture, Some(&png)),
                Err(cut) => send(&Wire::Cut { cut }, None),
            };
        }
        #[cfg(feature = "failpoints")]
        Job::Attempt { what } => Wire::Cut {
            cut: Cut {
                reason: CutReason::Refused,
                message: what.make(),
            },
        },
        Job::Page { page, side } => {
            let missing = "Page pictures need `pdftoppm` of poppler, which is not installed here.";
            let message = match poppler {
                None => missing.to_owned(),
                Some(path) => format!(
                    "pdftoppm did not start: {}.",
                    become_poppler(path, page, side)
                ),
            };
            Wire::Cut {
                cut: Cut {
                    reason: CutReason::Unavailable,
                    message,
                },
            }
        }
    };
    send(&wire, None)
}

fn send(wire: &Wire, second: Option<&[u8]>) -> bool {
    let write = || -> io::Result<()> {
        let json = serde_json::to_vec(wire)?;
        let mut out = io::stdout().lock();
        for frame in [Some(json.as_slice()), second].into_iter().flatten() {
            let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
            out.write_all(&length.to_le_bytes())?;
            out.write_all(frame)?;
        }
        out.flush()
    };
    write().is_ok()
}

/// Whether the program is installed that draws pages of a PDF.
pub fn draws_pages() -> bool {
    poppler().is_some()
}

/// Where `pdftoppm` is, in the places of the system only.
pub(super) fn poppler() -> Option<&'static str> {
    [
        "/usr/bin/pdftoppm",
        "/usr/local/bin/pdftoppm",
        "/bin/pdftoppm",
    ]
    .into_iter()
    .find(|path| std::path::Path::new(path).is_file())
}

/// Turns this process into `pdftoppm`, limits and all; returns only when that fails.
fn become_poppler(path: &str, page: u32, side: u32) -> io::Error {
    let page = page.to_string();
    Command::new(path)
        .args(["-png", "-singlefile", "-q", "-f", &page, "-l", &page])
        .args(["-scale-to", &side.to_string(), "-"])
        .env_clear()
        .exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
            bytes.extend(*frame);
        }
        bytes
    }

    #[test]
    fn only_a_whole_answer_is_one() {
        let cut = br#"{"answer":"cut","cut":{"reason":"damaged","message":"x"}}"#;
        let whole = framed(&[cut]);
        assert!(matches!(answer(whole.clone()), Ok(Answer::Cut(_))));
        for length in 0..whole.len() {
            assert!(answer(whole[..length].to_vec()).is_err(), "{length}");
        }
        assert!(answer([whole, b"x".to_vec()].concat()).is_err());
        assert!(answer(framed(&[b"{}"])).is_err());
        assert!(answer(vec![0xff; 64]).is_err());
    }

    #[test]
    fn a_picture_is_a_png_or_nothing() {
        let picture = br#"{"answer":"picture"}"#;
        assert!(answer(framed(&[picture, b"<svg>"])).is_err());
        assert!(answer(framed(&[picture])).is_err());
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x02";
        assert!(matches!(
            answer(framed(&[picture, png])),
            Ok(Answer::Picture { .. })
        ));
        let picture = picture_of(png.to_vec()).unwrap();
        assert_eq!((picture.width, picture.height), (4, 2));
        assert_eq!(picture_of(png[..18].to_vec()), None);
    }
}
