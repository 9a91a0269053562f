//! What the bounded reader says of a file, for people.

use countersign_protocol::content::{Body as Sealed, Content};

use super::{super::visible::visible, words};

/// What the bounded reader says, as label and value.
pub(super) fn facts_of(content: &Content) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |label, value: String| {
        if !value.is_empty() {
            facts.push((label, visible(&value).into_owned()));
        }
    };
    match &content.body {
        Sealed::Image(image) => {
            fact("Pixels", format!("{} × {}", image.width, image.height));
            fact("Colours", image.colour.clone());
            fact("Profile", image.profile.clone().unwrap_or_default());
            fact(
                "Animated",
                if image.animated {
                    "yes".to_owned()
                } else {
                    String::new()
                },
            );
        }
        Sealed::Media(media) => {
            fact("Container", media.container.clone());
            fact("Length", media.seconds.map(length).unwrap_or_default());
            fact("Codecs", media.codecs.join(", "));
            let pixels = media.width.zip(media.height);
            fact(
                "Pixels",
                pixels
                    .map(|(w, h)| format!("{w} × {h}"))
                    .unwrap_or_default(),
            );
        }
        Sealed::Pdf(pdf) => {
            fact("Pages", pdf.pages.to_string());
            fact("Title", pdf.title.clone().unwrap_or_default());
        }
        Sealed::Document(document) => {
            fact("Title", document.title.clone().unwrap_or_default());
            fact("Paragraphs", document.paragraphs.to_string());
            fact("Links out", document.external_links.join(", "));
        }
        Sealed::Presentation(slides) => {
            fact("Title", slides.title.clone().unwrap_or_default());
            fact("Slides", slides.slides.to_string());
        }
        Sealed::Workbook(book) => {
            fact("Sheets", book.sheets.len().to_string());
            fact("Links out", book.external_links.join(", "));
        }
        Sealed::Archive(archive) => {
            fact("Format", archive.format.clone());
            let stated = archive
                .stated_entries
                .unwrap_or(archive.entries.len() as u64);
            fact("Entries", stated.to_string());
            fact("Unpacked", words::size(archive.unpacked_size));
        }
        Sealed::Notebook(notebook) => {
            fact("Cells", notebook.cells.len().to_string());
            fact("Language", notebook.language.clone().unwrap_or_default());
        }
        Sealed::Email(mail) => {
            fact("Subject", mail.subject.clone().unwrap_or_default());
            fact("From", mail.from.join(", "));
            fact("To", mail.to.join(", "));
            fact(
                "Attached",
                mail.attachments
                    .iter()
                    .map(|a| a.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            );
        }
        Sealed::Html(page) => fact("Title", page.title.clone().unwrap_or_default()),
        Sealed::Text(_) | Sealed::Binary(_) => {}
    }
    facts
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths are cut to whole seconds, and a stated one below zero is none"
)]
fn length(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9) as u64;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes}:{rest:02}"),
        hours => format!("{hours}:{:02}:{rest:02}", minutes % 60),
    }
}
