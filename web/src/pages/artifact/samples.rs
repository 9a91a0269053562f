//! One card for each way of showing a file.

use countersign_protocol::{
    content::{
        Archive, Body as Sealed, Content, Entry, EntryFlag, Image, Notebook, NotebookCell, Output,
        OutputImage, Pdf, Place as At, Segment, Sheet, Workbook, sniff,
    },
    provenance::Provenance,
};

use super::*;
use crate::{
    desk::{
        OpenFile,
        threads::{DraftRow, Landing},
    },
    render::{
        preview::{Look, Side, View, preview},
        window::{At as WindowAt, Level, window},
    },
    showcase::sample::{self, HOSTILE},
};

const PLACE: Place = Place {
    id: HandoffId(7),
    revision: 2,
    base: Some(1),
};

fn row(path: &str, change: Change) -> FileRow {
    FileRow {
        path: path.to_owned(),
        size: 900,
        sha256: Digest::of(path.as_bytes()),
        change,
        declared: path != "notes.tmp",
        kept: true,
        executable: path == "run.sh",
        title: Some("Title".to_owned()),
        from_path: None,
        percent: None,
        provenance: Provenance::Claimed,
    }
}

fn empty(path: &str, change: Change) -> Card {
    let remarks = remarks(path);
    let say = SayForm {
        id: "H-7".to_owned(),
        csrf: "1".repeat(64),
        revision: 2,
        part: "",
        size: None,
        viewed: path == "same.txt",
    };
    let later = Shown::Later {
        what: "3 lines".to_owned(),
    };
    let mut card = Card::new(&row(path, change), PLACE, (&remarks, Some(say)), later);
    // Where no content is shown, every remark stands above it.
    card.at_lines = Vec::new();
    card
}

/// All kinds of remarks about `path`, at its first line and about all of it.
fn remarks(path: &str) -> Vec<RemarkView> {
    let mut threads = sample::threads();
    threads[1].place.line = Some(1);
    for row in &mut threads {
        row.now = Landing {
            path: Some(path.to_owned()),
            line: row.place.line.map(|_| 1),
            ..row.now.clone()
        };
    }
    let place = countersign_protocol::place::Place {
        path: Some(path.to_owned()),
        line: Some(1),
        ..Default::default()
    };
    let draft = DraftRow {
        draft: "0a".to_owned(),
        revision: 2,
        now: crate::showcase::threads::landing(&place),
        place,
        text: "<b>Mine</b>".to_owned(),
    };
    let threads = threads.iter();
    let threads = threads
        .map(|row| RemarkView::of_thread(row, 2, crate::pages::view::Now::utc(sample::now())));
    threads.chain([RemarkView::of_draft(&draft, 2)]).collect()
}

fn shown(path: &str, new: Option<&[u8]>, old: Option<&[u8]>) -> Card {
    read(
        path,
        new.map(|new| (new, sample::content(path, new))),
        old.map(|old| (old, sample::content(path, old))),
        &Look::default(),
    )
}

fn read(
    path: &str,
    new: Option<(&[u8], Content)>,
    old: Option<(&[u8], Content)>,
    look: &Look,
) -> Card {
    let change = match (&new, &old) {
        (Some(_), Some(_)) => Change::Modified,
        (None, _) => Change::Removed,
        _ => Change::Added,
    };
    let mut card = empty(path, change);

    let sides = [&new, &old].map(|side| {
        side.as_ref().map(|(bytes, content)| Side {
            path,
            bytes,
            size: bytes.len() as u64,
            content: Some(content),
        })
    });
    let preview = preview(sides[0], sides[1], look).expect("a side");
    card.show(preview, &Asks::default());
    card
}

fn content(path: &str, bytes: &[u8], body: Sealed, text: &[&str]) -> Content {
    Content {
        file_type: sniff(bytes, true, path),
        body,
        text: (1..)
            .zip(text)
            .map(|(page, text)| Segment::new(At::Page { page }, *text))
            .collect(),
        ..sample::content(path, bytes)
    }
}

fn notebook(source: &str) -> Sealed {
    Sealed::Notebook(Notebook {
        language: Some("python".to_owned()),
        cells: vec![NotebookCell {
            source: source.to_owned(),
            execution_count: Some(3),
            outputs: vec![Output {
                name: "stdout".to_owned(),
                text: HOSTILE.to_owned(),
                image: Some(OutputImage {
                    media_type: "image/png".to_owned(),
                    sha256: Digest::of(b"picture"),
                    size: 9,
                }),
            }],
            ..NotebookCell::default()
        }],
    })
}

fn archive(path: &str) -> Sealed {
    let mut entry = Entry {
        path: path.to_owned(),
        size: 4_000,
        packed: Some(4),
        target: Some(HOSTILE.to_owned()),
        ..Entry::default()
    };
    entry.flag(EntryFlag::Ratio);
    Sealed::Archive(Archive {
        format: "zip".to_owned(),
        entries: vec![entry],
        stated_entries: None,
        unpacked_size: 4_000,
    })
}

/// The text of an entry of an archive, now and before.
fn packed(now: Option<&str>, before: Option<&str>) -> Card {
    let bytes = &b"PK\x03\x04"[..];
    let content = |text: Option<&str>| {
        let place = At::Member {
            path: HOSTILE.to_owned(),
        };
        let mut content = content("a.zip", bytes, archive(HOSTILE), &[]);
        content.text = text
            .map(|text| Segment::new(place, text))
            .into_iter()
            .collect();
        (bytes, content)
    };
    let look = Look {
        entry: Some(HOSTILE.to_owned()),
        ..Look::default()
    };
    read("a.zip", Some(content(now)), Some(content(before)), &look)
}

/// A film with captions and a picture beside it.
fn film() -> Card {
    let mut card = shown("a.mp4", Some(b"\0\0\0\x1cftypisom"), None);
    let files = ["a.en.vtt", "a.vtt", "a.jpg", "b.vtt"];
    let rows: Vec<_> = files.iter().map(|path| row(path, Change::Added)).collect();
    card.beside = Some(Beside::of(PLACE, &rows, "a.mp4"));
    card
}

fn workbook(value: &str) -> Sealed {
    let cell = |value: &str| countersign_protocol::content::Cell {
        value: value.to_owned(),
        formula: Some("A1".to_owned()),
        ..countersign_protocol::content::Cell::default()
    };
    Sealed::Workbook(Workbook {
        sheets: vec![Sheet {
            name: HOSTILE.to_owned(),
            row_count: 9,
            rows: vec![vec![cell("id"), cell("x")], vec![cell("1"), cell(value)]],
            ..Sheet::default()
        }],
        external_links: vec!["https://evil.example".to_owned()],
        ..Workbook::default()
    })
}

fn log(level: Level) -> Card {
    let text = (0..2_000)
        .map(|at| format!("WARN {at} {HOSTILE}\n"))
        .collect::<Vec<_>>()
        .concat();
    let bytes = text.into_bytes();
    let size = bytes.len() as u64;
    let file = OpenFile::new("a.log".to_owned(), size, bytes);
    let side = Side {
        path: "a.log",
        bytes: b"x\n",
        size,
        content: None,
    };
    let mut preview = preview(Some(side), None, &Look::default()).expect("a side");
    preview.body = Body::Window(window(&file, WindowAt::Byte(90_000), level, None).unwrap());
    let mut card = empty("a.log", Change::Added);
    card.show(preview, &Asks::default());
    card
}

/// The cards.
pub(in crate::pages) fn cards() -> Vec<Card> {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x80";
    let mut not = empty("big.iso", Change::Added);
    not.shown = Shown::Not {
        why: "Too large.".to_owned(),
    };
    let (zip, pdf) = (&b"PK\x03\x04"[..], &b"%PDF-1.7"[..]);
    let sheet = b"PK\x03\x04[Content_Types].xml xl/";
    let book = b"{\"cells\": [], \"nbformat\": 4}";
    let paper = |words: &[&str]| {
        content(
            "a.pdf",
            pdf,
            Sealed::Pdf(Pdf {
                pages: 2,
                ..Pdf::default()
            }),
            words,
        )
    };
    let look = |view| Look {
        view,
        ..Look::default()
    };
    let split = Look {
        split: true,
        ..Look::default()
    };
    let image = |bytes: &[u8]| {
        content(
            "a.png",
            bytes,
            Sealed::Image(Image {
                width: 9,
                height: 9,
                showable: true,
                gps: true,
                ..Image::default()
            }),
            &[],
        )
    };
    let long = (0..5_000)
        .map(|at| format!("{at}\n"))
        .collect::<Vec<_>>()
        .concat();
    let csv = format!("id,{HOSTILE}\n1,=x\n");
    vec![
        shown("a.sql", Some(b"a\nb c\n"), Some(b"a\nb d\n")),
        read(
            "b.sql",
            Some((b"a\nb c\n", sample::content("b.sql", b"a"))),
            Some((b"a\nb d\n", sample::content("b.sql", b"a"))),
            &split,
        ),
        shown("long.txt", Some(long.as_bytes()), Some(b"x\n")),
        shown("crlf.txt", Some(b"a\r\n"), Some(b"a\n")),
        shown("notes.tmp", Some(HOSTILE.as_bytes()), None),
        shown("run.sh", None, Some(b"gone\n")),
        shown("a.md", Some(HOSTILE.as_bytes()), Some(b"# x\n")),
        shown("a.csv", Some(csv.as_bytes()), Some(b"id,x\n2,y\n")),
        shown(
            "a.json",
            Some(b"{\"a\": \"<script>alert(1)\"}"),
            Some(b"{\"a\": 1}"),
        ),
        shown(
            "a.svg",
            Some(b"<svg xmlns='x'><script>alert(1)</script></svg>"),
            Some(b"<svg/>"),
        ),
        shown("chart.png", Some(png), Some(png)),
        read(
            "b.png",
            Some((png, image(png))),
            Some((png, image(png))),
            &look(View::Overlay),
        ),
        read(
            "c.png",
            Some((png, image(png))),
            Some((png, image(png))),
            &look(View::Difference),
        ),
        shown("fresh.png", Some(png), None),
        shown("a.mp3", Some(b"ID3\x03\0\0"), Some(b"ID3\x04\0\0")),
        film(),
        shown("data.bin", Some(b"\0\x01"), None),
        read(
            "a.zip",
            Some((zip, content("a.zip", zip, archive(HOSTILE), &[]))),
            Some((zip, content("a.zip", zip, archive("b"), &[]))),
            &Look::default(),
        ),
        packed(Some(HOSTILE), Some("b")),
        packed(Some(HOSTILE), None),
        packed(None, None),
        read(
            "a.xlsx",
            Some((sheet, content("a.xlsx", sheet, workbook("2"), &[]))),
            Some((sheet, content("a.xlsx", sheet, workbook("1"), &[]))),
            &Look::default(),
        ),
        read(
            "a.pdf",
            Some((pdf, paper(&["one", HOSTILE]))),
            Some((pdf, paper(&["one", "two"]))),
            &Look::default(),
        ),
        read(
            "a.ipynb",
            Some((book, content("a.ipynb", book, notebook("a\nb"), &[]))),
            Some((book, content("a.ipynb", book, notebook("a"), &[]))),
            &Look::default(),
        ),
        log(Level::Plain),
        log(Level::Error),
        log(Level::Warning),
        empty("later", Change::Unchanged),
        not,
    ]
}
