//! Files of every type in headless Chromium, with the real program behind them.

use countersign_protocol::HandoffId;
use countersign_tests::{
    agent::{Care, Package},
    bed::TestBed,
    samples,
    webdriver::{Browser, Driver, Look},
};
use serde_json::json;

const HOSTILE: &str =
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";

/// Path, content before and now, and words that its card has.
type Sample = (&'static str, Vec<u8>, Vec<u8>, &'static str);

/// A file of each type that is shown without a program of its own, before and now, and what the page
/// then says.
fn files() -> Vec<Sample> {
    let log = |word: &str| -> Vec<u8> {
        let line = |at: usize| match at % 1_000 {
            0 => format!("{at} ERROR {word} {HOSTILE}\n"),
            _ => format!("{at} all is well, step after step, and nothing more to say of it\n"),
        };
        (1..=40_000).map(line).collect::<String>().into_bytes()
    };
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "code.rs",
            text("fn a() {}\n"),
            text(&format!("fn b() {{}} // {HOSTILE}\u{202E}\r\n")),
            "‹U+202E›",
        ),
        (
            "page.md",
            text("# One\n"),
            text(&format!("# Two\n\n{HOSTILE}\n\n[x](javascript:alert(1))\n")),
            "Two",
        ),
        (
            "table.csv",
            text("id,sum\n1,2\n"),
            text(&format!("id,sum\n1,3\n2,=cmd()\n3,{HOSTILE}\n")),
            "2 added",
        ),
        (
            "values.json",
            text("{\"a\": 1}"),
            text(&format!("{{\"a\": {}}}", json!(HOSTILE))),
            "Before",
        ),
        ("values.yaml", text("a: 1\n"), text("a: 2\n"), "Before"),
        ("values.toml", text("a = 1\n"), text("a = 2\n"), "Before"),
        (
            "drawing.svg",
            text("<svg/>"),
            text(&format!(
                "<svg xmlns='http://www.w3.org/2000/svg'>{HOSTILE}</svg>"
            )),
            "Drawing",
        ),
        ("run.log", text(""), log("disk"), "All lines"),
        (
            "blob.bin",
            vec![0, 1],
            (0..=255).collect(),
            "only described",
        ),
        (
            "tool",
            vec![0],
            b"\x7fELF\x02\x01\0\0".to_vec(),
            "It is a program",
        ),
        (
            "sound.wav",
            vec![0],
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec(),
            "WAV audio",
        ),
        (
            "film.mp4",
            vec![0],
            b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2avc1mp41".to_vec(),
            "film.en.vtt",
        ),
        (
            "film.en.vtt",
            text("WEBVTT\n"),
            text(&format!(
                "WEBVTT\n\nSTYLE\n::cue {{ color: red }}\n\n00:01.000 --> 00:02.000\nHello {HOSTILE}\n"
            )),
            "Hello",
        ),
        (
            "pack.zip",
            samples::zip(&[("in/notes.txt", b"one\n")]),
            samples::zip(&[("in/notes.txt", b"one\ntwo\n"), ("pic.bin", b"\0\x01")]),
            "in/notes.txt",
        ),
    ]
}

struct Scene {
    driver: Driver,
    bed: TestBed,
    id: HandoffId,
}

impl Scene {
    /// Hands over the files as they were, and then as they are.
    fn start() -> Self {
        let bed = TestBed::start();
        let agent = bed.agent("mallory");
        let deliver = |round: usize, pick: fn(Sample) -> Vec<u8>| {
            let package: Package = agent.package("Look at all of it").with("task_id", "all");
            let package = package.with("x-round", round);
            let package = files().into_iter().fold(package, |package, file| {
                let path = file.0;
                package.file(path, pick(file))
            });
            let delivery = agent.write("all", &package, Care::Rename).expect("written");
            delivery.receipt()
        };
        let id = deliver(1, |file| file.1).handoff_id;
        assert_eq!(deliver(2, |file| file.2).revision, 2);
        Self {
            driver: Driver::start(),
            bed,
            id,
        }
    }

    fn signed_in(&self, look: Look) -> Browser {
        let made = self.bed.http().push("/api/v1/start-links", &json!({}));
        let made = made.expect(201).json();
        let browser = self.driver.open(look);
        browser.go(made["url"].as_str().expect("a link"));
        browser.arrives("/queue");
        browser
    }

    fn page(&self, path: &str) -> String {
        let (base, id) = (&self.bed.endpoint().url, self.id);
        format!("{base}/h/{id}/r/2/file?base=1&path={path}")
    }
}

#[test]
fn each_file_is_shown_by_its_type_with_and_without_javascript() {
    let scene = Scene::start();
    for scripts in [true, false] {
        let browser = scene.signed_in(Look {
            scripts,
            ..Look::default()
        });
        browser.go(&format!("{}/h/{}", scene.bed.endpoint().url, scene.id));
        browser.says("Look at all of it");
        for (path, _, _, says) in files() {
            browser.go(&scene.page(path));
            browser.says(says);
            if scripts {
                assert_ne!(browser.run("return document.title"), "owned", "{path}");
                assert_eq!(browser.console_errors(), Vec::<String>::new(), "{path}");
            }
        }
        // Another view of a file is a link; with scripts it comes in its place.
        browser.go(&scene.page("page.md"));
        browser.find(".tools a[href*='view=source']").click();
        browser.says("<script>document.title");
        let here = browser.url();
        assert_eq!(here.contains("view=source"), !scripts, "{here}");
        // A log is read from its end, and by what is grave in it.
        browser.go(&scene.page("run.log"));
        browser.find(".tools a[href*='to=end']").click();
        browser.says("40000 ERROR disk");
        browser.find(".tools a[href*='level=error']").click();
        browser.says("7000 ERROR disk");
        assert!(!browser.text().contains("step after step"));
    }
}

/// Captions reach a player as times and words, and a text inside of an archive is compared with what it was.
#[test]
fn captions_are_written_anew_and_entries_of_archives_are_shown() {
    let scene = Scene::start();
    let browser = scene.signed_in(Look::default());
    browser.go(&scene.page("film.mp4"));
    browser.says("Captions beside it");
    let cues = browser.run(
        "return fetch(document.querySelector('video track').src).then((answer) => answer.text())",
    );
    assert_eq!(
        cues,
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello document.title='owned'\n"
    );
    browser.go(&scene.page("pack.zip"));
    browser.find(".shown a[href*='entry=']").click();
    browser.says("read without unpacking");
    browser.says("two");
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn a_browser_seeks_in_a_sealed_file() {
    let scene = Scene::start();
    let path = format!("/api/v1/handoffs/{}/revisions/2/files/run.log", scene.id);
    let whole = scene.bed.http().fetch(&path);
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let size = whole.body.len();
    assert_eq!(
        whole.header("content-length"),
        Some(size.to_string().as_str())
    );
    for (range, start, end) in [
        ("bytes=0-9".to_owned(), 0, 10),
        (format!("bytes={}-", size - 5), size - 5, size),
        ("bytes=-7".to_owned(), size - 7, size),
        ("bytes=1000000-1000099".to_owned(), 1_000_000, 1_000_100),
    ] {
        let asked = scene
            .bed
            .http()
            .send("GET", &path, &[("range", &range)], &[]);
        let part = asked.expect("an answer");
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, whole.body[start..end], "{range}");
        let place = format!("bytes {start}-{}/{size}", end - 1);
        assert_eq!(part.header("content-range"), Some(place.as_str()));
    }
}
