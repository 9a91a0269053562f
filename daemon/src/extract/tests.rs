//! Children that misbehave: shell scripts in the place of the program.

use std::{path::Path, sync::Arc, time::Duration};

use countersign_protocol::{
    Digest,
    content::{Content, CutReason, Kind},
};

use super::{
    Cache, Extractor, Limits, Program, Source, Subject, Urgency, View, run::Death, worker,
};
use crate::clock::{SharedClock, SystemClock, TestClock};

/// What a child answers that says a PDF has the title `fine`.
const FINE: &str = r#"{"answer":"content","content":{"kind":"pdf","media_type":"application/pdf","name":"PDF","size":9,"body":{"is":"pdf","pages":1,"encrypted":false,"javascript":false,"title":"fine"}}}"#;

fn extractor(script: &str, clock: SharedClock, cache: Option<Cache>) -> Extractor {
    let program = Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), "sh".into()],
    };
    let limits = Limits {
        answer: 100_000,
        workers: 1,
        waiting: 0,
        ..Limits::default()
    };
    Extractor::new(program, limits, cache, clock)
}

fn pdf(extractor: &Extractor, bytes: &[u8]) -> Content {
    let subject = Subject {
        name: "a.pdf",
        sha256: None,
    };
    extractor.content(subject, Urgency::Person, || {
        Ok(Source::Bytes(bytes.to_vec()))
    })
}

/// A shell command that writes `json` as a frame.
fn frame(json: &str) -> String {
    let [a, b, c, d] = u32::try_from(json.len()).unwrap().to_le_bytes();
    format!("printf '\\{a:03o}\\{b:03o}\\{c:03o}\\{d:03o}'; printf %s '{json}'")
}

fn reason(content: &Content) -> CutReason {
    content.cut.as_ref().expect("a reason").reason
}

#[test]
fn a_child_that_ends_badly_costs_its_file_and_no_other() {
    let script = format!(
        "case $(head -c 9) in
            %PDF-kill) kill -9 $$ ;;
            %PDF-junk) head -c 5000 /dev/urandom ;;
            %PDF-none) : ;;
            %PDF-flow) yes ;;
            %PDF-fail) exit 3 ;;
            %PDF-half) printf '\\377\\0\\0\\0{{' ;;
            *) {} ;;
        esac",
        frame(FINE)
    );
    let extractor = extractor(&script, SystemClock::shared(), None);
    for (bytes, expected) in [
        (b"%PDF-kill", CutReason::Crashed),
        (b"%PDF-junk", CutReason::Crashed),
        (b"%PDF-none", CutReason::Crashed),
        (b"%PDF-flow", CutReason::TooMuchText),
        (b"%PDF-fail", CutReason::Crashed),
        (b"%PDF-half", CutReason::Crashed),
    ] {
        let content = pdf(&extractor, bytes);
        assert_eq!(reason(&content), expected, "{bytes:?}");
        assert_eq!(content.file_type.kind, Kind::Pdf);
        assert_eq!(content.size, 9);
        let next = pdf(&extractor, b"%PDF-fine");
        assert_eq!(next.cut, None, "after {bytes:?}");
        assert!(serde_json::to_string(&next.body).unwrap().contains("fine"));
    }
}

#[test]
fn a_child_that_hangs_is_ended_by_its_id() {
    for script in [
        "exec sleep 1000",
        // Says that it is done, and stays.
        "exec >&- 2>&-; exec sleep 1000",
        // Complains for ever.
        "yes complaint >&2",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > '{}'; {script}", file.display());
        let clock = TestClock::at("2026-11-20T14:20:00Z".parse().unwrap());
        let extractor = extractor(&script, clock.clone(), None);
        let content = std::thread::scope(|scope| {
            let reader = scope.spawn(|| pdf(&extractor, b"%PDF-hang"));
            // The clock moves only once the child is there.
            let pid = loop {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                if let Ok(pid) = text.trim().parse::<u32>() {
                    break pid;
                }
                assert!(!reader.is_finished(), "{script}");
                std::thread::yield_now();
            };
            assert!(Path::new(&format!("/proc/{pid}")).exists());
            while !reader.is_finished() {
                clock.advance(Duration::from_secs(31));
                std::thread::yield_now();
            }
            assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{script}");
            reader.join().unwrap()
        });
        assert_eq!(reason(&content), CutReason::Time, "{script}");
    }
}

#[test]
fn what_cannot_be_started_is_said_and_may_pass() {
    let program = Program {
        path: "/nonexistent".into(),
        arguments: Vec::new(),
    };
    let clock = SystemClock::shared();
    let extractor = Extractor::new(program, Limits::default(), None, clock);
    let content = pdf(&extractor, b"%PDF-1.7");
    assert_eq!(reason(&content), CutReason::Unavailable);
    assert!(reason(&content).may_pass());
    let subject = Subject {
        name: "a",
        sha256: None,
    };
    let content = extractor.content(subject, Urgency::Person, || {
        Err(std::io::ErrorKind::PermissionDenied.into())
    });
    assert_eq!(reason(&content), CutReason::Unavailable);
}

#[test]
fn a_child_knows_nothing_of_us() {
    let folder = tempfile::tempdir().unwrap();
    let _open = std::fs::File::open(folder.path()).unwrap();
    let script = format!(
        "[ \"$(pwd)\" = / ] && [ -z \"$HOME$USER$CARGO\" ] || exit 3
        ls -l /proc/$$/fd | grep -q '{}' && exit 4
        {}",
        folder.path().display(),
        frame(FINE)
    );
    let extractor = extractor(&script, SystemClock::shared(), None);
    assert_eq!(pdf(&extractor, b"%PDF-fine").cut, None);
}

#[test]
fn what_was_read_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(Cache::open(folder.path(), 1 << 20).unwrap());
    let clock: SharedClock = SystemClock::shared();
    let subject = Subject {
        name: "a.pdf",
        sha256: Some(Digest::of(b"%PDF-fine")),
    };
    let read = |extractor: &Extractor| {
        extractor.content(subject, Urgency::Background, || {
            Ok(Source::Bytes(b"%PDF-fine".to_vec()))
        })
    };
    let once = extractor(&frame(FINE), Arc::clone(&clock), cache());
    let first = read(&once);
    assert_eq!(first.cut, None);
    // Another run, in which nothing can be read any more.
    let never = extractor("exit 3", Arc::clone(&clock), cache());
    let again = never.content(subject, Urgency::Person, || panic!("it is known"));
    assert_eq!(again, first);
    // What broke off for a reason of this machine is tried again; what repeats is not.
    let other = Subject {
        name: "a.pdf",
        sha256: Some(Digest::of(b"other")),
    };
    let read = |script: &str| {
        extractor(script, Arc::clone(&clock), cache()).content(other, Urgency::Person, || {
            Ok(Source::Bytes(b"%PDF-fine".to_vec()))
        })
    };
    assert_eq!(reason(&read("kill -9 $$")), CutReason::Crashed);
    let memory = "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$";
    assert_eq!(reason(&read(memory)), CutReason::Memory);
    assert_eq!(reason(&read(&frame(FINE))), CutReason::Memory);
}

#[test]
fn a_page_is_drawn_twice_so_that_no_bytes_of_another_program_are_shown() {
    // The first child draws the page, the second one draws that anew.
    let png = "printf '\\211PNG\\r\\n\\032\\n\\0\\0\\0\\rIHDR\\0\\0\\0\\004\\0\\0\\0\\002'";
    let answer = frame(r#"{"answer":"cut","cut":{"reason":"damaged","message":"seen"}}"#);
    let script = format!("case \"$1\" in *'\"page\"'*) {png} ;; *) {answer} ;; esac");
    let extractor = extractor(&script, SystemClock::shared(), None);
    let subject = Subject {
        name: "a.pdf",
        sha256: None,
    };
    let drawn = extractor.picture(subject, View::Page(1), 640, Urgency::Person, || {
        Ok(Source::Bytes(b"%PDF-1.7".to_vec()))
    });
    assert_eq!(drawn.unwrap_err().message, "seen");
}

#[test]
fn random_answers_are_refused() {
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let length = (state >> 60) as usize;
        let bytes = state.to_le_bytes().repeat(2)[..length].to_vec();
        assert!(matches!(worker::answer(bytes), Err(Death::Garbage(_))));
    }
}
