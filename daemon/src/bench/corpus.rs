//! Many files of code and prose, always the same ones.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{BenchError, agent};

/// Files in a folder.
const IN_FOLDER: usize = 50;
/// Words that there are; the first are common, the last are rare.
const WORDS: usize = 60_000;
/// Every so many files there is one with the word that is looked for, and with the phrase.
pub(super) const RARE: usize = 997;

/// A word that stands in few files, and nowhere else.
pub(super) const RARE_WORD: &str = "quaggafold";
/// Two words that stand next to each other in few files.
pub(super) const PHRASE: &str = "tapir sleeps under";

/// A corpus on the disk.
pub(super) struct Corpus {
    pub(super) root: PathBuf,
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// Numbers that look random and are the same each time (`splitmix64`).
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn from(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    /// The number of a word: half of all are among a few hundred, as in texts of people.
    fn word(&mut self) -> usize {
        let bits = self.below(64).min(self.below(64));
        let most = WORDS >> (bits % 16).min(9);
        self.below(most.max(16))
    }
}

/// The word of that number: syllables, now and then in the forms of code.
fn word(number: usize, into: &mut String) {
    const FIRST: [&str; 16] = [
        "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st",
    ];
    const SECOND: [&str; 8] = ["a", "e", "i", "o", "u", "ar", "en", "ol"];
    let mut rest = number + 128;
    while rest > 0 {
        into.push_str(FIRST[rest % 16]);
        rest /= 16;
        into.push_str(SECOND[rest % 8]);
        rest /= 8;
    }
}

/// The text of file `number`, between 2 and 24 KB.
fn text(number: usize) -> String {
    let mut numbers = Numbers::from(number as u64);
    let length = 2_000 + numbers.below(22_000);
    let mut text = String::with_capacity(length + 200);
    while text.len() < length {
        match numbers.below(4) {
            0 => {
                text.push_str("fn ");
                word(numbers.word(), &mut text);
                text.push('_');
                word(numbers.word(), &mut text);
                text.push_str("(input: u32) -> Result<(), Error> {\n");
            }
            1 => {
                text.push_str("    let ");
                word(numbers.word(), &mut text);
                text.push_str(" = self.");
                word(numbers.word(), &mut text);
                let _ = writeln!(text, "[{}];", numbers.below(10_000));
            }
            _ => {
                text.push_str("// ");
                for _ in 0..numbers.below(9) + 3 {
                    word(numbers.word(), &mut text);
                    text.push(' ');
                }
                text.push('\n');
            }
        }
        if number.is_multiple_of(RARE) && text.len() > length / 2 && !text.contains(RARE_WORD) {
            let _ = writeln!(text, "// {RARE_WORD}: the {PHRASE} trees");
        }
    }
    text
}

/// The path of file `number`, relative to the root.
pub(super) fn path(number: usize) -> String {
    let folder = number / IN_FOLDER;
    let ending = ["rs", "md", "py", "c"][number % 4];
    format!(
        "part{:03}/dir{folder:05}/file{number:06}.{ending}",
        folder / 40
    )
}

/// Makes the files in `root`.
pub(super) fn make(root: &Path, files: usize) -> Result<Corpus, BenchError> {
    let mut bytes = 0;
    for number in 0..files {
        let path = root.join(path(number));
        if number.is_multiple_of(IN_FOLDER)
            && let Some(folder) = path.parent()
        {
            crate::fs::Dir::create(folder, 0o755)?;
        }
        let text = text(number);
        bytes += text.len() as u64;
        agent::write(&path, text.as_bytes())?;
    }
    Ok(Corpus {
        root: root.to_owned(),
        files,
        bytes,
    })
}

/// Writes file `number` of the corpus in `root` anew, with the text of another one.
pub(super) fn rewrite(root: &Path, number: usize, other: usize) -> Result<(), BenchError> {
    Ok(agent::write(
        &root.join(path(number)),
        text(other).as_bytes(),
    )?)
}

/// A word that stands in some files, common or rare.
pub(super) fn some_word(numbers: &mut Numbers) -> String {
    let mut some = String::new();
    word(numbers.word(), &mut some);
    some
}

/// The word that stands in most files.
pub(super) fn common_word() -> String {
    let mut common = String::new();
    word(1, &mut common);
    common
}

impl Corpus {
    /// All files, by the number in their names.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..self.files).map(|number| self.root.join(path(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_is_the_same_each_time_and_has_what_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let corpus = make(folder.path(), 101).unwrap();
        assert!(corpus.paths().all(|path| path.is_file()));
        assert_eq!(text(3), text(3));
        let sizes: u64 = corpus
            .paths()
            .map(|path| path.metadata().unwrap().len())
            .sum();
        assert_eq!(sizes, corpus.bytes);
        let with = |wanted: &str| {
            (0..200)
                .filter(|number| text(*number).contains(wanted))
                .count()
        };
        assert_eq!((with(RARE_WORD), with(PHRASE)), (1, 1));
        assert!(with(&common_word()) > 100, "{}", with(&common_word()));
    }
}
