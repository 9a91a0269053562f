//! Jupyter notebooks (nbformat 4). Nothing in them is run.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_protocol::{
    Digest,
    content::{
        Body, CellKind, Cut, CutReason, FindingCode, Notebook, NotebookCell, Output, OutputImage,
        Place,
    },
};
use serde_json::Value;

use super::{Bytes, Draft, all, cut, damaged, html};

/// Most bytes of a notebook that are read.
const SIZE: u64 = 48 << 20;
/// Most cells that are read.
const CELLS: usize = 5_000;
/// Most text that is kept of one output, in bytes.
const OUTPUT: usize = 256 << 10;

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let document: Value = serde_json::from_slice(&all(file, SIZE)?).map_err(damaged)?;
    let cells = cells(&document)?;
    let language = document
        .pointer("/metadata/language_info/name")
        .or_else(|| document.pointer("/metadata/kernelspec/language"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let mut notebook = Notebook {
        language,
        cells: Vec::new(),
    };
    for (at, value) in cells.iter().enumerate().take(CELLS) {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let cell = cell(value);
        let place = |output| Place::Cell {
            cell: number,
            output,
        };
        let mut whole = draft.say(place(false), cell.source.as_str());
        for output in &cell.outputs {
            whole &= draft.say(place(true), output.text.as_str());
        }
        notebook.cells.push(cell);
        if !whole {
            break;
        }
    }
    if cells.len() > CELLS {
        let message = format!("It has {} cells; {CELLS} are read.", cells.len());
        draft.content.cut(CutReason::TooMany, message);
    }
    if let Some(message) = order(&notebook.cells) {
        draft.content.find(FindingCode::ExecutionOrder, message);
    }
    draft.content.body = Body::Notebook(notebook);
    Ok(())
}

fn cells(document: &Value) -> Result<&Vec<Value>, Cut> {
    document
        .get("cells")
        .and_then(Value::as_array)
        .ok_or_else(|| damaged("a notebook has a list of cells"))
}

/// Texts are strings or lists of lines.
fn lines(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn cell(value: &Value) -> NotebookCell {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    NotebookCell {
        id: text("id").map(str::to_owned),
        kind: match text("cell_type") {
            Some("code") => CellKind::Code,
            Some("markdown") => CellKind::Markdown,
            _ => CellKind::Raw,
        },
        source: lines(value.get("source")),
        execution_count: value.get("execution_count").and_then(Value::as_u64),
        outputs: value
            .get("outputs")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |outputs| {
                outputs.iter().take(200).map(output_of).collect()
            }),
    }
}

fn output_of(value: &Value) -> Output {
    let kind = value
        .get("output_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (name, mut text) = match kind {
        "stream" => (
            value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("stdout"),
            lines(value.get("text")),
        ),
        "error" => {
            let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
            let trace = lines(value.get("traceback"));
            (
                "error",
                format!("{}: {}\n{}", part("ename"), part("evalue"), plain(&trace)),
            )
        }
        "execute_result" => ("result", words(value)),
        _ => ("display", words(value)),
    };
    text.truncate(text.floor_char_boundary(OUTPUT));
    Output {
        name: name.chars().take(20).collect(),
        text,
        image: images(value).next().map(|(media_type, bytes)| OutputImage {
            media_type: media_type.to_owned(),
            sha256: Digest::of(&bytes),
            size: bytes.len() as u64,
        }),
    }
}

/// The words of an output: plain ones, else those of its HTML.
fn words(value: &Value) -> String {
    let data = value.get("data");
    let of = |kind: &str| lines(data.and_then(|data| data.get(kind)));
    let plain = of("text/plain");
    if plain.is_empty() {
        html::text_of(&of("text/html")).0
    } else {
        plain
    }
}

/// The pictures of an output, decoded. SVG is text with scripts and none of them.
fn images(value: &Value) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    ["image/png", "image/jpeg", "image/gif", "image/webp"]
        .into_iter()
        .filter_map(|kind| {
            let mut text = lines(Some(value.get("data")?.get(kind)?));
            text.retain(|c| !c.is_whitespace());
            Some((kind, STANDARD.decode(text).ok()?))
        })
}

/// Text without the colours of a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    plain + rest
}

/// What is odd about the order in which cells were run.
fn order(cells: &[NotebookCell]) -> Option<String> {
    let counts: Vec<u64> = cells
        .iter()
        .filter_map(|cell| cell.execution_count)
        .collect();
    let unordered = counts.windows(2).any(|two| two[1] <= two[0]);
    let gaps = counts.first().is_some_and(|first| *first != 1)
        || counts.windows(2).any(|two| two[1] > two[0] + 1);
    match (unordered, gaps) {
        (true, _) => Some("Its cells were run in another order than they stand.".to_owned()),
        (false, true) => {
            Some("Cells were run that are no longer there, or were run again.".to_owned())
        }
        (false, false) => None,
    }
}

/// The bytes of the picture with that digest among the outputs.
pub(super) fn output(file: &mut dyn Bytes, sha256: Digest) -> Result<Vec<u8>, Cut> {
    let document: Value = serde_json::from_slice(&all(file, SIZE)?).map_err(damaged)?;
    cells(&document)?
        .iter()
        .filter_map(|cell| cell.get("outputs")?.as_array())
        .flatten()
        .flat_map(images)
        .map(|(_, bytes)| bytes)
        .find(|bytes| Digest::of(bytes) == sha256)
        .ok_or_else(|| cut(CutReason::Damaged, "It has no such picture."))
}
