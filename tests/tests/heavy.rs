//! Heavy files: read in parts, gone on with where they were cut off, and whole or not there.

#![expect(clippy::disallowed_methods, reason = "parts are laid down here")]

use std::fs;

use countersign_protocol::Digest;
use countersign_tests::{agent::Care, bed::TestBed};
use serde_json::Value;

const SIZE: usize = 24 * 1024 * 1024 + 7;

/// Bytes of which no two pieces are the same.
fn film() -> Vec<u8> {
    let words =
        (0u64..).flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.take(SIZE).collect()
}

fn get(bed: &TestBed) -> (i32, Value) {
    let to = bed.home.join("film.mp4");
    let to = to.to_str().expect("a path that is text");
    let ran = bed.run(&["--json", "get", "H-1", "clips/film.mp4", "-o", to]);
    (ran.0, serde_json::from_str(&ran.1).unwrap_or_default())
}

#[test]
fn a_download_that_was_cut_off_goes_on_and_is_whole_or_not_there() {
    let bed = TestBed::start();
    let film = film();
    let sha256 = Digest::of(&film);
    let agent = bed.agent("ada");
    let package = agent
        .package("film")
        .sealed_file("clips/film.mp4", film.clone());
    let delivery = agent
        .write("run", &package, Care::Rename)
        .expect("it is writable");
    delivery.receipt();
    // The agent's own file is gone; what was sealed is not.
    fs::write(bed.workspace().join("run/clips/film.mp4"), "other").expect("it is writable");

    let part = bed.home.join(format!(".countersign-{sha256}.part"));
    fs::write(&part, &film[..SIZE / 3]).expect("it is writable");
    let (code, told) = get(&bed);
    assert_eq!(code, 0, "{told}");
    assert_eq!(told["resumed_at"], SIZE / 3);
    assert_eq!(told["sha256"], sha256.to_string());
    let out = bed.home.join("film.mp4");
    assert!(fs::read(&out).expect("it is there") == film);
    assert!(!part.exists());
    // It is never put over a file.
    assert_eq!(get(&bed).0, 6);

    // A part that was damaged is no part of the whole.
    fs::remove_file(&out).expect("it is there");
    let mut damaged = film[..SIZE / 2].to_vec();
    damaged[4_711] ^= 1;
    fs::write(&part, damaged).expect("it is writable");
    assert_eq!(get(&bed).0, 1);
    assert!(!part.exists() && !out.exists());
    let (code, told) = get(&bed);
    assert_eq!((code, &told["resumed_at"]), (0, &Value::from(0)));
    assert!(fs::read(&out).expect("it is there") == film);

    // A browser that looks at the end of a film gets the end alone.
    let url = "/api/v1/handoffs/1/revisions/1/files/clips/film.mp4";
    let tag = format!("\"{sha256}\"");
    let reply = bed
        .http()
        .send(
            "GET",
            url,
            &[("range", "bytes=-1000"), ("if-range", &tag)],
            &[],
        )
        .expect("it answers");
    assert_eq!(reply.status, 206);
    assert_eq!(reply.body, film[SIZE - 1000..]);
}
