//! Texts in the encodings of the world.

use encoding_rs::Encoding;

use super::*;
use crate::content::{Kind, SNIFFED, sniff};

/// Labels of encodings, and a text that people write in them.
const SAMPLES: [(&str, &str); 16] = [
    ("shift_jis", "部門,氏名\r\n営業部,山田太郎\r\n"),
    ("euc-jp", "部門,氏名\r\n営業部,山田太郎\r\n"),
    ("iso-2022-jp", "部門,氏名\r\n営業部,山田太郎\r\n"),
    ("euc-kr", "부서,이름\r\n영업부,김철수 과장님\r\n"),
    ("gb18030", "部门,姓名\r\n销售部,张伟经理已经批准\r\n"),
    ("big5", "部門,姓名\r\n業務部,王小明已經同意這個計畫\r\n"),
    (
        "windows-1251",
        "Отдел продаж: Иванов согласовал договор\r\n",
    ),
    ("koi8-r", "Отдел продаж: Иванов согласовал договор\r\n"),
    ("ibm866", "Отдел продаж: Иванов согласовал договор\r\n"),
    ("windows-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy\r\n"),
    ("windows-1252", "Größe und Zahl, café\r\n"),
    ("windows-1253", "Το τμήμα πωλήσεων ενέκρινε τη σύμβαση\r\n"),
    ("windows-1255", "מחלקת המכירות אישרה את ההסכם\r\n"),
    ("windows-1256", "وافق قسم المبيعات على العقد الجديد\r\n"),
    ("windows-874", "แผนกขายอนุมัติสัญญาแล้ว\r\n"),
    ("utf-8", "Größe 部門 😀\r\n"),
];

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let (bytes, _, has_unmappable) = encoding.encode(text);
    assert!(!has_unmappable, "{label}");
    bytes.into_owned()
}

#[test]
fn decodes_legacy_encodings() {
    for (label, text) in SAMPLES {
        let bytes = encoded(label, text);
        let decoded = decode(&bytes, true);
        assert_eq!(decoded.text, text, "{label}: {:?}", decoded.charset);
        assert!(!decoded.is_broken, "{label}");
        assert_eq!(sniff(&bytes, true, "a.csv").kind, Kind::Text, "{label}");
    }
}

#[test]
fn tolerates_a_cut_anywhere() {
    for (label, text) in SAMPLES {
        let long = text.repeat(2_000);
        let bytes = encoded(label, &long);
        for end in SNIFFED - 4..SNIFFED {
            let decoded = decode(&bytes[..end], false);
            assert!(long.starts_with(&*decoded.text), "{label} {end}");
            assert_eq!(sniff(&bytes[..end], false, "").kind, Kind::Text, "{label}");
        }
    }
}

#[test]
fn decodes_utf16_without_mark() {
    for text in [
        "Größe\r\nund 部門\r\n",
        "一,二,三\r\n営業部,山田太郎\r\n",
        "plain words",
    ] {
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (bytes, charset) in [(little, Charset::Utf16Le), (big, Charset::Utf16Be)] {
            let decoded = decode(&bytes, true);
            assert_eq!((&*decoded.text, decoded.charset), (text, charset));
            assert_eq!(sniff(&bytes, true, "").kind, Kind::Text);
        }
    }
}

#[test]
fn strips_byte_order_marks() {
    for (bytes, charset) in [
        (&b"\xef\xbb\xbfid"[..], Charset::Utf8),
        (b"\xff\xfei\0d\0", Charset::Utf16Le),
        (b"\xfe\xff\0i\0d", Charset::Utf16Be),
    ] {
        let decoded = decode(bytes, true);
        assert_eq!((&*decoded.text, decoded.charset), ("id", charset));
        assert!(decoded.bom);
    }
}

#[test]
fn keeps_utf8_with_wrong_bytes() {
    let mut bytes = "Größe, Maß, Übergang, Öl".as_bytes().to_vec();
    bytes.push(0xe4);
    let decoded = decode(&bytes, true);
    assert_eq!(decoded.charset, Charset::Utf8);
    assert!(decoded.is_broken && decoded.text.ends_with("Öl\u{fffd}"));
}

#[test]
fn believes_valid_declarations() {
    let text = "<?xml version=\"1.0\" encoding=\"koi8-r\"?><a>да</a>";
    let decoded = decode(&encoded("koi8-r", text), true).text.into_owned();
    assert_eq!(decoded, text);
    let page = "<html><meta charset=shift_jis><p>部門";
    assert_eq!(decode(&encoded("shift_jis", page), true).text, page);
}

#[test]
fn leaves_binaries_alone() {
    for bytes in [
        &b"a\0b"[..],
        b"\x01\0\x02\0\x03\0\x04\0",
        b"\xff\xd8\xff\xe0\x90\x91\x92",
        b"\xff\xfe\0\0h\0\0\0",
    ] {
        assert!(text_start(bytes, true).is_none(), "{bytes:?}");
    }
}
