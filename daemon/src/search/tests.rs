//! The index as a whole: what is found, what is read again, what survives.

mod following;
mod past;
mod standing;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_protocol::content::Place;
use tempfile::TempDir;

use super::{
    Answer, Ask, Condition, Level, Match, Name, Order, Pattern, Reader, Search, Settings, State,
    kind,
};
use crate::{
    clock::{SharedClock, SystemClock},
    extract::{Cache, Extractor, Limits, Program},
    fs::{Dir, Objects},
    ledger::Ledger,
    testing::SharedStore,
    workspace::{self, Workspace, Workspaces},
};

/// An index over two workspaces, `a` and `b`.
struct Bed {
    folder: TempDir,
    workspaces: Arc<Workspaces>,
    search: Option<Search>,
    /// What stands in for the child that reads packed files: a shell script.
    reader: String,
    /// What runs it.
    program: PathBuf,
}

impl Bed {
    fn new() -> Self {
        let folder = crate::testing::memory_folder();
        let workspaces = Arc::new(Workspaces::default());
        for name in ["a", "b"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            let opened = Workspace::open(name, &path, workspace::Settings::default());
            workspaces.add(opened.unwrap());
        }
        fs::create_dir(folder.path().join("state")).unwrap();
        let mut bed = Self {
            folder,
            workspaces,
            search: None,
            reader: "exit 3".to_owned(),
            program: "/bin/sh".into(),
        };
        bed.start();
        bed
    }

    /// Packed files are read by `script` from the next start on.
    fn reading_by(mut self, script: String) -> Self {
        self.reader = script;
        self.start();
        self
    }

    /// Starts the index, after the death of the last one if there was one.
    fn start(&mut self) {
        self.search = None;
        let clock: SharedClock = SystemClock::shared();
        let store = Box::new(SharedStore(Arc::new(Mutex::default())));
        let ledger = Ledger::open(store, Arc::clone(&clock)).unwrap();
        let objects = Objects::open(&self.folder.path().join("objects")).unwrap();
        let state = Dir::open(&self.folder.path().join("state")).unwrap();
        let settings = Settings {
            commit: Duration::ZERO,
        };
        let workspaces = Arc::clone(&self.workspaces);
        let program = Program {
            path: self.program.clone(),
            arguments: vec!["-c".into(), self.reader.clone().into(), "sh".into()],
        };
        let cache = Cache::open(&self.folder.path().join("cache"), 1 << 20).ok();
        let extractor = Extractor::new(program, Limits::default(), cache, Arc::clone(&clock));
        let search = Search::start(
            &state,
            workspaces,
            ledger,
            Arc::new(objects),
            Arc::new(extractor),
            clock,
            settings,
        );
        self.search = Some(search.unwrap());
    }

    fn search(&self) -> &Search {
        self.search.as_ref().unwrap()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes `workspace/path`.
    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn walk(&self) {
        for name in ["a", "b"] {
            self.search().walk(name.into());
        }
        self.search().settle();
    }

    fn hint(&self, workspace: &str, path: &str) {
        self.search().changed(workspace.into(), path.into(), true);
        self.search().settle();
    }

    fn ask(&self, condition: Condition, workspaces: &[&str]) -> Answer {
        let ask = Ask {
            condition,
            about: Vec::new(),
            kind: None,
            workspaces: workspaces.iter().map(|name| (*name).to_owned()).collect(),
            order: Order::Path,
            skip: 0,
            limit: 1_000,
            count_all: true,
            lines: true,
            past: None,
            reader: Reader::Anything,
        };
        self.search().find(&ask).unwrap().unwrap()
    }

    fn found(&self, condition: Condition) -> Vec<String> {
        let answer = self.ask(condition, &["a", "b"]);
        assert_eq!(answer.total, answer.results.len() as u64);
        assert!(answer.is_exact);
        answer.results.iter().map(path).collect()
    }
}

fn path(one: &Match) -> String {
    format!("{}/{}", one.document.workspace, one.document.path)
}

fn word(word: &str) -> Condition {
    Condition::Word(word.to_owned())
}

fn phrase(text: &str) -> Condition {
    Condition::Pattern(Pattern::phrase(text).unwrap(), Some(text.to_owned()))
}

fn regex(text: &str) -> Condition {
    Condition::Pattern(Pattern::regex(text).unwrap(), None)
}

#[test]
fn files_are_found_by_words_paths_phrases_and_patterns_with_their_lines() {
    let bed = Bed::new();
    bed.write(
        "a/src/lib.rs",
        "fn openStream() {}\n\nlet snake_case = 42;\n",
    );
    bed.write("a/notes/plan.md", "The plan: open the stream, then wait.\n");
    bed.write("b/other.txt", "stream\n");
    bed.write("b/build.log", "INFO start\nERROR stream broke\n");
    bed.write("a/image.bin", b"\0\x01stream");
    bed.walk();
    let streams = [
        "a/notes/plan.md",
        "a/src/lib.rs",
        "b/build.log",
        "b/other.txt",
    ];
    assert_eq!(bed.found(word("stream")), streams);
    assert_eq!(bed.found(word("openstream")), ["a/src/lib.rs"]);
    assert_eq!(bed.found(word("open_stream")), ["a/src/lib.rs"]);
    assert_eq!(bed.found(word("case")), ["a/src/lib.rs"]);
    assert_eq!(bed.found(word("image")), ["a/image.bin"]);
    let digest = countersign_protocol::Digest::of(b"stream\n").to_string();
    assert_eq!(bed.found(word(&digest.to_uppercase())), ["b/other.txt"]);
    assert_eq!(bed.found(phrase("The Stream, then")), ["a/notes/plan.md"]);
    assert_eq!(bed.found(phrase("notes/pl")), ["a/notes/plan.md"]);
    assert_eq!(bed.found(regex("^str[a-e]+m$")), ["b/other.txt"]);
    assert_eq!(bed.found(regex(r"case\s=\s\d+;")), ["a/src/lib.rs"]);
    assert_eq!(
        bed.found(Condition::Path("*.md".to_owned())),
        ["a/notes/plan.md"]
    );
    assert_eq!(
        bed.found(Condition::Path("src/**".to_owned())),
        ["a/src/lib.rs"]
    );
    assert_eq!(bed.found(Condition::Level(Level::Error)), ["b/build.log"]);
    let not = Condition::And(vec![
        word("stream"),
        Condition::Not(Box::new(phrase("the stream"))),
    ]);
    assert_eq!(
        bed.found(not),
        ["a/src/lib.rs", "b/build.log", "b/other.txt"]
    );
    let lines = bed.ask(word("snake_case"), &["a"]).results.remove(0).lines;
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].number, lines[0].matches.clone()),
        (3, vec![(4, 14)])
    );
}

#[test]
fn nobody_finds_or_counts_what_is_in_another_workspace() {
    let bed = Bed::new();
    bed.write("a/secret.txt", "the secret word");
    bed.write("b/open.txt", "no such word");
    bed.walk();
    let everything = [
        Condition::All,
        word("word"),
        phrase("word"),
        regex("w.rd"),
        word("secret"),
    ];
    for condition in everything {
        let answer = bed.ask(condition.clone(), &["b"]);
        assert!(
            answer.results.iter().all(|one| path(one) == "b/open.txt"),
            "{condition:?}"
        );
        assert!(answer.total <= 1, "{condition:?}");
        for (operator, values) in answer.spread {
            assert!(!values.iter().any(|(value, _)| value == "a"), "{operator}");
        }
        assert_eq!(bed.ask(condition, &[]).total, 0);
    }
    let not = Condition::Not(Box::new(word("nothing")));
    assert_eq!(bed.ask(not, &["b"]).total, 1);
}

#[test]
fn what_looks_like_a_credential_is_found_with_its_line() {
    let bed = Bed::new();
    let key = format!("{}{}", "AKIA", "Q2XZ".repeat(4));
    bed.write("a/deploy.env", format!("REGION=eu\nKEY_ID={key}\n"));
    bed.write("a/readme.md", "Put your AKIA key here.\n");
    bed.walk();
    let answer = bed.ask(Condition::Secret, &["a"]);
    let found: Vec<_> = answer.results.iter().map(path).collect();
    assert_eq!(found, ["a/deploy.env"]);
    let lines: Vec<_> = answer.results[0]
        .lines
        .iter()
        .map(|line| line.number)
        .collect();
    assert_eq!(lines, [2]);
}

#[test]
fn files_under_a_lock_are_found_as_their_names_are_written() {
    let bed = Bed::new();
    for file in [
        "a/Data/One.csv",
        "a/Data/two.txt",
        "a/data/One.csv",
        "b/Data/One.csv",
    ] {
        bed.write(file, "x");
    }
    bed.walk();
    let covered = |text: &str| {
        let pattern = countersign_protocol::lock::Pattern::read(text, None).unwrap();
        bed.found(Condition::Covered("a".to_owned(), pattern))
    };
    assert_eq!(covered("Data/"), ["a/Data/One.csv", "a/Data/two.txt"]);
    assert_eq!(covered("*/*.csv"), ["a/Data/One.csv", "a/data/One.csv"]);
    assert_eq!(covered("Data/two.txt"), ["a/Data/two.txt"]);
    assert!(covered("nothing").is_empty());
}

#[test]
fn a_start_over_an_unchanged_tree_reads_no_file() {
    let mut bed = Bed::new();
    for number in 0..50 {
        bed.write(
            &format!("a/{}/{number}.txt", number % 7),
            format!("text {number}"),
        );
    }
    bed.walk();
    assert_eq!(bed.search().reads(), 50);
    bed.start();
    bed.walk();
    assert_eq!(bed.search().reads(), 0);
    assert_eq!(bed.found(word("text")).len(), 50);
    bed.write("a/3/3.txt", "other words");
    fs::remove_file(bed.at("a/4/4.txt")).unwrap();
    bed.start();
    bed.walk();
    assert_eq!(bed.search().reads(), 1);
    assert_eq!(bed.found(word("text")).len(), 48);
}

#[test]
fn a_hint_is_enough_for_what_came_changed_moved_or_went() {
    let bed = Bed::new();
    bed.walk();
    assert_eq!(bed.search().status().state, State::Ready);
    bed.write("a/new.txt", "fresh");
    bed.hint("a", "new.txt");
    assert_eq!(bed.found(word("fresh")), ["a/new.txt"]);
    bed.write("a/new.txt", "stale words");
    bed.hint("a", "new.txt");
    assert!(bed.found(word("fresh")).is_empty());
    assert_eq!(bed.found(word("stale")), ["a/new.txt"]);
    bed.write("a/deep/er/one.txt", "buried");
    bed.hint("a", "deep");
    assert_eq!(bed.found(word("buried")), ["a/deep/er/one.txt"]);
    fs::rename(bed.at("a/deep"), bed.at("a/moved")).unwrap();
    bed.hint("a", "deep");
    bed.hint("a", "moved");
    assert_eq!(bed.found(word("buried")), ["a/moved/er/one.txt"]);
    fs::remove_file(bed.at("a/new.txt")).unwrap();
    bed.hint("a", "new.txt");
    assert!(bed.found(word("stale")).is_empty());
}

type Damages<'a> = &'a [(&'a str, &'a dyn Fn(&Bed))];

#[test]
fn an_index_that_is_damaged_gone_or_of_another_format_is_made_anew() {
    let index = |bed: &Bed| bed.at("state/index");
    let largest = |bed: &Bed| {
        let folder = index(bed).join(super::schema::FORMAT);
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let segments = files.filter(|path| !path.ends_with("meta.json"));
        segments
            .max_by_key(|path| path.metadata().unwrap().len())
            .unwrap()
    };
    let meta = |bed: &Bed| index(bed).join(super::schema::FORMAT).join("meta.json");
    let damages: Damages<'_> = &[
        ("the folder is gone", &|bed| {
            fs::remove_dir_all(index(bed)).unwrap();
        }),
        ("a file is empty", &|bed| {
            fs::write(largest(bed), "").unwrap();
        }),
        ("a file is gone", &|bed| {
            fs::remove_file(largest(bed)).unwrap();
        }),
        ("a file is short", &|bed| {
            let path = largest(bed);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("its list is junk", &|bed| {
            fs::write(meta(bed), "{").unwrap();
        }),
        ("its list is another one's", &|bed| {
            let text = fs::read_to_string(meta(bed)).unwrap();
            fs::write(meta(bed), text.replace("\"head\"", "\"tail\"")).unwrap();
        }),
        ("it is of another format", &|bed| {
            let from = index(bed).join(super::schema::FORMAT);
            fs::rename(from, index(bed).join("0")).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let mut bed = Bed::new();
        for number in 0..20 {
            bed.write(&format!("a/{number}.txt"), format!("word w{number}"));
        }
        bed.walk();
        bed.search = None;
        damage(&bed);
        bed.start();
        bed.search().settle();
        let status = bed.search().status();
        assert_eq!(status.state, State::Rebuilding, "{what}");
        assert!(status.why.is_some(), "{what}");
        bed.walk();
        assert_eq!(bed.search().status().state, State::Ready, "{what}");
        assert_eq!(bed.search().reads(), 20, "{what}");
        assert_eq!(bed.found(word("w7")), ["a/7.txt"], "{what}");
    }
}

#[test]
fn a_flipped_bit_is_found_by_the_check_and_the_index_made_anew() {
    let bed = Bed::new();
    bed.write("a/x.txt", "needle ".repeat(100));
    bed.walk();
    let live = bed.search().live().unwrap();
    bed.search().shared.check(&live);
    bed.search().settle();
    assert_eq!(bed.search().reads(), 1);
    let folder = bed.at("state/index").join(super::schema::FORMAT);
    let mut files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let words = files
        .find(|path| path.extension().is_some_and(|end| end == "idx"))
        .unwrap();
    let mut bytes = fs::read(&words).unwrap();
    bytes[0] ^= 1;
    fs::write(&words, bytes).unwrap();
    bed.search().shared.check(&live);
    bed.search().settle();
    assert_eq!(bed.search().reads(), 2);
    assert_eq!(bed.found(word("needle")), ["a/x.txt"]);
}

#[test]
fn an_index_is_complete_when_every_workspace_was_walked() {
    let bed = Bed::new();
    bed.write("b/late.txt", "needle");
    bed.search().walk("a".into());
    bed.search().settle();
    assert_eq!(bed.search().status().state, State::Rebuilding);
    bed.search().walk("b".into());
    bed.search().settle();
    assert_eq!(bed.search().status().state, State::Ready);
    assert_eq!(bed.found(word("needle")), ["b/late.txt"]);
}

#[test]
fn a_rebuild_finds_the_same_again() {
    let bed = Bed::new();
    bed.write("a/x.txt", "needle");
    bed.walk();
    bed.search().rebuild("somebody asked for it".to_owned());
    bed.search().settle();
    assert_eq!(bed.search().reads(), 2);
    assert_eq!(bed.found(word("needle")), ["a/x.txt"]);
}

/// What a scan of every file finds.
fn naive(files: &[(String, String)], fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found: Vec<String> = files
        .iter()
        .filter(|(_, text)| text.lines().any(&fits))
        .map(|(path, _)| path.clone())
        .collect();
    found.sort();
    found
}

#[test]
fn phrases_and_patterns_find_exactly_what_a_scan_finds() {
    let pieces = [
        "foo", "Bar", "_", "-", " ", "\n", "baz9", "ÄÖ", "ß", "東京", "ſ", "K", ".", "x", "42",
        "::", "é", "\r\n", "aB",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = |length: usize| -> String {
        (0..length)
            .map(|_| pieces[random.usize(..pieces.len())])
            .collect()
    };
    let mut files: Vec<(String, String)> = (0..120)
        .map(|number| (format!("a/f{number:03}"), text(24)))
        .collect();
    files.push(("a/long".to_owned(), format!("x{}foo y", "q".repeat(300))));
    let bed = Bed::new();
    for (path, text) in &files {
        bed.write(path, text);
    }
    bed.walk();
    let mut random = fastrand::Rng::with_seed(8);
    for _ in 0..400 {
        let count = random.usize(1..5);
        let wanted: String = (0..count)
            .map(|_| pieces[random.usize(..pieces.len())])
            .collect();
        if wanted.contains(['\n', '\r']) {
            continue;
        }
        let pattern = regex::RegexBuilder::new(&regex::escape(&wanted))
            .case_insensitive(true)
            .build();
        let pattern = pattern.unwrap();
        let expected = naive(&files, |line| pattern.is_match(line));
        let phrase = Condition::Pattern(Pattern::phrase(&wanted).unwrap(), None);
        assert_eq!(bed.found(phrase), expected, "{wanted:?}");
        let exactly = regex::escape(&wanted);
        let loose = exactly
            .replace('x', "[xyz]")
            .replace("42", r"\d{2}")
            .replace("foo", "(?i:fo+)");
        for source in [
            exactly.clone(),
            loose,
            format!("^{exactly}"),
            format!("{exactly}.?(Bar|aB)"),
        ] {
            let pattern = ::regex::Regex::new(&source).unwrap();
            let expected = naive(&files, |line| pattern.is_match(line));
            assert_eq!(bed.found(regex(&source)), expected, "{source:?}");
        }
    }
    assert_eq!(bed.found(phrase("qqfoo")), ["a/long"]);
}

#[test]
fn what_the_daemon_keeps_in_a_workspace_is_left_out() {
    let bed = Bed::new();
    for path in [
        "a/.countersign/x",
        "a/.git/x",
        "a/approved/H-1/x",
        "a/.staging/x",
    ] {
        bed.write(path, "hidden");
    }
    bed.write("a/deep/approved/x", "hidden");
    bed.walk();
    bed.hint("a", ".git/x");
    assert_eq!(bed.found(word("hidden")), ["a/deep/approved/x"]);
}

#[test]
fn ignored_files_are_left_out_by_walks_and_hints() {
    let bed = Bed::new();
    bed.write("a/.gitignore", "out/\n*.tmp\n");
    for path in [
        "a/out/x",
        "a/deep/y.tmp",
        "a/node_modules/z.js",
        "a/kept.txt",
    ] {
        bed.write(path, "needle");
    }
    bed.walk();
    assert_eq!(bed.found(word("needle")), ["a/kept.txt"]);
    for path in ["out/x", "deep/y.tmp", "node_modules/z.js", "out"] {
        bed.hint("a", path);
    }
    assert_eq!(bed.found(word("needle")), ["a/kept.txt"]);
}

#[test]
fn results_come_in_the_order_and_page_that_is_asked_for() {
    let bed = Bed::new();
    for (name, count) in [("one", 1), ("two", 2), ("three", 3)] {
        bed.write(&format!("a/{name}.txt"), "needle ".repeat(count * count));
    }
    bed.walk();
    let ask = |order, skip, limit| {
        let ask = Ask {
            condition: word("needle"),
            about: Vec::new(),
            kind: Some(kind::FILE),
            workspaces: vec!["a".to_owned()],
            order,
            skip,
            limit,
            count_all: false,
            lines: false,
            past: None,
            reader: Reader::Anything,
        };
        let answer = bed.search().find(&ask).unwrap().unwrap();
        assert_eq!(answer.total, 3);
        answer
            .results
            .iter()
            .map(|one| one.document.path.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ask(Order::Largest, 0, 2), ["three.txt", "two.txt"]);
    assert_eq!(ask(Order::Largest, 2, 2), ["one.txt"]);
    assert_eq!(ask(Order::Smallest, 0, 1), ["one.txt"]);
    assert_eq!(ask(Order::Path, 0, 9), ["one.txt", "three.txt", "two.txt"]);
}

/// A script that reads a PDF of two pages, notes that it did, and fails for one that is bad.
fn pdf_reader(notes: &std::path::Path) -> String {
    let page =
        |number, text| serde_json::json!({"place": {"in": "page", "page": number}, "text": text});
    let answer = serde_json::json!({"answer": "content", "content": {
        "kind": "pdf", "media_type": "application/pdf", "name": "PDF", "size": 9,
        "body": {"is": "pdf", "pages": 2, "encrypted": false, "javascript": false},
        "text": [page(1, "alpha beta"), page(2, "gamma\nthe delta report")],
    }})
    .to_string();
    let [a, b, c, d] = u32::try_from(answer.len()).unwrap().to_le_bytes();
    format!(
        "echo read >> '{}'
        case $(head -c 8) in
            %PDF-bad) exit 3 ;;
            *) printf '\\{a:03o}\\{b:03o}\\{c:03o}\\{d:03o}'; printf %s '{answer}' ;;
        esac",
        notes.display()
    )
}

#[test]
fn words_of_a_packed_file_are_found_with_their_place_and_read_once() {
    let bed = Bed::new();
    let notes = bed.at("notes");
    let mut bed = bed.reading_by(pdf_reader(&notes));
    bed.write("a/one.pdf", "%PDF-1.7 x");
    bed.write("b/same.pdf", "%PDF-1.7 x");
    bed.write("a/bad.pdf", "%PDF-bad");
    bed.walk();
    let both = ["a/one.pdf", "b/same.pdf"];
    assert_eq!(bed.found(word("gamma")), both);
    assert_eq!(bed.found(phrase("delta report")), both);
    assert_eq!(bed.found(regex("^the d.lta report$")), both);
    assert!(bed.found(phrase("PDF-1.7")).is_empty());
    assert_eq!(bed.found(word("bad")), ["a/bad.pdf"]);
    let found = bed.ask(phrase("the delta"), &["a"]);
    let line = &found.results[0].lines[0];
    assert_eq!(line.text, "the delta report");
    assert_eq!(line.place, Some(Place::Page { page: 2 }));
    assert_eq!((line.number, line.matches.clone()), (2, vec![(0, 9)]));
    // One of the same bytes was read, and the other one's words are the same.
    let reads = || fs::read_to_string(&notes).unwrap().lines().count();
    assert_eq!(reads(), 2);
    // What is missing is said: in the answer, of the file, and in all.
    assert_eq!(found.unsearched, 1);
    assert_eq!(bed.ask(phrase("the delta"), &["b"]).unsearched, 0);
    let missing = bed.ask(Condition::Unsearched, &["a", "b"]);
    assert_eq!(path(&missing.results[0]), "a/bad.pdf");
    let note = missing.results[0].note.as_deref().unwrap();
    assert!(note.contains("ended on it"), "{note}");
    let status = bed.search().status();
    assert_eq!(
        (status.state, status.unread, status.cut),
        (State::Ready, 1, 0)
    );
    // Neither a start nor an index made anew reads again what was read.
    bed.start();
    bed.walk();
    assert_eq!(bed.found(word("gamma")), both);
    bed.search().rebuild("somebody asked for it".to_owned());
    assert_eq!(bed.search().status().state, State::Rebuilding);
    bed.search().settle();
    assert_eq!(bed.found(word("gamma")), both);
    assert_eq!(reads(), 3, "only the bad one, once more");
}

#[test]
fn a_packed_file_that_changes_goes_or_waits_is_found_as_it_is() {
    let bed = Bed::new();
    let gate = bed.at("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.unwrap().success());
    let script = format!(
        "read line < '{}'; {}",
        gate.display(),
        pdf_reader(&bed.at("notes"))
    );
    let bed = bed.reading_by(script);
    bed.walk();
    bed.write("a/slow.pdf", "%PDF-1.7 slow");
    bed.write("a/plain.txt", "fresh words");
    bed.search().changed("a".into(), "slow.pdf".into(), true);
    bed.search().changed("a".into(), "plain.txt".into(), true);
    // While its reader waits, it is found by name, other files by their words.
    while bed.found(word("fresh")).is_empty() || bed.found(word("slow")).is_empty() {
        std::thread::yield_now();
    }
    let status = bed.search().status();
    assert_eq!((status.state, status.reading), (State::CatchingUp, 1));
    assert!(status.why.unwrap().contains("one file"));
    let waits = bed.ask(word("gamma"), &["a"]);
    assert_eq!((waits.total, waits.unsearched), (0, 1));
    // It is written anew meanwhile: what was read of the old one is not taken for it.
    fs::remove_file(bed.at("a/slow.pdf")).unwrap();
    bed.search().changed("a".into(), "slow.pdf".into(), true);
    fs::write(&gate, "go\n").unwrap();
    bed.search().settle();
    assert!(bed.found(word("gamma")).is_empty());
    assert_eq!(bed.search().status().state, State::Ready);
    assert_eq!(bed.search().status().reading, 0);
}

#[test]
fn text_beyond_the_limit_is_said() {
    let bed = Bed::new();
    let limit = usize::try_from(super::text::LIMIT).unwrap();
    let mut long = "first words\n".repeat(limit / 12 + 1);
    long.push_str("needle at the end\n");
    bed.write("a/long.log", &long);
    bed.write("b/short.log", "needle");
    bed.walk();
    let found = bed.ask(phrase("needle"), &["a", "b"]);
    assert_eq!((found.total, found.unsearched), (1, 1));
    let ends = Condition::And(vec![
        phrase("needle"),
        Condition::Ending(Name("txt".to_owned())),
    ]);
    assert_eq!(bed.ask(ends, &["a", "b"]).unsearched, 0);
    let note = bed.ask(word("first"), &["a"]).results[0].note.clone();
    assert!(
        note.unwrap()
            .starts_with("Only the first 16 MiB of its 17 MiB")
    );
    assert_eq!(bed.search().status().cut, 1);
}
