//! How one file is shown: by its type, against what it was before.

mod body;
mod facts;
#[cfg(test)]
mod tests;
mod text;

use countersign_protocol::content::{Body as Sealed, Content, FileType, Kind, sniff};
use serde::Serialize;

pub use body::{Body, Found, HexLine, NumberedLine};

use super::{
    archive, diff, notebook,
    table::{self, Table},
    trouble::Trouble,
    words,
};

/// How a file is wanted.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Which view of it.
    pub view: View,
    /// Whether a diff stands side by side.
    pub split: bool,
    /// Of an archive, the one entry that is wanted.
    pub entry: Option<String>,
    /// Whether pages of a PDF cannot be drawn on this machine.
    pub without_pages: bool,
    /// How texts are compared.
    pub diff: diff::Wish,
}

/// The views of a file. What a type does not have is its first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// What fits the type: a rendered page, a table, changed values, pictures side by side.
    #[default]
    Fitting,
    /// The text of the file itself.
    Source,
    /// With everything that did not change.
    All,
    /// One picture over the other.
    Overlay,
    /// What differs between two pictures.
    Difference,
    /// The words in a file that is no text.
    Strings,
}

impl View {
    /// As it stands in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitting => "fitting",
            Self::Source => "source",
            Self::All => "all",
            Self::Overlay => "overlay",
            Self::Difference => "difference",
            Self::Strings => "strings",
        }
    }
}

/// One side of a file.
#[derive(Clone, Copy, Debug)]
pub struct Side<'b> {
    /// Path of the file; it helps to tell one text from another.
    pub path: &'b str,
    /// From the start, as many as were read.
    pub bytes: &'b [u8],
    /// Size of the whole file in bytes.
    pub size: u64,
    /// What the bounded reader found, for types that only it reads.
    pub content: Option<&'b Content>,
}

impl Side<'_> {
    fn is_complete(&self) -> bool {
        self.bytes.len() as u64 == self.size
    }

    /// What it is, by its content.
    pub fn file_type(&self) -> FileType {
        match self.content {
            Some(content) => content.file_type.clone(),
            None => sniff(self.bytes, self.is_complete(), self.path),
        }
    }
}

/// A view that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Which.
    pub view: View,
    /// What it is called.
    pub label: &'static str,
    /// Whether it is the one that is shown.
    pub current: bool,
}

/// A file as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// The type by content.
    pub name: String,
    /// Facts about it: label and value, the value before it where it differs.
    pub facts: Vec<(String, String, Option<String>)>,
    /// What a reviewer should know.
    pub findings: Vec<String>,
    /// Why something is not shown, and what else is to be said.
    pub notes: Vec<String>,
    /// What is wrong in it, by line.
    pub troubles: Vec<Trouble>,
    /// The views there are; empty when there is only one.
    pub choices: Vec<Choice>,
    /// The content.
    pub body: Body,
}

/// Whether only the bounded reader may parse files of that kind.
pub fn is_read_apart(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Empty | Kind::Text | Kind::Svg | Kind::Program | Kind::Binary
    )
}

/// Shows `new` against `old`; the one that is missing was removed, or is new.
pub fn preview(new: Option<Side<'_>>, old: Option<Side<'_>>, look: &Look) -> Option<Preview> {
    let side = new.or(old)?;
    let file_type = side.file_type();
    let mut preview = Preview {
        name: file_type.name.clone(),
        facts: facts(new, old),
        findings: Vec::new(),
        notes: Vec::new(),
        troubles: Vec::new(),
        choices: Vec::new(),
        body: Body::Described { hex: Vec::new() },
    };
    if let Some(old) = old.filter(|_| new.is_some()) {
        let before = old.file_type();
        if before.name != file_type.name {
            preview
                .facts
                .push(("Type".to_owned(), file_type.name.clone(), Some(before.name)));
        }
    }
    for content in new.iter().filter_map(|side| side.content) {
        preview.findings.extend(
            content
                .findings
                .iter()
                .map(|finding| finding.message.clone()),
        );
        preview.notes.extend(
            content
                .cut
                .iter()
                .map(|cut| format!("Not everything is shown. {}", cut.message)),
        );
    }
    if new.is_none() {
        preview.notes.push("The file was removed.".to_owned());
    }
    body(&mut preview, &file_type, new, old, look);
    Some(preview)
}

fn body(
    preview: &mut Preview,
    file_type: &FileType,
    new: Option<Side<'_>>,
    old: Option<Side<'_>>,
    look: &Look,
) {
    let everything = look.view == View::All;
    let now = new
        .and_then(|side| side.content)
        .map(|content| &content.body);
    let then = old
        .and_then(|side| side.content)
        .map(|content| &content.body);
    match (file_type.kind, now.or(then)) {
        (Kind::Image, Some(Sealed::Image(image))) if image.showable => {
            let size = |body: Option<&Sealed>| match body {
                Some(Sealed::Image(image)) if image.showable => Some((image.width, image.height)),
                _ => None,
            };
            let pair = size(now).is_some() && size(then).is_some();
            let view = match look.view {
                View::Overlay | View::Difference if pair => look.view,
                _ => View::Fitting,
            };
            preview.body = Body::Image {
                new: size(now),
                old: size(then),
                view,
            };
            if pair {
                preview.choose(
                    view,
                    &[
                        (View::Fitting, "Side by side"),
                        (View::Overlay, "Overlay"),
                        (View::Difference, "Difference"),
                    ],
                );
            }
        }
        (Kind::Audio | Kind::Video, _) => {
            preview.body = Body::Media {
                film: file_type.kind == Kind::Video,
                new: new.is_some(),
                old: old
                    .is_some_and(|old| matches!(old.file_type().kind, Kind::Audio | Kind::Video)),
            };
        }
        (Kind::Zip | Kind::Tar | Kind::Gzip | Kind::Packed, Some(Sealed::Archive(archive))) => {
            let contents = (
                new.and_then(|side| side.content),
                old.and_then(|side| side.content),
            );
            if let Some(entry) = &look.entry {
                text::member(preview, entry, contents, look);
                return;
            }
            let before = match (now, then) {
                (Some(_), Some(Sealed::Archive(before))) => Some(before),
                _ => None,
            };
            let view = if everything { View::All } else { View::Fitting };
            if before.is_some() {
                preview.choose(
                    view,
                    &[(View::Fitting, "Changes"), (View::All, "All entries")],
                );
            }
            let mut shown = archive::entries(archive, before, everything);
            shown.link(contents);
            preview.body = Body::Archive(shown);
        }
        (Kind::Workbook, Some(Sealed::Workbook(book))) => {
            let before = match (now, then) {
                (Some(_), Some(Sealed::Workbook(before))) => Some(before),
                _ => None,
            };
            if before.is_some() {
                let view = if everything { View::All } else { View::Fitting };
                preview.choose(view, &[(View::Fitting, "Changes"), (View::All, "All rows")]);
            }
            let sheets = book.sheets.iter().map(|sheet| {
                let old = before.map(|book| book.sheets.iter().find(|old| old.name == sheet.name));
                let old = old.map(|old| old.map(body::table_of).unwrap_or_default());
                table::sheet(
                    &sheet.name,
                    &body::table_of(sheet),
                    old.as_ref(),
                    everything,
                )
            });
            let mut sheets: Vec<_> = sheets.collect();
            let gone = before.map_or(&[][..], |before| &before.sheets);
            let gone = gone
                .iter()
                .filter(|old| book.sheets.iter().all(|sheet| sheet.name != old.name));
            sheets.extend(gone.map(|old| {
                table::sheet(
                    &old.name,
                    &Table::default(),
                    Some(&body::table_of(old)),
                    false,
                )
            }));
            let contents = (
                new.or(old).and_then(|side| side.content),
                before.and(old).and_then(|side| side.content),
            );
            sheets.extend(body::beside_cells(contents, everything));
            preview.body = Body::Table { sheets };
        }
        (Kind::Notebook, Some(Sealed::Notebook(notebook))) if look.view != View::Source => {
            let before = match (now, then) {
                (Some(_), Some(Sealed::Notebook(before))) => Some(before),
                _ => None,
            };
            preview.choose(
                View::Fitting,
                &[(View::Fitting, "Cells"), (View::Source, "Source")],
            );
            preview.body = Body::Notebook(notebook::cells(notebook, before, &look.diff));
        }
        (Kind::Pdf | Kind::Document | Kind::Presentation, Some(_)) => {
            text::paper(preview, new, old, look);
        }
        (Kind::Email, Some(Sealed::Email(_))) => {
            let view = match look.view {
                View::Source => View::Source,
                _ => View::Fitting,
            };
            if view == View::Source {
                text::text(preview, file_type, new, old, look);
            } else {
                text::paper(preview, new, old, look);
            }
            preview.choose(
                view,
                &[(View::Fitting, "Message"), (View::Source, "Source")],
            );
        }
        (kind, _) if kind.is_text() => text::text(preview, file_type, new, old, look),
        _ => {
            let side = new.or(old);
            if is_read_apart(file_type.kind) && preview.notes.is_empty() {
                preview
                    .notes
                    .push("It was not read, so only its beginning is shown.".to_owned());
            } else if preview.notes.is_empty() {
                preview.notes.push(
                    "Files of this type are only described. Nothing in it was run or unpacked."
                        .to_owned(),
                );
            }
            if file_type.kind == Kind::Program {
                preview.findings.push(
                    "It is a program: approving it means that somebody may run it.".to_owned(),
                );
            }
            let bytes = side.map_or(&[][..], |side| side.bytes);
            let view = match look.view {
                View::Strings => View::Strings,
                _ => View::Fitting,
            };
            preview.choose(
                view,
                &[(View::Fitting, "First bytes"), (View::Strings, "Strings")],
            );
            preview.body = if view == View::Strings {
                if side.is_some_and(|side| !side.is_complete()) {
                    let read = words::size(bytes.len() as u64);
                    let note = format!("Only the first {read} were looked through.");
                    preview.notes.push(note);
                }
                let (strings, more) = body::strings(bytes);
                Body::Strings { strings, more }
            } else {
                Body::Described {
                    hex: body::hex(bytes),
                }
            };
        }
    }
}

impl Preview {
    fn choose(&mut self, current: View, views: &[(View, &'static str)]) {
        let choice = |(view, label): &(View, &'static str)| Choice {
            view: *view,
            label,
            current: *view == current,
        };
        self.choices = views.iter().map(choice).collect();
    }
}

/// What the bounded reader says of a file, as label and value.
fn facts(new: Option<Side<'_>>, old: Option<Side<'_>>) -> Vec<(String, String, Option<String>)> {
    let list = |side: Option<Side<'_>>| -> Vec<(&'static str, String)> {
        let Some(side) = side else {
            return Vec::new();
        };
        let mut facts = vec![("Size", words::size(side.size))];
        facts.extend(side.content.map(facts::facts_of).unwrap_or_default());
        facts
    };
    let (now, then) = (list(new.or(old)), list(old.filter(|_| new.is_some())));
    now.into_iter()
        .map(|(label, value)| {
            let before = then.iter().find(|(other, _)| *other == label);
            let before = before
                .map(|(_, before)| before)
                .filter(|before| **before != value);
            (label.to_owned(), value, before.cloned())
        })
        // The size stands in the heading of every card.
        .filter(|(label, _, before)| label != "Size" || before.is_some())
        .collect()
}
