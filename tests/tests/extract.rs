//! Files read by real children of the program: whole ones, broken ones, and ones that want to harm.

use std::{fs::File, os::unix::fs::FileExt as _};

use countersign::{
    clock::SystemClock,
    extract::{Extractor, Limits, Program, Source, Subject, Urgency, View},
};
use countersign_protocol::content::{
    Body, CellKind, Content, CutReason, EntryFlag, FindingCode, Kind, Place,
};
use countersign_tests::{agent::Care, bed::TestBed, program, samples};

fn extractor() -> Extractor {
    // Little memory, so that a test shows that it holds; a debug build of the program needs much of it.
    let limits = Limits {
        memory: 512 << 20,
        processor_seconds: 20,
        time: std::time::Duration::from_mins(5),
        ..Limits::default()
    };
    Extractor::new(
        Program::at(program::path()),
        limits,
        None,
        SystemClock::shared(),
    )
}

fn subject(name: &str) -> Subject<'_> {
    Subject { name, sha256: None }
}

fn read(name: &str, bytes: Vec<u8>) -> Content {
    extractor().content(subject(name), Urgency::Person, || Ok(Source::Bytes(bytes)))
}

fn reason(content: &Content) -> Option<CutReason> {
    content.cut.as_ref().map(|cut| cut.reason)
}

fn found(content: &Content, code: FindingCode) -> bool {
    content.findings.iter().any(|finding| finding.code == code)
}

fn said(content: &Content) -> Vec<(Place, &str)> {
    content
        .text
        .iter()
        .map(|segment| (segment.place.clone(), segment.text.trim_end()))
        .collect()
}

#[test]
fn office_documents_say_their_words_and_what_they_would_do() {
    let body = "<w:p><w:r><w:t>Gr\u{fc}\u{df}e &lt;you&gt;</w:t></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
        <w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>";
    let content = read("a.docx", samples::docx(body));
    assert_eq!(content.cut, None);
    assert_eq!(content.file_type.kind, Kind::Document);
    let comments = Place::Part {
        part: "comments".to_owned(),
    };
    assert_eq!(
        said(&content),
        [
            (Place::Whole, "Gr\u{fc}\u{df}e <you>\na\tb\t\nnew"),
            (comments, "why?")
        ]
    );
    let Body::Document(document) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(document.title.as_deref(), Some("Risks & more"));
    assert_eq!(document.external_links, ["https://evil.example/t.dotm"]);
    assert_eq!((document.tracked_changes, document.comments), (2, 1));
    for code in [
        FindingCode::Macros,
        FindingCode::ExternalLinks,
        FindingCode::TrackedChanges,
    ] {
        assert!(found(&content, code), "{code:?}");
    }

    let content = read("a.pptx", samples::pptx());
    assert_eq!(content.cut, None);
    let slide = |slide, notes| Place::Slide { slide, notes };
    assert_eq!(
        said(&content),
        [
            (slide(1, false), "first words"),
            (slide(2, false), "last words"),
            (slide(2, true), "say thanks"),
        ]
    );
    let Body::Presentation(slides) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(slides.hidden, [2]);
}

#[test]
fn workbooks_give_values_formulas_and_links() {
    let rows = "<row r='3'><c r='B3' t='inlineStr'><is><t>sum</t></is></c><c r='C3'><f>SUM(1,2)</f><v>3</v></c></row>\
        <row r='5'><c r='C5' t='b'><v>1</v></c></row>";
    let content = read("a.xlsx", samples::xlsx(rows));
    assert_eq!(content.cut, None);
    let Body::Workbook(workbook) = &content.body else {
        panic!("{content:?}")
    };
    let sheet = &workbook.sheets[0];
    assert_eq!((sheet.first_row, sheet.first_column), (3, 2));
    assert_eq!((sheet.row_count, sheet.column_count), (3, 2));
    assert_eq!(sheet.rows[0][1].formula.as_deref(), Some("SUM(1,2)"));
    assert_eq!(sheet.rows[0][1].value, "3");
    assert_eq!(sheet.rows[2][1].value, "TRUE");
    assert_eq!(workbook.external_links, ["file:///server/other.xlsx"]);
    let row = |row| Place::Row {
        sheet: "Q3".to_owned(),
        row,
    };
    assert_eq!(said(&content), [(row(3), "sum\t3"), (row(5), "\tTRUE")]);

    // Two cells at the corners of the largest sheet do not make seventeen thousand million.
    let corners = "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c></row>";
    let content = read("a.xlsx", samples::xlsx(corners));
    assert_eq!(reason(&content), Some(CutReason::TooMany));
    assert_eq!(said(&content), [(row(1), "1")]);
}

#[test]
fn a_pdf_is_read_page_by_page() {
    let content = read("a.pdf", samples::pdf(&["first page", "second page"]));
    assert_eq!(content.cut, None);
    let page = |page| Place::Page { page };
    assert_eq!(
        said(&content),
        [(page(1), "first page"), (page(2), "second page")]
    );
    let Body::Pdf(pdf) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!((pdf.pages, pdf.title.as_deref()), (2, Some("A report")));
    assert!(pdf.javascript && found(&content, FindingCode::JavaScript));
}

#[test]
fn archives_are_listed_and_their_texts_read() {
    let inner = samples::zip(&[("x", b"x")]);
    let content = read(
        "a.zip",
        samples::zip(&[
            ("a/b.txt", b"packed words"),
            ("../out", b"no"),
            ("in.zip", &inner),
        ]),
    );
    assert_eq!(reason(&content), Some(CutReason::NotRead));
    let Body::Archive(archive) = &content.body else {
        panic!("{content:?}")
    };
    let flags: Vec<_> = archive
        .entries
        .iter()
        .map(|entry| entry.flags.clone())
        .collect();
    assert_eq!(
        flags,
        [vec![], vec![EntryFlag::Parent], vec![EntryFlag::Nested]]
    );
    assert!(found(&content, FindingCode::LeavesFolder) && found(&content, FindingCode::Nested));
    let member = |path: &str| Place::Member {
        path: path.to_owned(),
    };
    assert_eq!(
        said(&content),
        [
            (member("a/b.txt"), "packed words"),
            (member("../out"), "no")
        ]
    );

    for (name, bytes) in [
        ("a.tar", samples::tar()),
        ("a.tgz", samples::gzip(&samples::tar())),
    ] {
        let content = read(name, bytes);
        assert_eq!(content.cut, None, "{name}");
        let Body::Archive(archive) = &content.body else {
            panic!("{content:?}")
        };
        assert_eq!(archive.entries[1].target.as_deref(), Some("/etc/passwd"));
        assert_eq!(archive.entries[1].flags, [EntryFlag::Link]);
        assert_eq!(archive.entries[2].flags, [EntryFlag::Parent]);
        assert_eq!(said(&content), [(member("notes.txt"), "hello")]);
    }
    let many: Vec<String> = (0..10_050).map(|n| format!("{n}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let content = read("many.zip", samples::zip(&many));
    assert_eq!(reason(&content), Some(CutReason::TooMany));
    let Body::Archive(archive) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(
        (archive.entries.len(), archive.stated_entries),
        (10_000, Some(10_050))
    );
}

#[test]
fn notebooks_messages_and_pages_are_read_and_not_run() {
    let png = samples::image(40, 20, image::ImageFormat::Png);
    let notebook = samples::notebook(&png);
    let content = read("a.ipynb", notebook.clone());
    assert_eq!(content.cut, None);
    let Body::Notebook(cells) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(cells.cells[0].kind, CellKind::Markdown);
    assert_eq!(cells.cells[1].outputs[1].text, "bold");
    assert!(cells.cells[2].outputs[0].text.ends_with("\nTrace"));
    assert!(found(&content, FindingCode::ExecutionOrder));
    let output = cells.cells[1].outputs[1].image.as_ref().expect("a picture");
    let view = View::Output(output.sha256);
    let drawn = extractor().picture(subject("a.ipynb"), view, 10, Urgency::Person, || {
        Ok(Source::Bytes(notebook))
    });
    let drawn = drawn.expect("it is a picture");
    assert_eq!((drawn.width, drawn.height), (10, 5));

    let content = read("a.eml", samples::email());
    let Body::Email(email) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(email.from, ["J\u{fc}rgen <j@x.example>"]);
    assert_eq!(email.attachments[0].name, "a.exe");
    assert!(found(&content, FindingCode::Executable));
    assert!(said(&content).contains(&(Place::Whole, "Hi there")));

    let content = read(
        "a",
        b"<!doctype html><title>T</title><p>Hi<script>1</script>".to_vec(),
    );
    assert_eq!(said(&content), [(Place::Whole, "Hi")]);
    assert!(found(&content, FindingCode::Scripts));
}

#[test]
fn pictures_are_described_and_drawn_anew() {
    for (format, name) in [
        (image::ImageFormat::Png, "PNG image"),
        (image::ImageFormat::Jpeg, "JPEG image"),
        (image::ImageFormat::Gif, "GIF image"),
        (image::ImageFormat::WebP, "WebP image"),
    ] {
        let bytes = samples::image(40, 20, format);
        let content = read("x", bytes.clone());
        assert_eq!(content.file_type.name, name);
        let Body::Image(facts) = &content.body else {
            panic!("{content:?}")
        };
        assert!(facts.showable && !facts.animated, "{name}");
        assert_eq!((facts.width, facts.height), (40, 20));
        let drawn = extractor().picture(subject("x"), View::Image, 8, Urgency::Person, || {
            Ok(Source::Bytes(bytes))
        });
        let drawn = drawn.expect("it is a picture");
        assert_eq!((drawn.width, drawn.height), (8, 4));
        assert!(drawn.png.starts_with(b"\x89PNG"));
    }
    let Body::Media(sound) = read("x", samples::wav()).body else {
        panic!("no sound")
    };
    assert_eq!(sound.seconds, Some(1.0));
}

#[test]
fn pages_of_a_pdf_are_drawn_where_poppler_is() {
    let drawn = extractor().picture(
        subject("a.pdf"),
        View::Page(2),
        200,
        Urgency::Person,
        || Ok(Source::Bytes(samples::pdf(&["one", "two"]))),
    );
    match drawn {
        Ok(page) => assert_eq!((page.width, page.height), (200, 200)),
        Err(cut) => {
            assert_eq!(cut.reason, CutReason::Unavailable, "{cut:?}");
            println!("skipped: {}", cut.message);
        }
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let kilobytes: u64 = line
        .split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number");
    kilobytes * 1024
}

#[test]
fn bombs_cost_bounded_time_and_memory_and_leave_a_reason() {
    let unpacked = [
        CutReason::TooMuchUnpacked,
        CutReason::Memory,
        CutReason::Time,
        CutReason::Damaged,
    ];
    let laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><w:document><w:t>&b;</w:t></w:document>";
    let loops = |objects: &[&str], trailer: &str| {
        let objects: Vec<Vec<u8>> = objects
            .iter()
            .map(|object| object.as_bytes().to_vec())
            .collect();
        samples::pdf_of(&objects, trailer)
    };
    let broken = [
        CutReason::Damaged,
        CutReason::Time,
        CutReason::Memory,
        CutReason::Refused,
        CutReason::Crashed,
    ];
    let flate = |kind: &str, mebibytes| {
        let mut data = vec![0x78, 0x9c];
        data.extend(samples::zeros(mebibytes, true));
        samples::stream(
            &format!("/Type /{kind} /N 1 /First 4 /Filter /FlateDecode"),
            &data,
        )
    };
    let nested = format!("<w:p>{}<w:t>deep</w:t>", "<w:r>".repeat(1_000_000));
    let cases: Vec<(&str, Vec<u8>, &[CutReason])> = vec![
        ("10 GB in a gzip", samples::gzip_bomb(10 * 1024), &unpacked),
        (
            "10 GB in a workbook",
            samples::zip_bomb("xl/workbook.xml", 10 * 1024, 1000),
            &unpacked,
        ),
        (
            "10 GB in a document",
            samples::zip_bomb("word/document.xml", 10 * 1024, u32::MAX),
            &unpacked,
        ),
        (
            "entities",
            samples::zip(&[
                ("[Content_Types].xml", b""),
                ("word/document.xml", laughs.as_bytes()),
            ]),
            &[CutReason::Refused],
        ),
        (
            "entities in a workbook",
            samples::zip(&[("xl/workbook.xml", laughs.as_bytes())]),
            &[CutReason::Refused],
        ),
        (
            "a tree of pages that is a ring",
            loops(
                &[
                    "<</Type /Catalog /Pages 2 0 R>>",
                    "<</Type /Pages /Kids [2 0 R] /Count 1000000>>",
                ],
                "",
            ),
            &broken,
        ),
        (
            "a parent that is its own",
            loops(
                &[
                    "<</Type /Catalog /Pages 2 0 R>>",
                    "<</Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R>>",
                    "<</Type /Page /Parent 2 0 R>>",
                ],
                "",
            ),
            &broken,
        ),
        (
            "a table that follows itself",
            samples::pdf_of(&[b"<</Type /Catalog>>".to_vec()], "/Prev 50"),
            &broken,
        ),
        (
            "10 GB of objects",
            samples::pdf_of(
                &[
                    b"<</Type /Catalog /Pages 9 0 R>>".to_vec(),
                    flate("ObjStm", 10 * 1024),
                ],
                "",
            ),
            &broken,
        ),
        (
            "deep arrays",
            samples::pdf_of(
                &[[b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat()],
                "",
            ),
            &broken,
        ),
        (
            "a picture of 65,535 by 65,535",
            samples::png_bomb(65_535, 65_535, 1),
            &[CutReason::Damaged],
        ),
        (
            "deep JSON",
            [b"{\"cells\":".to_vec(), b"[".repeat(1_000_000)].concat(),
            &[CutReason::Damaged],
        ),
    ];
    let before = peak();
    for (what, bytes, reasons) in cases {
        let size = bytes.len() as u64;
        let name = if what == "deep JSON" { "a.ipynb" } else { "a" };
        let content = read(name, bytes);
        if what == "a picture of 65,535 by 65,535" {
            assert!(
                found(&content, FindingCode::TooManyPixels),
                "{what}: {content:?}"
            );
        } else {
            let cut = reason(&content).unwrap_or_else(|| panic!("{what}: no reason"));
            assert!(reasons.contains(&cut), "{what}: {cut:?} {:?}", content.cut);
            println!("{what}: {cut:?}");
        }
        assert_eq!(content.size, size, "{what}");
        // The next file goes on.
        assert_eq!(read("a.wav", samples::wav()).cut, None, "after {what}");
    }
    let content = read("a.docx", samples::docx(&nested));
    assert!(content.cut.is_some() || content.joined_text().contains("deep"));
    let grown = peak().saturating_sub(before);
    assert!(grown < 200 << 20, "this process grew by {grown} bytes");
}

#[test]
fn listed_bombs_are_flagged_and_not_unpacked() {
    let content = read(
        "a.zip",
        samples::zip_bomb("zeros.txt", 10 * 1024, u32::MAX - 1),
    );
    let Body::Archive(archive) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(archive.entries[0].flags, [EntryFlag::Ratio]);
    assert!(found(&content, FindingCode::Ratio));
    assert!(content.text.is_empty());
    let content = read("a.gz", samples::gzip_bomb(2 * 1024));
    assert!(found(&content, FindingCode::Ratio));
    assert_eq!(reason(&content), Some(CutReason::TooMuchUnpacked));
}

#[test]
fn a_picture_that_truly_unpacks_is_drawn_or_refused() {
    let draw = |bytes: Vec<u8>| {
        extractor().picture(subject("a.png"), View::Image, 100, Urgency::Person, || {
            Ok(Source::Bytes(bytes))
        })
    };
    let refused = draw(samples::png_bomb(60_000, 60_000, 450)).expect_err("too many pixels");
    assert_eq!(refused.reason, CutReason::TooLarge);
    // More data than pixels, and fewer.
    for mebibytes in [1024, 0] {
        match draw(samples::png_bomb(100, 100, mebibytes)) {
            Ok(picture) => assert_eq!((picture.width, picture.height), (100, 100)),
            Err(cut) => assert_ne!(cut.reason, CutReason::Unavailable, "{cut:?}"),
        }
    }
}

#[test]
fn a_text_of_a_gigabyte_costs_what_is_read_of_it() {
    let mut file = tempfile::tempfile().expect("a file");
    std::io::Write::write_all(&mut file, b"{\"a\": [\"").expect("a disk");
    for piece in 1..=160 {
        file.write_all_at(&b"x".repeat(1 << 16), piece << 16)
            .expect("a disk");
    }
    file.write_all_at(&b"x".repeat(1 << 16), 8).expect("a disk");
    file.set_len(1 << 30).expect("a sparse file");
    let open = |file: &File| Ok(Source::File(file.try_clone()?));
    let before = peak();
    let content = extractor().content(subject("a.json"), Urgency::Person, || open(&file));
    assert_eq!(content.file_type.media_type, "application/json");
    assert_eq!(reason(&content), Some(CutReason::TooLarge));
    assert_eq!(
        (content.size, content.text[0].text.len()),
        (1 << 30, 8 << 20)
    );
    let content = extractor().content(subject("a.ipynb"), Urgency::Person, || open(&file));
    assert_eq!(reason(&content), Some(CutReason::TooLarge));
    let grown = peak().saturating_sub(before);
    assert!(grown < 150 << 20, "this process grew by {grown} bytes");

    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let content = read("a.svg", drawing.to_vec());
    assert_eq!(content.file_type.kind, Kind::Svg);
    assert!(found(&content, FindingCode::Scripts));
}

#[test]
fn what_is_cut_short_is_read_as_far_as_it_goes() {
    for (name, bytes) in samples::all() {
        // The archive holds one of its own, which is told as not read.
        let whole = reason(&read(name, bytes.clone()));
        let expected = (name == "a.zip").then_some(CutReason::NotRead);
        assert_eq!(whole, expected, "{name}");
        for part in 1..8 {
            let length = bytes.len() * part / 8;
            let content = read(name, bytes[..length].to_vec());
            assert_eq!(content.size, length as u64, "{name} {part}");
            let unavailable = reason(&content) == Some(CutReason::Unavailable);
            assert!(!unavailable, "{name} {part}: {:?}", content.cut);
        }
    }
}

#[test]
fn changed_bits_never_harm_the_reader() {
    let mut random = fastrand::Rng::with_seed(7);
    let extractor = extractor();
    for (name, whole) in samples::all() {
        for _ in 0..6 {
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..20) {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u8(..8);
            }
            let size = bytes.len() as u64;
            let content =
                extractor.content(subject(name), Urgency::Person, || Ok(Source::Bytes(bytes)));
            assert_eq!(content.size, size, "{name}");
            assert_ne!(reason(&content), Some(CutReason::Unavailable), "{name}");
        }
    }
    for start in [
        &b"%PDF-1.4\n"[..],
        b"PK\x03\x04",
        b"\x1f\x8b\x08\0",
        b"\x89PNG\r\n\x1a\n",
        b"OggS",
        b"\x1aE\xdf\xa3",
        b"\0\0\0\x18ftypmp42",
        b"ID3\x04\0\0",
    ] {
        for _ in 0..4 {
            let mut bytes = start.to_vec();
            bytes.extend((0..random.usize(..20_000)).map(|_| random.u8(..)));
            let content =
                extractor.content(subject("x"), Urgency::Person, || Ok(Source::Bytes(bytes)));
            assert_ne!(reason(&content), Some(CutReason::Unavailable), "{start:?}");
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the cache is broken from outside"
)]
fn a_reviewer_sees_what_a_child_read_also_when_nothing_can_be_read_any_more() {
    let mut bed = TestBed::start();
    let agent = bed.agent("writer");
    let package = agent.package("Report").file(
        "report.pdf",
        samples::pdf(&["the first page", "the second page"]),
    );
    let delivery = agent
        .write("report", &package, Care::Rename)
        .expect("a folder");
    let id = delivery.receipt().handoff_id;
    let path = format!("/h/{id}/r/1/file?path=report.pdf");
    let page = bed.http().fetch(&path).expect(200).text();
    assert!(page.contains("the second page"), "{page}");

    // What was read is in the cache: with another text in its place, the page shows that one.
    let folder = bed.data().join("cache");
    let kept = std::fs::read_dir(&folder)
        .expect("a cache")
        .map(|entry| entry.expect("a name").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "json"))
        .expect("what was read");
    let text = std::fs::read_to_string(&kept).expect("JSON");
    bed.down();
    std::fs::write(&kept, text.replace("the second page", "a remembered page")).expect("a disk");
    bed.up();
    let page = bed.http().fetch(&path).expect(200).text();
    assert!(page.contains("a remembered page"), "{page}");
    // A folder that is gone is made again.
    bed.down();
    std::fs::remove_dir_all(&folder).expect("a disk");
    bed.up();
    let page = bed.http().fetch(&path).expect(200).text();
    assert!(page.contains("the second page"), "{page}");
}
