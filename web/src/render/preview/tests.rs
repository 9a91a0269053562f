//! What is shown of which file.

use countersign_protocol::content::{Archive, Email, Entry, Pdf, Place, Segment};

use super::*;

fn whole<'b>(path: &'b str, bytes: &'b [u8]) -> Side<'b> {
    Side {
        path,
        bytes,
        size: bytes.len() as u64,
        content: None,
    }
}

fn show(path: &str, new: &[u8], old: Option<&[u8]>) -> Preview {
    let look = Look::default();
    preview(
        Some(whole(path, new)),
        old.map(|old| whole(path, old)),
        &look,
    )
    .unwrap()
}

#[test]
fn text_is_numbered_or_compared() {
    let Body::Text { lines, total, .. } = show("a.txt", b"a\nb\n", None).body else {
        panic!("not text")
    };
    assert_eq!((lines.len(), lines[1].number, total), (2, 2, 2));
    let preview = show("a.txt", b"a\r\n", Some(b"b\n"));
    assert!(matches!(
        preview.body,
        Body::Diff(diff::Diff {
            added: 1,
            removed: 1,
            ..
        })
    ));
    assert_eq!(preview.notes, ["Line ends changed from LF to CRLF."]);
    assert_eq!(preview.facts.last().unwrap().1, "ASCII");
    let from_binary = show("a.txt", b"a\n", Some(b"\0\x01"));
    assert!(matches!(from_binary.body, Body::Text { .. }));
}

#[test]
fn each_type_has_its_view_and_the_source_is_a_choice_away() {
    for (path, new, old, kind) in [
        ("a.md", "# A\n", Some("# B\n"), "rendered"),
        ("a.csv", "id\n1\n", Some("id\n2\n"), "table"),
        ("a.tsv", "id\tb\n1\t2\n", None, "table"),
        ("a.json", "{\"a\":1}", Some("{\"a\":2}"), "tree"),
        ("a.yaml", "a: 1\n", Some("a: 2\n"), "tree"),
        ("a.toml", "a = 1\n", Some("a = 2\n"), "tree"),
        ("a.json", "{\"a\":1}", None, "text"),
        ("a.json", "{\"a\":1}", Some("{ \"a\":1}"), "diff"),
        ("a.json", "{\"a\":1,\"a\":2}", Some("{\"a\":1}"), "diff"),
        ("a.yaml", "a: &x 1\nb: *x\n", Some("a: 1\n"), "diff"),
        ("a.svg", "<svg xmlns='x'/>", None, "drawing"),
        (
            "a.svg",
            "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
            None,
            "text",
        ),
        ("a.rs", "fn main() {}\n", Some("fn main() { }\n"), "diff"),
        ("a.html", "<!doctype html><script>x</script>", None, "text"),
    ] {
        let preview = show(path, new.as_bytes(), old.map(str::as_bytes));
        let shown = serde_json::to_value(&preview.body).unwrap();
        assert_eq!(shown["kind"], kind, "{path}: {preview:?}");
        if matches!(kind, "rendered" | "table" | "tree" | "drawing") {
            let look = Look {
                view: View::Source,
                ..Look::default()
            };
            let old = old.map(|old| whole(path, old.as_bytes()));
            let source = super::preview(Some(whole(path, new.as_bytes())), old, &look).unwrap();
            assert!(
                matches!(source.body, Body::Text { .. } | Body::Diff(_)),
                "{path}"
            );
            assert!(
                source
                    .choices
                    .iter()
                    .any(|choice| choice.view == View::Source && choice.current)
            );
        }
    }
}

#[test]
fn unknown_bytes_are_described_with_their_beginning() {
    let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
    let preview = show("a", &bytes, None);
    let Body::Described { hex } = preview.body else {
        panic!("shown")
    };
    assert_eq!(
        (hex.len(), hex[4].offset.as_str(), hex[4].text.as_str()),
        (16, "0040", "@ABCDEFGHIJKLMNO")
    );
    assert!(preview.notes[0].contains("only described"));
    let words = [&b"\0\x01hidden words\0short\0"[..], &[b'x'; 300], b"\xff"].concat();
    let look = Look {
        view: View::Strings,
        ..Look::default()
    };
    let preview = super::preview(Some(whole("a", &words)), None, &look).unwrap();
    let Body::Strings { strings, more } = preview.body else {
        panic!("no strings")
    };
    let found = strings.iter();
    let found: Vec<_> = found
        .map(|one| (one.offset.as_str(), one.text.chars().count()))
        .collect();
    assert_eq!((found, more), (vec![("0002", 12), ("0015", 201)], false));
    let program = show("a.txt", b"\x7fELF\x02\x01", None);
    assert_eq!(program.name, "ELF program or library");
    assert!(program.findings[0].contains("program"));
}

#[test]
fn what_only_the_bounded_reader_may_parse_is_not_parsed_here() {
    for bytes in [
        &b"%PDF-1.7"[..],
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"\x89PNG\r\n\x1a\n",
    ] {
        let preview = show("a", bytes, None);
        assert!(matches!(preview.body, Body::Described { .. }));
        assert!(preview.notes[0].contains("not read"), "{preview:?}");
    }
}

#[test]
fn a_removed_text_shows_what_went() {
    let look = Look::default();
    let removed = preview(None, Some(whole("a", b"a\nb\n")), &look).unwrap();
    assert!(matches!(
        removed.body,
        Body::Diff(diff::Diff {
            removed: 2,
            added: 0,
            ..
        })
    ));
    assert_eq!(removed.notes, ["The file was removed."]);
    let removed = preview(None, Some(whole("a", b"\0")), &look).unwrap();
    assert!(matches!(removed.body, Body::Described { .. }));
    assert!(preview(None, None, &look).is_none());
}

#[test]
fn hidden_characters_are_counted_for_the_reviewer() {
    let preview = show("a.rs", "let a\u{202E} = 1;\u{200B}\n".as_bytes(), None);
    assert!(
        preview.findings[0].starts_with("2 characters"),
        "{preview:?}"
    );
}

/// Whatever the bytes are and whatever they are called, a preview comes out and shows no hidden character.
#[test]
fn no_bytes_make_it_panic() {
    let pieces: [&[u8]; 20] = [
        b"{",
        b"}",
        b"\"",
        b",",
        b"[",
        b"]:",
        b"\n",
        b"# ",
        b"<svg",
        b">",
        b"\xff\xfe",
        b"\0",
        b"=1+1",
        b"\xe2\x80\xae",
        b"PK\x03\x04",
        b"- a: ",
        b"\r",
        b"a = ",
        b"\xff",
        b"1e999",
    ];
    let names = [
        "a", "a.md", "a.csv", "a.tsv", "a.json", "a.yaml", "a.toml", "a.svg", "a.ipynb", "a.html",
        "a.eml",
    ];
    let mut seed = 11_u64;
    let mut next = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for round in 0..3_000 {
        let mut bytes = |most: usize| -> Vec<u8> {
            (0..next(most))
                .flat_map(|_| pieces[next(pieces.len())].to_vec())
                .collect()
        };
        let (new, old) = (bytes(14), bytes(14));
        let look = Look {
            split: round % 2 == 0,
            ..Look::default()
        };
        for name in names {
            let old = (round % 3 > 0).then(|| whole(name, &old));
            let preview = preview(Some(whole(name, &new)), old, &look).unwrap();
            let shown = serde_json::to_string(&preview).unwrap();
            assert!(!shown.contains('\u{202E}'), "{name}: {new:?}");
        }
    }
}

/// A new file that is not what it is called says so, with the place.
#[test]
fn what_cannot_be_read_as_what_it_is_called_says_so() {
    let broken = show("a.json", b"{\"a\": 1,\n \"b\": }", None);
    let trouble = &broken.troubles[0];
    assert_eq!((trouble.line, trouble.column), (2, Some(7)));
    assert_eq!(trouble.message, "not JSON: expected value");
    assert!(broken.notes.is_empty(), "it is said once");
    assert_eq!(show("a.toml", b"a = \n", None).troubles[0].line, 1);
    assert_eq!(show("a.json", b"{\"a\": 1}", None).notes, [""; 0]);
}

/// An entry of an archive is shown from what the bounded reader read; two of one name are both shown.
#[test]
fn the_text_of_an_entry_is_shown_and_compared() {
    let bytes = b"PK\x03\x04";
    let content = |texts: &[(&str, &str)]| {
        let entries = texts.iter().map(|(path, _)| Entry {
            path: (*path).to_owned(),
            ..Entry::default()
        });
        let place = |path: &str| Place::Member {
            path: path.to_owned(),
        };
        Content {
            body: Sealed::Archive(Archive {
                entries: entries.collect(),
                ..Archive::default()
            }),
            text: texts
                .iter()
                .map(|(path, text)| Segment::new(place(path), *text))
                .collect(),
            ..crate::showcase::sample::content("a.zip", bytes)
        }
    };
    let before = content(&[("a.txt", "one\n"), ("gone.txt", "x\n")]);
    let now = content(&[("a.txt", "two\n"), ("b", "1"), ("b", "2")]);
    let shown = |entry: Option<&str>| {
        let side = |content| Side {
            path: "a.zip",
            bytes,
            size: 4,
            content: Some(content),
        };
        let look = Look {
            entry: entry.map(str::to_owned),
            ..Look::default()
        };
        preview(Some(side(&now)), Some(side(&before)), &look).unwrap()
    };
    let Body::Archive(list) = shown(None).body else {
        panic!("a list");
    };
    assert!(list.rows.iter().all(|row| row.entry.is_some()), "{list:?}");
    let changed = shown(Some("a.txt"));
    let diff = changed.body.diff().expect("a diff");
    assert_eq!((diff.added, diff.removed), (1, 1));
    let gone = shown(Some("gone.txt"));
    assert_eq!(gone.body.diff().map(|diff| diff.removed), Some(1));
    let twice = shown(Some("b"));
    assert_eq!(twice.body.rows(), Some((0, 2)));
    assert!(twice.notes[0].starts_with("2 entries"), "{:?}", twice.notes);
    let none = shown(Some("../../etc/passwd"));
    assert_eq!(none.body.rows(), Some((0, 0)));
    assert!(none.notes[0].starts_with("No text"), "{:?}", none.notes);
}

fn content(kind: Kind, body: Sealed, text: &[(Place, &str)]) -> Content {
    let segments = text.iter();
    Content {
        file_type: FileType {
            kind,
            media_type: String::new(),
            name: String::new(),
        },
        size: 1,
        body,
        text: segments
            .map(|(place, text)| Segment::new(place.clone(), *text))
            .collect(),
        findings: Vec::new(),
        cut: None,
    }
}

fn shown_words(content: &Content, look: &Look) -> (Preview, String) {
    let side = Side {
        content: Some(content),
        ..whole("a", b"x")
    };
    let preview = preview(Some(side), None, look).unwrap();
    let words = serde_json::to_string(&preview.body).unwrap();
    (preview, words)
}

#[test]
fn mail_is_shown_decoded() {
    let header = |name: &str| Place::Header {
        name: name.to_owned(),
    };
    let html = Place::Part {
        part: "HTML, as shown".to_owned(),
    };
    let text = [
        (header("subject"), "Payment"),
        (header("x-mailer"), "unseen"),
        (Place::Whole, "plain says yes"),
        (html, "html says no"),
    ];
    let mail = content(Kind::Email, Sealed::Email(Email::default()), &text);
    let (preview, words) = shown_words(&mail, &Look::default());
    for wanted in [
        "Subject: Payment",
        "plain says yes",
        "— HTML, as shown —",
        "html says no",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(!words.contains("unseen"));
    assert_eq!(preview.choices[1].view, View::Source);
}

#[test]
fn says_that_pages_are_not_drawn() {
    let facts = Pdf {
        pages: 1,
        ..Pdf::default()
    };
    let text = [(Place::Page { page: 1 }, "words")];
    let pdf = content(Kind::Pdf, Sealed::Pdf(facts), &text);
    for (without_pages, drawn) in [(false, 1), (true, 0)] {
        let look = Look {
            without_pages,
            ..Look::default()
        };
        let (preview, _) = shown_words(&pdf, &look);
        let Body::Paper { pages, .. } = &preview.body else {
            panic!("{preview:?}")
        };
        assert_eq!(pages.len(), drawn);
        assert_eq!(
            preview.notes.iter().any(|note| note.contains("pdftoppm")),
            without_pages
        );
    }
}
