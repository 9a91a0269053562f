//! The child that reads files is really confined, and its memory is bounded whatever it reads.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    net::TcpListener,
    os::unix::process::ExitStatusExt as _,
};

use countersign_protocol::content::{SNIFFED, sniff};
use countersign_tests::{
    confined::{Ended, child},
    samples,
};
use serde_json::{Value, json};

/// What a child may hold, in bytes: less than the daemon gives, so that it shows that it holds.
const MEMORY: u64 = 512 << 20;

/// What none of the hostile files may make it hold: the program itself and what is read at a time.
const PEAK: u64 = 160 << 20;

fn attempt(what: &Value) -> Ended {
    let nothing = File::open("/dev/null").expect("a device");
    child(&json!({"job": "attempt", "what": what}), nothing, MEMORY, 2)
}

fn told(what: &Value) -> String {
    let ended = attempt(what);
    let message = ended
        .answer
        .as_ref()
        .and_then(|it| it["cut"]["message"].as_str());
    let message = message.unwrap_or_else(|| panic!("{what}: {ended:?}"));
    message.to_owned()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
fn a_child_reaches_no_file_no_network_and_no_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(folder.path().join("kept"), "x").expect("a disk");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("an address").to_string();
    for what in [
        json!({"open": "/etc/passwd"}),
        json!({"open": at("kept")}),
        json!({"open": "/proc/self/environ"}),
        json!({"make_folder": at("made")}),
        json!({"remove": at("kept")}),
        json!({"connect": address}),
        json!("socket"),
        json!("fork"),
        json!({"start": "/bin/true"}),
        json!("signal"),
        json!({"memory": 2 * MEMORY}),
    ] {
        let told = told(&what);
        assert!(told.starts_with("refused"), "{what}: {told}");
    }
    assert!(folder.path().join("kept").exists() && !folder.path().join("made").exists());
    // The harness can tell a success: what a reader may do is done.
    assert_eq!(told(&json!("thread")), "done");
    assert_eq!(told(&json!({"memory": MEMORY / 4})), "done");
}

#[test]
fn a_child_that_spins_is_ended_by_the_kernel() {
    let ended = attempt(&json!("spin"));
    // SIGXCPU, or SIGKILL a second later.
    assert!(matches!(ended.status.signal(), Some(24 | 9)), "{ended:?}");
}

#[test]
fn hostile_files_cost_a_bounded_peak_of_memory() {
    let laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><w:document><w:t>&b;</w:t></w:document>";
    let ring: Vec<Vec<u8>> = [
        "<</Type /Catalog /Pages 2 0 R>>",
        "<</Type /Pages /Kids [2 0 R] /Count 1000000>>",
    ]
    .map(|object| object.as_bytes().to_vec())
    .into();
    let mut line = tempfile::tempfile().expect("a file");
    line.write_all(b"{\"cells\": [{\"cell_type\": \"code\", \"source\": \"")
        .expect("a disk");
    line.write_all(&b"x".repeat(1 << 20)).expect("a disk");
    line.set_len(1 << 30).expect("a sparse file");
    let file = |bytes: Vec<u8>| {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("a disk");
        file
    };
    let cases = [
        (
            "zip bomb",
            "a.xlsx",
            file(samples::zip_bomb("xl/workbook.xml", 10 * 1024, 1000)),
        ),
        ("gzip bomb", "a.gz", file(samples::gzip_bomb(10 * 1024))),
        (
            "XML bomb",
            "a.docx",
            file(samples::zip(&[
                ("[Content_Types].xml", b""),
                ("word/document.xml", laughs.as_bytes()),
            ])),
        ),
        ("PDF loop", "a.pdf", file(samples::pdf_of(&ring, ""))),
        (
            "PNG bomb",
            "a.png",
            file(samples::png_bomb(65_535, 65_535, 64)),
        ),
        ("1 GiB of JSON in a line", "a.ipynb", line),
    ];
    for (what, name, mut input) in cases {
        let mut head = vec![0; SNIFFED];
        let read = std::os::unix::fs::FileExt::read_at(&input, &mut head, 0).expect("a disk");
        let file_type = sniff(&head[..read], false, name);
        input.rewind().expect("a file");
        let size = input.metadata().expect("a file").len();
        let job = json!({"job": "content", "file_type": file_type});
        let ended = child(&job, input, MEMORY, 20);
        let why = |answer: &Value| {
            let content = &answer["content"];
            let cut = content["cut"]["message"].as_str();
            let found = content["findings"][0]["message"].as_str();
            cut.or(found).map(str::to_owned)
        };
        let why = ended.answer.as_ref().and_then(why);
        assert!(
            why.is_some() || !ended.status.success(),
            "{what}: {ended:?}"
        );
        println!(
            "{what}: {} bytes, peak {} MiB, {}, {}",
            size,
            ended.peak >> 20,
            ended.status,
            why.unwrap_or_default()
        );
        assert!(ended.peak <= PEAK, "{what}: {}", ended.peak);
        assert!(ended.peak > 1 << 20, "{what}: nothing was measured");
    }
}
