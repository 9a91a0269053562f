//! The windows of ordinary and of odd input.

use super::*;

fn file(text: &str) -> OpenFile {
    let bytes = text.as_bytes().to_vec();
    OpenFile::new("a.log".to_owned(), bytes.len() as u64, bytes)
}

fn log(lines: usize) -> String {
    let lines = (1..=lines).map(|at| format!("line {at}\n"));
    lines.collect::<Vec<_>>().concat()
}

fn texts(window: &Window) -> Vec<String> {
    window.lines.iter().map(|line| line.text.clone()).collect()
}

#[test]
fn windows_follow_one_another_and_lose_nothing() {
    let text = log(1_234);
    let file = file(&text);
    let mut all = Vec::new();
    let mut at = Some(0);
    while let Some(offset) = at {
        let window = window(&file, At::Byte(offset), Level::Plain, None).unwrap();
        assert!(window.lines.len() <= LINES);
        all.extend(texts(&window));
        at = window.after;
    }
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(all, lines);
}

#[test]
fn the_end_and_the_way_back() {
    let text = log(1_000);
    let file = file(&text);
    let last = window(&file, At::End, Level::Plain, None).unwrap();
    assert_eq!(last.lines.last().unwrap().text, "line 1000");
    assert_eq!(last.lines.len(), LINES);
    assert_eq!((last.after, last.percent), (None, 100));
    assert_eq!(last.lines[0].number, None, "nothing was counted");
    let before = window(&file, At::Byte(last.before.unwrap()), Level::Plain, None).unwrap();
    assert_eq!(before.after, Some(last.lines[0].offset));
    assert_eq!(before.lines.len(), LINES);
}

#[test]
fn lines_are_numbered_once_they_are_counted() {
    let line = format!("{}\n", "x".repeat(999));
    let text = line.repeat(3_000);
    let file = file(&text);
    let index = Index::of(&file).unwrap();
    assert_eq!(index.total, 3_000);
    for number in [1, 2, 1_048, 1_049, 1_050, 2_098, 3_000] {
        let window = window(&file, At::Line(number), Level::Plain, Some(&index)).unwrap();
        assert_eq!(window.lines[0].number, Some(number));
        assert_eq!(window.lines[0].offset, (number - 1) * 1_000, "{number}");
    }
    let past = window(&file, At::Line(u64::MAX), Level::Plain, Some(&index)).unwrap();
    assert_eq!(past.lines[0].number, Some(3_000));
    let open = window(&file, At::Line(7), Level::Plain, None).unwrap();
    assert!(open.notes[0].contains("counted"), "{:?}", open.notes);
}

#[test]
fn a_filter_shows_what_is_grave_with_its_numbers() {
    let text: String = (1..=900)
        .map(|at| match at % 300 {
            0 => format!("2026-11-22 ERROR disk {at}\n"),
            100 => format!("WARN: slow {at}\n"),
            _ => "an errorless line, warned of nothing; terror\n".to_owned(),
        })
        .collect();
    let file = file(&text);
    let index = Index::of(&file).unwrap();
    let shown = |level| window(&file, At::Byte(0), level, Some(&index)).unwrap();
    let numbers = |level| {
        shown(level)
            .lines
            .iter()
            .map(|l| l.number.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(Level::Error), [300, 600, 900]);
    assert_eq!(numbers(Level::Warning), [100, 300, 400, 600, 700, 900]);
}

#[test]
fn one_line_without_end_is_read_in_parts() {
    let text = "m".repeat(BYTES * 3 + 7);
    let file = file(&text);
    let first = window(&file, At::Byte(0), Level::Plain, None).unwrap();
    assert_eq!(first.lines.len(), 1);
    assert_eq!(first.lines[0].text.chars().count(), MAX_LINE + 1);
    assert_eq!(first.after, Some(BYTES as u64));
    let last = window(&file, At::Byte(BYTES as u64 * 3), Level::Plain, None).unwrap();
    assert_eq!((last.lines[0].text.as_str(), last.after), ("mmmmmmm", None));
}

#[test]
fn odd_places_and_files_are_no_trouble() {
    for text in ["", "\n", "\n\n\n", "a", "\r\n", "\u{202E}\n"] {
        let file = file(text);
        let index = Index::of(&file).unwrap();
        for at in [
            At::Byte(0),
            At::Byte(1),
            At::Byte(u64::MAX),
            At::End,
            At::Line(0),
            At::Line(9),
        ] {
            for level in [Level::Plain, Level::Warning, Level::Error] {
                let window = window(&file, at, level, Some(&index)).unwrap();
                assert!(texts(&window).iter().all(|text| !text.contains('\u{202E}')));
            }
        }
    }
}

#[test]
fn decodes_lines_in_any_encoding() {
    let lines = ["größe 部門", "zwei", "ERROR drei"];
    let text = lines.map(|line| format!("{line}\r\n")).concat();
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for (mark, bytes) in [
        (&b"\xff\xfe"[..], little),
        (b"\xfe\xff", big),
        (b"\xef\xbb\xbf", text.clone().into_bytes()),
        (b"", text.into_bytes()),
    ] {
        let bytes = [mark, &bytes].concat();
        let file = OpenFile::new("a.log".to_owned(), bytes.len() as u64, bytes);
        let shown = window(&file, At::Byte(0), Level::Plain, None).unwrap();
        assert_eq!(texts(&shown)[..3], lines, "{mark:?}");
        let errors = window(&file, At::Byte(0), Level::Error, None).unwrap();
        assert_eq!(texts(&errors), ["ERROR drei"], "{mark:?}");
    }
}
