//! `countersign inspect`: what a file is and what it says, read as the daemon reads it.

use std::{fs::File, path::PathBuf};

use countersign_protocol::content::{Body, Content};
use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert, inert_lines},
};
use crate::extract::{Extractor, Limits, Program, Source, Subject, Urgency};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file
    file: PathBuf,
    /// Only the facts, without the text
    #[arg(long)]
    facts: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let path = context.at(&args.file);
    // Opened here, so that a file that is not there is an error and no description.
    let file = File::open(&path).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::Failed,
        };
        Failure::new(exit, format!("cannot read `{}`: {error}", path.display()))
    })?;
    let extractor = Extractor::new(
        Program::own(),
        Limits::default(),
        None,
        context.clock.clone(),
    );
    let name = args.file.to_string_lossy();
    let subject = Subject {
        name: &name,
        sha256: None,
    };
    let mut content = extractor.content(subject, Urgency::Person, || Ok(Source::File(file)));
    if args.facts {
        content.text.clear();
    }
    if context.out.json {
        context
            .out
            .object("inspect", json!({ "file": name, "content": content }));
    } else {
        text(&content, context);
    }
    Ok(Exit::Done)
}

fn text(content: &Content, context: &mut Context) {
    let title = context.out.paint(Style::Strong, &content.file_type.name);
    context.out.line(&format!(
        "{title}  {}  {} bytes",
        inert(&content.file_type.media_type),
        content.size
    ));
    let mut table = Table::new(&["", ""]);
    for (label, value) in facts(&content.body) {
        table.row(vec![Cell::new(label).style(Style::Faint), Cell::new(value)]);
    }
    for finding in &content.findings {
        table.row(vec![
            Cell::new("note").style(Style::Warning),
            Cell::new(&finding.message),
        ]);
    }
    if let Some(cut) = &content.cut {
        table.row(vec![
            Cell::new("not all").style(Style::Warning),
            Cell::new(&cut.message),
        ]);
    }
    context.out.table(&table);
    listing(&content.body, context);
    for segment in &content.text {
        context.out.line("");
        let place = segment.place.to_string();
        if !place.is_empty() {
            let place = context.out.paint(Style::Faint, &inert(&place));
            context.out.line(&place);
        }
        context.out.line(&inert_lines(segment.text.trim_end()));
    }
}

/// The facts of a kind, as lines of a table.
fn facts(body: &Body) -> Vec<(&'static str, String)> {
    let some = |label, value: &Option<String>| value.clone().map(|value| (label, value));
    match body {
        Body::Text(text) => vec![
            ("charset", text.charset.name().to_owned()),
            (
                "lines",
                format!("{}, ends {}", text.lines, text.endings.name()),
            ),
        ],
        Body::Html(html) => some("title", &html.title).into_iter().collect(),
        Body::Notebook(notebook) => [
            some("language", &notebook.language),
            Some(("cells", notebook.cells.len().to_string())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Email(email) => [
            some("date", &email.date),
            (!email.attachments.is_empty()).then(|| {
                let names: Vec<&str> = email.attachments.iter().map(|a| a.name.as_str()).collect();
                ("attached", names.join(", "))
            }),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Pdf(pdf) => [
            some("title", &pdf.title),
            Some(("pages", pdf.pages.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Document(document) => [
            some("title", &document.title),
            Some(("paragraphs", document.paragraphs.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Workbook(workbook) => workbook
            .sheets
            .iter()
            .map(|sheet| {
                let size = format!("{} × {}", sheet.row_count, sheet.column_count);
                ("sheet", format!("{}  {size}", sheet.name))
            })
            .collect(),
        Body::Presentation(slides) => [
            some("title", &slides.title),
            Some(("slides", slides.slides.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Archive(archive) => vec![
            ("entries", archive.entries.len().to_string()),
            ("unpacked", format!("{} bytes", archive.unpacked_size)),
        ],
        Body::Image(image) => [
            Some(("pixels", format!("{} × {}", image.width, image.height))),
            Some(("colour", image.colour.clone())),
            some("profile", &image.profile),
            image.animated.then(|| ("frames", "several".to_owned())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Media(media) => [
            Some((
                "container",
                format!("{} {}", media.container, media.codecs.join(", ")),
            )),
            media
                .seconds
                .map(|seconds| ("length", format!("{seconds:.1} s"))),
            media
                .width
                .zip(media.height)
                .map(|(width, height)| ("pixels", format!("{width} × {height}"))),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Body::Binary(binary) if binary.head.is_empty() => Vec::new(),
        Body::Binary(binary) => vec![("begins", binary.head.chars().take(64).collect())],
    }
}

/// The entries of an archive.
fn listing(body: &Body, context: &mut Context) {
    let Body::Archive(archive) = body else { return };
    let mut table = Table::new(&["size", "packed", "path", ""]);
    for entry in &archive.entries {
        let flags: Vec<&str> = entry.flags.iter().map(|flag| flag.word()).collect();
        table.row(vec![
            Cell::new(entry.size.to_string()),
            Cell::new(
                entry
                    .packed
                    .map_or_else(String::new, |packed| packed.to_string()),
            ),
            Cell::new(match &entry.target {
                Some(target) => format!("{} -> {target}", entry.path),
                None => entry.path.clone(),
            }),
            Cell::new(flags.join(", ")).style(Style::Warning),
        ]);
    }
    context.out.line("");
    context.out.table(&table);
}
