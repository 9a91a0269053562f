//! Files as other programs write them: what those show is read here, or it is said that it is not.

use std::fmt::Write as _;

use countersign::{
    clock::SystemClock,
    extract::{Extractor, Limits, Program, Source, Subject, Urgency},
};
use countersign_protocol::content::{Body, Content, CutReason, EntryFlag, FindingCode, Kind};
use countersign_tests::{program, samples};

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn read(name: &str, bytes: Vec<u8>) -> Content {
    let limits = Limits {
        memory: 512 << 20,
        processor_seconds: 20,
        time: std::time::Duration::from_mins(5),
        ..Limits::default()
    };
    let program = Program::at(program::path());
    let extractor = Extractor::new(program, limits, None, SystemClock::shared());
    let subject = Subject { name, sha256: None };
    extractor.content(subject, Urgency::Person, || Ok(Source::Bytes(bytes)))
}

fn words(content: &Content) -> String {
    content.joined_text()
}

fn reason(content: &Content) -> Option<CutReason> {
    content.cut.as_ref().map(|cut| cut.reason)
}

fn found(content: &Content, code: FindingCode) -> bool {
    content.findings.iter().any(|finding| finding.code == code)
}

/// Relations, each as kind and target; their ids are `r1` and so on.
fn relations(list: &[(&str, &str)]) -> String {
    let mut xml = String::from("<Relationships>");
    for (at, (kind, target)) in list.iter().enumerate() {
        let id = at + 1;
        write!(
            xml,
            "<Relationship Id='r{id}' Type='{OFFICE}/{kind}' Target='{target}'/>"
        )
        .expect("memory");
    }
    xml + "</Relationships>"
}

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    samples::zip(&parts)
}

fn workbook(target: &str, part: &str) -> Vec<u8> {
    let cell = "<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>fivemillion</t></is></c></row></sheetData></worksheet>";
    package(&[
        (
            "_rels/.rels",
            &relations(&[("officeDocument", "xl/workbook.xml")]),
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns:r='x'><sheets><sheet name='Q3' sheetId='1' r:id='r1'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[("worksheet", target)]),
        ),
        (part, cell),
    ])
}

#[test]
fn follows_sheet_targets_as_references() {
    for (target, part) in [
        ("worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("./worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("../xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("worksheets/sheet%201.xml", "xl/worksheets/sheet 1.xml"),
        ("worksheets/Sheet1.xml", "xl\\worksheets\\sheet1.xml"),
    ] {
        let content = read("a.xlsx", workbook(target, part));
        assert_eq!(content.cut, None, "{target}");
        assert_eq!(content.file_type.kind, Kind::Workbook, "{target}");
        assert_eq!(words(&content), "fivemillion", "{target}");
    }
}

#[test]
fn says_that_a_sheet_is_missing() {
    let content = read("a.xlsx", workbook("worksheets/sheet1.xml", "xl/other.xml"));
    assert_eq!(reason(&content), Some(CutReason::NotRead));
    assert!(content.cut.expect("a cut").message.contains("Q3"));
}

#[test]
fn reads_words_beside_cells() {
    let content = read(
        "a.xlsx",
        package(&[
            (
                "_rels/.rels",
                &relations(&[("officeDocument", "xl/workbook.xml")]),
            ),
            (
                "xl/workbook.xml",
                "<workbook xmlns:r='x'><sheets><sheet name='A' r:id='r1'/><sheet name='A' r:id='r2' state='hidden'/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                &relations(&[("worksheet", "s1.xml"), ("worksheet", "s2.xml")]),
            ),
            (
                "xl/s1.xml",
                "<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c></row></sheetData></worksheet>",
            ),
            (
                "xl/s2.xml",
                "<worksheet><sheetData><row r='1'><c r='A1'><v>2</v></c></row></sheetData></worksheet>",
            ),
            (
                "xl/_rels/s1.xml.rels",
                &relations(&[("comments", "c.xml"), ("drawing", "d.xml")]),
            ),
            (
                "xl/c.xml",
                "<comments><comment><text><t>why five</t></text></comment></comments>",
            ),
            (
                "xl/d.xml",
                "<wsDr><sp><p><r><t>a box</t></r></p></sp></wsDr>",
            ),
        ]),
    );
    assert_eq!(content.cut, None);
    let text = words(&content);
    for wanted in ["1", "2", "why five", "a box"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

fn document(main: &str, of_main: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let root = relations(&[("officeDocument", main)]);
    let of_main = relations(of_main);
    let (folder, file) = main.rsplit_once('/').expect("a folder");
    let rels = format!("{folder}/_rels/{file}.rels");
    let body = "<w:document><w:body><w:p><w:t>before</w:t></w:p><w:altChunk r:id='r1'/></w:body></w:document>";
    let mut parts = vec![
        ("_rels/.rels", root.as_str()),
        (main, body),
        (rels.as_str(), of_main.as_str()),
    ];
    parts.extend(more);
    package(&parts)
}

#[test]
fn reads_embedded_documents_of_a_document() {
    let mime = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\
        Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+Y2h1bmt3b3JkPC9wPg==\r\n--x--\r\n";
    for (name, chunk) in [
        ("a.html", "<html><p>chunkword</p></html>"),
        ("a.mht", mime),
        ("a.txt", "chunkword"),
    ] {
        let content = read(
            "a.docx",
            document(
                "word/document.xml",
                &[("aFChunk", name)],
                &[(&format!("word/{name}"), chunk)],
            ),
        );
        assert_eq!(content.cut, None, "{name}");
        assert!(words(&content).contains("chunkword"), "{name}: {content:?}");
    }
    let missing = document("word/document.xml", &[("aFChunk", "a.html")], &[]);
    assert_eq!(reason(&read("a.docx", missing)), Some(CutReason::NotRead));
}

#[test]
fn finds_the_main_part_by_relation() {
    let content = read("a.docx", document("word/document2.xml", &[], &[]));
    assert_eq!(content.file_type.kind, Kind::Document);
    assert_eq!(words(&content).trim(), "before");
}

#[test]
fn reads_slides_with_layouts_and_comments() {
    let slide = "<p:sld><p:sp><a:p><a:t>on the slide</a:t></a:p></p:sp></p:sld>";
    let layout = "<p:sldLayout><p:sp><p:ph/><a:p><a:t>Click to edit</a:t></a:p></p:sp>\
        <p:sp><a:p><a:t>fixed words</a:t></a:p></p:sp></p:sldLayout>";
    let content = read(
        "a.pptx",
        package(&[
            (
                "_rels/.rels",
                &relations(&[("officeDocument", "ppt/presentation.xml")]),
            ),
            (
                "ppt/presentation.xml",
                "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r1'/><p:sldId id='2' r:id='r9'/></p:sldIdLst></p:presentation>",
            ),
            (
                "ppt/_rels/presentation.xml.rels",
                &relations(&[
                    ("slide", "./slides/slide%201.xml"),
                    ("slideMaster", "master.xml"),
                ]),
            ),
            ("ppt/slides/slide 1.xml", slide),
            (
                "ppt/slides/_rels/slide 1.xml.rels",
                &relations(&[("comments", "../c.xml")]),
            ),
            (
                "ppt/c.xml",
                "<p:cmLst><p:cm><p:text>a comment</p:text></p:cm></p:cmLst>",
            ),
            ("ppt/master.xml", layout),
        ]),
    );
    let text = words(&content);
    for wanted in ["on the slide", "a comment", "fixed words"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("Click to edit"));
    assert_eq!(
        reason(&content),
        Some(CutReason::NotRead),
        "slide 2 is missing"
    );
}

/// The local header and the directory record of a stored entry.
fn stored(local: &str, listed: &str, text: &str, at: usize) -> (Vec<u8>, Vec<u8>) {
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        crc.sum()
    };
    let length = |text: &str| u16::try_from(text.len()).expect("short").to_le_bytes();
    let size = u32::try_from(text.len()).expect("short").to_le_bytes();
    let shared = |name: &str| {
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.to_le_bytes());
        fields.extend(size);
        fields.extend(size);
        fields.extend(length(name));
        fields.extend([0, 0]);
        fields
    };
    let file = [
        b"PK\x03\x04",
        &shared(local)[..],
        local.as_bytes(),
        text.as_bytes(),
    ]
    .concat();
    let at = u32::try_from(at).expect("short").to_le_bytes();
    let record = [
        b"PK\x01\x02\x14\0",
        &shared(listed)[..],
        &[0; 10],
        &at,
        listed.as_bytes(),
    ];
    (file, record.concat())
}

fn zip_of(entries: &[(&str, &str, &str)]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (local, listed, text) in entries {
        let (file, record) = stored(local, listed, text, zip.len());
        zip.extend(file);
        directory.extend(record);
    }
    let count = u16::try_from(entries.len()).expect("few").to_le_bytes();
    let length = u32::try_from(directory.len()).expect("short").to_le_bytes();
    let at = u32::try_from(zip.len()).expect("short").to_le_bytes();
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count, count].concat());
    zip.extend(length);
    zip.extend(at);
    zip.extend([0, 0]);
    zip
}

#[test]
fn tells_of_entries_that_hide_others() {
    let twice = [
        ("a.txt", "a.txt", "firstword"),
        ("a.txt", "a.txt", "secondword"),
    ];
    let content = read("a.zip", zip_of(&twice));
    let Body::Archive(archive) = &content.body else {
        panic!("{content:?}")
    };
    assert_eq!(
        (archive.entries.len(), archive.stated_entries),
        (2, Some(2))
    );
    assert!(found(&content, FindingCode::Ambiguous));
    let text = words(&content);
    assert!(
        text.contains("firstword") && text.contains("secondword"),
        "{text}"
    );

    let content = read("a.zip", zip_of(&[("b.txt", "a.txt", "words")]));
    let Body::Archive(archive) = &content.body else {
        panic!("{content:?}")
    };
    assert!(archive.entries[0].flags.contains(&EntryFlag::Renamed));
}

#[test]
fn unpacks_bzip2_xz_and_zstandard() {
    const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\xe0\x27\xff\x00\x5e\x5d\x00\x30\x8b\x8a\x87\xc4\x0e\xf2\x97\xa4\xf8\x75\x3d\xc5\xa9\xed\xd9\x97\xaa\x20\x3c\x08\x41\x78\x8a\x91\x22\x45\x36\xea\x33\x28\x13\xdf\xfb\x83\x48\x9f\x78\x75\x77\x27\x7f\xd5\xa0\xa5\x58\x32\xd6\x1a\x1a\xc5\x47\xda\x23\x23\x7b\x58\xc1\x0e\x2c\x9f\x95\x48\xf6\x2c\x2c\x36\x5d\x1a\x46\xf9\xd7\x11\x9a\x05\xb4\xc6\xf7\x64\xbf\xf6\xe3\x8d\xdf\x55\xf0\x75\x72\xe5\x64\xf7\x58\x40\x00\x00\x00\x00\xf7\x2e\x65\x4c\x96\xe5\xfc\x52\x00\x01\x7a\x80\x50\x00\x00\x00\x4a\x45\x07\x13\xb1\xc4\x67\xfb\x02\x00\x00\x00\x00\x04\x59\x5a";
    const BZIP2: &[u8] = b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xfd\xd0\x3f\x30\x00\x00\x04\x51\x80\x00\x10\x40\x00\x24\x25\xd8\x80\x20\x00\x31\x03\x40\xd0\x20\x00\xc8\x33\x05\x8e\x3a\x49\xf1\x77\x24\x53\x85\x09\x0f\xdd\x03\xf3\x00";
    let content = read("a.tar.xz", XZ.to_vec());
    assert_eq!((words(&content).as_str(), &content.cut), ("tarword", &None));
    let zstandard = zstd::encode_all(&b"plain words\n"[..], 0).expect("memory");
    for (name, bytes) in [("a.txt.bz2", BZIP2.to_vec()), ("a.txt.zst", zstandard)] {
        let content = read(name, bytes);
        assert_eq!(content.file_type.kind, Kind::Packed, "{name}");
        assert_eq!(words(&content), "plain words\n", "{name}");
    }
    let japanese =
        b"\x95\x94\x96\xe5,\x8e\x81\x96\xbc\r\n\x89c\x8b\xc6\x95\x94,\x8eR\x93c\x91\xbe\x98Y\r\n";
    assert!(words(&read("a.csv.gz", samples::gzip(japanese))).contains("山田太郎"));
}

#[test]
fn says_what_an_archive_has_unread() {
    let inner = samples::zip(&[("x", b"x")]);
    let content = read(
        "a.zip",
        samples::zip(&[("in.zip", &inner), ("a.txt", b"x")]),
    );
    assert_eq!(reason(&content), Some(CutReason::NotRead));
}

#[test]
fn reads_every_text_of_a_mail() {
    let mail = "From: a@b.example\r\nTo: c@d.example\r\nSubject: s\r\nX-Order: 77\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n\
        --m\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain\r\n\r\nplain says yes\r\n\
        --x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+aHRtbCBzYXlzIG5vPC9wPg==\r\n--x--\r\n\
        --m\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached words\r\n\
        --m\r\nContent-Type: message/rfc822\r\n\r\nFrom: e@f.example\r\nSubject: inner\r\n\r\nforwarded words\r\n\
        --m--\r\n";
    let content = read("a.eml", mail.as_bytes().to_vec());
    let text = words(&content);
    for wanted in [
        "plain says yes",
        "html says no",
        "attached words",
        "inner",
        "forwarded words",
        "77",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(found(&content, FindingCode::EmbeddedFiles));
    let untyped = "From: a@b.example\nTo: c@d.example\nContent-Type: text\n\nthe body\n";
    assert!(words(&read("a.eml", untyped.into())).contains("the body"));
}

#[test]
fn repairs_tables_of_pdf_objects() {
    let whole = samples::pdf(&["pdfword"]);
    let at = whole
        .windows(9)
        .rposition(|nine| nine == b"startxref")
        .expect("a pointer");
    let wrong = [&whole[..at], b"startxref\n7777777\n%%EOF\n"].concat();
    for (what, bytes, is_told) in [
        ("wrong pointer", wrong, true),
        ("no end", whole[..at].to_vec(), true),
        ("zeros behind", [&whole[..], &[0; 3_000]].concat(), false),
        ("mark before", [b"\xef\xbb\xbf", &whole[..]].concat(), false),
    ] {
        let content = read("a.pdf", bytes);
        assert_eq!(content.file_type.kind, Kind::Pdf, "{what}");
        assert!(words(&content).contains("pdfword"), "{what}: {content:?}");
        assert!(!is_told || found(&content, FindingCode::Repaired), "{what}");
    }
}

#[test]
fn says_that_a_picture_is_cut() {
    let whole = samples::image(64, 64, image::ImageFormat::Png);
    let content = read("a.png", whole[..whole.len() - 40].to_vec());
    assert_eq!(reason(&content), Some(CutReason::Damaged));
}
