//! The folder of a handoff as an agent sees it: its document, and the answers next to it.

use std::path::{Path, PathBuf};

use countersign_protocol::{
    Digest,
    contract::MAX_BYTES,
    decision::DecisionDocument,
    dialect::Format,
    names::{self, AnswerNames, DocumentKind},
    receipt::{ErrorsDocument, Receipt},
};
use serde::de::DeserializeOwned;

use super::exit::{Exit, Failure};
use crate::fs::{self, Dir, FileKind, ReadProblem};

/// Answers of the daemon may repeat what the agent wrote, and are a little longer.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// A folder with a handoff in it.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// Its real path.
    pub(crate) path: PathBuf,
    /// The name of the document; `handoff.json` where there is none yet.
    pub(crate) document: String,
    answers: PathBuf,
}

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: Format,
}

impl Folder {
    /// The folder `path`, or the folder of the document `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let missing = |error: std::io::Error| {
            Failure::new(
                Exit::NotFound,
                format!("cannot open `{}`: {error}", path.display()),
            )
        };
        let real = path.canonicalize().map_err(missing)?;
        let (folder, document) = if real.is_dir() {
            (real.clone(), only_document(&real)?)
        } else {
            let name = real.file_name().and_then(|name| name.to_str());
            let folder = real.parent().unwrap_or(&real).to_owned();
            (folder, name.map(str::to_owned))
        };
        Ok(Self {
            answers: answers_folder(&folder),
            path: folder,
            document: document.unwrap_or_else(|| "handoff.json".to_owned()),
        })
    }

    fn names(&self) -> AnswerNames {
        names::answers_for(&self.document)
    }

    /// The document; `None` when there is none.
    pub(crate) fn source(&self) -> Result<Option<Source>, Failure> {
        let format = match names::is_document(&self.document) {
            Some(DocumentKind::Handoff(format)) => format,
            _ if matches!(extension(&self.document), Some("yaml" | "yml")) => Format::Yaml,
            _ => Format::Json,
        };
        // One byte more than allowed is read, so that the contract can refuse it by its own name.
        let bytes = read(&self.path, &self.document, MAX_BYTES as u64 + 1)?;
        Ok(bytes.map(|bytes| Source { bytes, format }))
    }

    pub(crate) fn receipt(&self) -> Result<Option<Receipt>, Failure> {
        self.answer(&self.names().receipt)
    }

    pub(crate) fn errors(&self) -> Result<Option<ErrorsDocument>, Failure> {
        self.answer(&self.names().errors)
    }

    pub(crate) fn decision(&self) -> Result<Option<DecisionDocument>, Failure> {
        self.answer(&self.names().decision)
    }

    /// What the daemon said about the document as it stands; `None` while it says nothing.
    pub(crate) fn verdict(&self) -> Result<Option<Verdict>, Failure> {
        let digest = self.source()?.map(|source| Digest::of(&source.bytes));
        if let Some(errors) = self.errors()?
            && digest.is_some()
            && errors.handoff_sha256 == digest
        {
            return Ok(Some(Verdict::Refused(Box::new(errors))));
        }
        let receipt = self.receipt()?;
        Ok(receipt
            .filter(|receipt| digest.is_none_or(|digest| digest == receipt.handoff_sha256))
            .map(|receipt| Verdict::Accepted(Box::new(receipt))))
    }

    fn answer<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(bytes) = read(&self.answers, name, MAX_ANSWER)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let path = self.answers.join(name);
            Failure::new(
                Exit::Failed,
                format!(
                    "`{}` is not what the daemon writes: {error}",
                    path.display()
                ),
            )
            .hint("look whether somebody else wrote it; the daemon keeps its own record")
        })
    }
}

/// What the daemon said about a document.
#[derive(Debug)]
pub(crate) enum Verdict {
    Accepted(Box<Receipt>),
    Refused(Box<ErrorsDocument>),
}

/// The failure for a refusal that stands in the folder.
pub(crate) fn refused(errors: &ErrorsDocument, text: &str) -> Failure {
    let mut failure = Failure::new(
        Exit::Contract,
        format!("`{}` was refused: {}", errors.file, errors.title),
    )
    .hint(errors.next.clone());
    failure.drawings = errors
        .errors
        .iter()
        .map(|violation| super::output::Drawing::of_violation(violation, &errors.file, text))
        .collect();
    failure.document = serde_json::to_value(errors).ok().map(Box::new);
    failure
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

/// The one document of a folder, `handoff.json` before the others.
fn only_document(folder: &Path) -> Result<Option<String>, Failure> {
    let mut found: Vec<String> = Dir::open(folder)?
        .list()?
        .into_iter()
        .filter(|listed| listed.kind == FileKind::File)
        .filter_map(|listed| listed.path.to_str().map(str::to_owned))
        .filter(|name| matches!(names::is_document(name), Some(DocumentKind::Handoff(_))))
        .collect();
    found.sort_by_key(|name| (!name.starts_with("handoff."), name.clone()));
    if let [one, two, ..] = &found[..]
        && !one.starts_with("handoff.")
    {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "`{}` holds more than one handoff: `{one}`, `{two}`",
                folder.display()
            ),
        )
        .hint("name the file that you mean"));
    }
    Ok(found.into_iter().next())
}

/// Where answers for `folder` go: into the folder itself, or for a dropped package, where nobody
/// may write, into its mirror under `.countersign/`.
fn answers_folder(folder: &Path) -> PathBuf {
    let mirror = folder.ancestors().skip(1).find_map(|above| {
        let inner = folder.strip_prefix(above).ok()?;
        let own = above.join(names::OWN_FOLDER);
        (inner.starts_with(names::INBOX) && own.is_dir()).then(|| own.join(inner))
    });
    mirror.unwrap_or_else(|| folder.to_owned())
}

/// Reads `name` in `folder`, following no link. `None` when it is not there.
pub(crate) fn read(folder: &Path, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
    let file = Dir::open(folder).and_then(|dir| dir.open_file(Path::new(name)));
    let file = match file {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let path = folder.join(name);
    match fs::read_limited(&file, limit) {
        Ok((bytes, _)) => Ok(Some(bytes)),
        // Replaced while we looked; the next look sees the new one.
        Err(ReadProblem::Changed) => Ok(None),
        Err(ReadProblem::TooLarge { size, limit }) => Err(Failure::new(
            Exit::Contract,
            format!(
                "`{}` has {size} bytes; at most {limit} are read",
                path.display()
            ),
        )
        .hint("put the content into files of their own and name them in `artifacts`")),
        Err(problem) => Err(Failure::new(
            Exit::Failed,
            format!("cannot read `{}`: {problem}", path.display()),
        )),
    }
}
