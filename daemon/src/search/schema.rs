//! The fields of the index.

use countersign_protocol::event::Location;
use sha2::{Digest as _, Sha256};
use tantivy::{
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
        TextOptions,
    },
    tokenizer::{TextAnalyzer, TokenizerManager},
};

use super::tokens;

/// Changes with every change of fields, words or meaning: an index of another format is made anew.
pub(super) const FORMAT: &str = "7";

/// A kind of document. The names stand in the index.
pub(crate) mod kind {
    pub(crate) const FILE: &str = "file";
    pub(crate) const HANDOFF: &str = "handoff";
    pub(crate) const DECISION: &str = "decision";
    pub(crate) const COMMENT: &str = "comment";
    pub(crate) const REFUSED: &str = "refused";
    pub(crate) const CHECKPOINT: &str = "checkpoint";
}

/// What is marked about a document.
pub(super) mod flag {
    /// It has a run of letters that is too long to be a word, so words do not narrow it.
    pub(crate) const LONG: &str = "long";
    /// Its text is in the index up to a limit.
    pub(crate) const CUT: &str = "cut";
    /// Its text could not be read.
    pub(crate) const UNREAD: &str = "unread";
    /// Its text is still to be read by a child.
    pub(crate) const WAITS: &str = "waits";
    /// Text of it is, or may be, missing in the index: all of the above.
    pub(crate) const MISSING: [&str; 3] = [CUT, UNREAD, WAITS];
    /// What is scanned is the text in the index, not the file.
    pub(crate) const KEPT: &str = "kept";
    /// It was refused since it breaks the contract.
    pub(crate) const INVALID: &str = "invalid";
    /// It has what looks like a credential.
    pub(crate) const SECRET: &str = "secret";
    /// It has text.
    pub(crate) const TEXT: &str = "text";

    /// Other users than its owner may not read it, or not enter a folder on the way to it.
    pub(crate) const PRIVATE: &str = "private";

    /// It is private, and belongs to this user.
    pub(crate) fn owner(uid: u32) -> String {
        format!("owner:{uid}")
    }

    /// It is a decision with this outcome, as queries write it.
    pub(crate) fn outcome(word: &str) -> String {
        format!("outcome:{word}")
    }
}

/// Handles of the fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// What a document is, as a number ([`key_of_file`], [`key_of_card`]); several documents of one card share it.
    pub(super) key: Field,
    /// See [`kind`].
    pub(super) kind: Field,
    /// Name of the workspace: what access goes by.
    pub(super) ws: Field,
    /// Path relative to the workspace.
    pub(super) path: Field,
    /// Words of the path and of titles.
    pub(super) head: Field,
    /// Words of the text.
    pub(super) text: Field,
    /// Ending of the name, in lower case.
    pub(super) ext: Field,
    /// What type of file it is: a broad class and names of the format.
    pub(super) file_type: Field,
    /// Bytes.
    pub(super) size: Field,
    /// When it was changed or recorded, in microseconds since 1970.
    pub(super) at: Field,
    /// What tells it from itself at another time; see [`super::known`].
    pub(super) stamp: Field,
    /// SHA-256, for whoever has it and looks for the file.
    pub(super) digest: Field,
    /// Levels of log lines in it, and see [`flag`].
    pub(super) flags: Field,
    /// The handoff it is about.
    pub(super) card: Field,
    /// The entry of the ledger that recorded it.
    pub(super) seq: Field,
    /// Who caused it.
    pub(super) by: Field,
    /// One line for lists.
    pub(super) title: Field,
    /// The text itself, where it is not that of a plain file.
    pub(super) body: Field,
    /// Where in its file each stretch of the text stands; see [`super::words::Places`].
    pub(super) places: Field,
    /// Why some of its text is not in the index, one sentence for people.
    pub(super) note: Field,
}

/// Names of the fields that have a column.
pub(super) struct FastNames {
    pub(super) key: &'static str,
    pub(super) kind: &'static str,
    pub(super) ws: &'static str,
    pub(super) path: &'static str,
    pub(super) file_type: &'static str,
    pub(super) size: &'static str,
    pub(super) at: &'static str,
    pub(super) stamp: &'static str,
    pub(super) card: &'static str,
    pub(super) seq: &'static str,
    pub(super) by: &'static str,
    pub(super) flags: &'static str,
}

/// The one list of them.
pub(super) const FAST_NAMES: FastNames = FastNames {
    key: "key",
    kind: "kind",
    ws: "ws",
    path: "path",
    file_type: "type",
    size: "size",
    at: "at",
    stamp: "stamp",
    card: "card",
    seq: "seq",
    by: "by",
    flags: "flags",
};

/// The schema with its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(tokens::NAME)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let words = TextOptions::default().set_indexing_options(words);
    let fields = Fields {
        key: builder.add_u64_field(FAST_NAMES.key, INDEXED | FAST),
        kind: builder.add_text_field(FAST_NAMES.kind, STRING | FAST),
        ws: builder.add_text_field(FAST_NAMES.ws, STRING | FAST),
        path: builder.add_text_field(FAST_NAMES.path, TextOptions::default().set_fast("raw")),
        head: builder.add_text_field("head", words.clone()),
        text: builder.add_text_field("text", words),
        ext: builder.add_text_field("ext", STRING),
        file_type: builder.add_text_field(FAST_NAMES.file_type, STRING | FAST),
        size: builder.add_u64_field(FAST_NAMES.size, FAST),
        at: builder.add_i64_field(FAST_NAMES.at, FAST),
        stamp: builder.add_u64_field(FAST_NAMES.stamp, FAST),
        digest: builder.add_bytes_field("digest", INDEXED),
        flags: builder.add_text_field(FAST_NAMES.flags, STRING | FAST),
        card: builder.add_u64_field(FAST_NAMES.card, FAST),
        seq: builder.add_u64_field(FAST_NAMES.seq, FAST),
        by: builder.add_text_field(FAST_NAMES.by, STRING | FAST),
        title: builder.add_text_field("title", STORED),
        body: builder.add_text_field("body", STORED),
        places: builder.add_text_field("places", STORED),
        note: builder.add_text_field("note", STORED),
    };
    (builder.build(), fields)
}

/// The tokenizers that the schema names.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(
        tokens::NAME,
        TextAnalyzer::builder(tokens::Words::default()).build(),
    );
    manager
}

/// Eight bytes of a SHA-256 over `parts`, each with its length. Two of a million documents have the same
/// with a chance of one in 30 million.
fn digest(parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// The key of a file.
pub(crate) fn key_of_file(workspace: &str, path: &str) -> u64 {
    digest(&[b"file", workspace.as_bytes(), path.as_bytes()])
}

/// The key of a version of a file.
pub(super) fn key_of_version(
    workspace: &str,
    path: &str,
    sha256: countersign_protocol::Digest,
) -> u64 {
    digest(&[b"version", workspace.as_bytes(), path.as_bytes(), &sha256.0])
}

/// The key of all documents of a card.
pub(super) fn key_of_card(id: u64) -> u64 {
    digest(&[b"card", &id.to_be_bytes()])
}

/// The key of a refused delivery, or of the checkpoints, at a place.
pub(super) fn key_of_place(kind: &str, at: &Location) -> u64 {
    digest(&[
        kind.as_bytes(),
        at.workspace.as_bytes(),
        at.folder.as_bytes(),
        at.file.as_bytes(),
    ])
}

/// A number that changes when one of `parts` does.
pub(super) fn stamp(parts: &[&[u8]]) -> u64 {
    digest(parts)
}
