//! Which files belong to a film.

use countersign_protocol::{Digest, HandoffId, provenance::Provenance};

use super::*;

#[test]
fn only_what_has_the_name_of_the_film_belongs_to_it() {
    let row = |path: &str| FileRow {
        path: path.to_owned(),
        size: 1,
        sha256: Digest::of(path.as_bytes()),
        change: Change::Added,
        declared: true,
        kept: path != "cut/demo.de.vtt",
        executable: false,
        title: None,
        from_path: None,
        percent: None,
        provenance: Provenance::Claimed,
    };
    let files = [
        "cut/demo.mp4",
        "cut/demo.vtt",
        "cut/demo.en-GB.vtt",
        "cut/demo.de.vtt",
        "cut/demo.fr.SRT",
        "cut/demo.a b.vtt",
        "cut/demo2.vtt",
        "cut/demo./x.vtt",
        "demo.vtt",
        "cut/demo.txt",
        "cut/demo.poster.jpg",
        "cut/demo.thumb.png",
    ]
    .map(row);
    let place = Place {
        id: HandoffId(7),
        revision: 2,
        base: None,
    };
    let beside = Beside::of(place, &files, "cut/demo.mp4");
    let names: Vec<_> = beside
        .tracks
        .iter()
        .map(|track| track.name.as_str())
        .collect();
    assert_eq!(names, ["demo.vtt", "demo.en-GB.vtt", "demo.fr.SRT"]);
    assert_eq!(beside.tracks[1].language.as_deref(), Some("en-GB"));
    assert_eq!(
        beside.poster.as_deref(),
        Some("/h/H-7/r/2/picture?path=cut%2Fdemo.poster.jpg")
    );
    assert_eq!(Beside::of(place, &files, "cut/demo"), Beside::default());
}
