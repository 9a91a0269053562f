//! Messages (RFC 5322 and MIME, RFC 2045 to 2047).

use countersign_protocol::content::{
    Attachment, Body, Cut, CutReason, Email, FindingCode, Kind, Place, decode, sniff,
};
use mail_parser::{
    Address, Message, MessageParser, MessagePart, MimeHeaders as _, PartType, decoders::charsets,
};

use super::{Bytes, Draft, all, archive, damaged, html};

/// Most bytes of a message that are read.
const SIZE: u64 = 48 << 20;
/// Most attachments that are listed.
const ATTACHMENTS: usize = 200;
/// How deep messages attached to messages are read.
const MAX_DEPTH: u32 = 8;

/// What stands in a message beside its words.
#[derive(Default)]
struct Found {
    attachments: Vec<Attachment>,
    programs: u32,
    /// How many attachments may have words and are not read.
    unread: u32,
}

pub(super) fn read(file: &mut dyn Bytes, draft: &mut Draft) -> Result<(), Cut> {
    let bytes = all(file, SIZE)?;
    let message = MessageParser::default()
        .parse(&bytes)
        .ok_or_else(|| damaged("it is no message"))?;
    let mut email = Email {
        subject: message.subject().map(str::to_owned),
        from: addresses(message.from()),
        to: [message.to(), message.cc()]
            .into_iter()
            .flat_map(addresses)
            .collect(),
        date: message.date().map(mail_parser::DateTime::to_rfc3339),
        message_id: message.message_id().map(str::to_owned),
        ..Email::default()
    };
    let header = |name: &str| Place::Header {
        name: name.to_owned(),
    };
    for (name, value) in [
        ("subject", email.subject.clone().unwrap_or_default()),
        ("from", email.from.join(", ")),
        ("to", email.to.join(", ")),
    ] {
        draft.say(header(name), value);
    }
    for (name, value) in message.headers_raw() {
        let name = name.to_ascii_lowercase();
        if !matches!(name.as_str(), "subject" | "from" | "to") {
            let words: Vec<&str> = value.split_whitespace().collect();
            draft.say(header(&name), words.join(" "));
        }
    }
    email.from_html = !parts(&message)
        .any(|(part, is_attached)| !is_attached && matches!(kind_of(part), Some(Text::Plain(_))));
    let mut found = Found::default();
    let mut said = Vec::new();
    bodies(&message, None, 0, &mut found, &mut said);
    for (place, text) in said {
        draft.say(place, text);
    }
    if found.attachments.len() > ATTACHMENTS {
        found.attachments.truncate(ATTACHMENTS);
        draft.content.cut(
            CutReason::TooMany,
            format!("It has more than {ATTACHMENTS} attachments; the first ones are listed."),
        );
    }
    if found.unread > 0 {
        let message = format!(
            "Attachments of which the words are not read: {}.",
            found.unread
        );
        draft.content.cut(CutReason::NotRead, message);
    }
    if found.programs > 0 {
        let message = format!("Programs are attached: {}.", found.programs);
        draft.content.find(FindingCode::Executable, message);
    }
    if !found.attachments.is_empty() {
        let message = format!("Files are attached: {}.", found.attachments.len());
        draft.content.find(FindingCode::EmbeddedFiles, message);
    }
    email.attachments = found.attachments;
    draft.content.body = Body::Email(email);
    Ok(())
}

/// Returns all words of a message, as of a page that is saved as one.
pub(super) fn words(bytes: &[u8]) -> String {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return decode(bytes, true).text.into_owned();
    };
    let mut said = Vec::new();
    bodies(&message, None, 0, &mut Found::default(), &mut said);
    let texts: Vec<String> = said.into_iter().map(|(_, text)| text).collect();
    texts.join("\n")
}

/// The text of a part.
enum Text {
    Plain(String),
    Html(String),
}

/// Returns the text of a part, also of one whose type is only `text`.
fn kind_of(part: &MessagePart<'_>) -> Option<Text> {
    match &part.body {
        PartType::Text(text) => Some(Text::Plain(text.clone().into_owned())),
        PartType::Html(source) => Some(Text::Html(html::text_of(source).0)),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            let stated = part.content_type()?;
            let is_text = stated.ctype().eq_ignore_ascii_case("text");
            let charset = stated.attribute("charset");
            is_text.then(|| Text::Plain(in_charset(bytes, charset)))
        }
        PartType::Message(_) | PartType::Multipart(_) => None,
    }
}

fn in_charset(bytes: &[u8], charset: Option<&str>) -> String {
    let decoder = charset.and_then(|name| charsets::map::charset_decoder(name.as_bytes()));
    decoder.map_or_else(
        || decode(bytes, true).text.into_owned(),
        |decoder| decoder(bytes),
    )
}

/// The parts of a message, and whether each is attached to it rather than shown in it.
fn parts<'a>(message: &'a Message<'_>) -> impl Iterator<Item = (&'a MessagePart<'a>, bool)> {
    message.parts.iter().enumerate().map(|(at, part)| {
        let is_attached = message.attachments.iter().any(|id| *id as usize == at);
        (part, is_attached)
    })
}

/// Says what receivers of `message` see: each form of its text, and what is attached, messages among it.
fn bodies(
    message: &Message<'_>,
    within: Option<&str>,
    depth: u32,
    found: &mut Found,
    said: &mut Vec<(Place, String)>,
) {
    let has_plain = parts(message)
        .any(|(part, is_attached)| !is_attached && matches!(kind_of(part), Some(Text::Plain(_))));
    for (part, is_attached) in parts(message) {
        if let PartType::Multipart(_) = part.body {
            continue;
        }
        let name = part.attachment_name().unwrap_or_default();
        let text = kind_of(part);
        let is_shown = text.is_some() && (!is_attached || name.is_empty());
        let place = match (within, &text) {
            _ if !is_shown => Place::Member {
                path: within.map_or_else(|| name.to_owned(), |within| format!("{within}/{name}")),
            },
            (Some(within), _) => Place::Member {
                path: within.to_owned(),
            },
            (None, Some(Text::Html(_))) if has_plain => Place::Part {
                part: "HTML, as shown".to_owned(),
            },
            (None, _) => Place::Whole,
        };
        if !is_shown {
            attach(part, name, found);
        }
        match (text, &part.body) {
            (Some(Text::Plain(text) | Text::Html(text)), _) => said.push((place, text)),
            (None, PartType::Message(inner)) if depth < MAX_DEPTH => {
                let subject = inner.subject().unwrap_or("without subject");
                let path = match within {
                    Some(within) => format!("{within}/{subject}"),
                    None => format!("message: {subject}"),
                };
                let from = addresses(inner.from()).join(", ");
                let to = addresses(inner.to()).join(", ");
                let place = Place::Member { path: path.clone() };
                said.push((place, format!("{subject}\n{from}\n{to}")));
                bodies(inner, Some(&path), depth + 1, found, said);
            }
            (None, _) => {
                let kind = sniff(part.contents(), true, name).kind;
                found.unread += u32::from(archive::has_words(kind));
            }
        }
    }
}

fn attach(part: &MessagePart<'_>, name: &str, found: &mut Found) {
    let content = part.contents();
    let kind = sniff(content, true, name).kind;
    found.programs += u32::from(kind == Kind::Program);
    let media_type = part.content_type().map_or_else(String::new, |stated| {
        let sub = stated.subtype().unwrap_or("*");
        format!("{}/{sub}", stated.ctype())
    });
    found.attachments.push(Attachment {
        name: name.to_owned(),
        media_type,
        size: content.len() as u64,
    });
}

fn addresses(list: Option<&Address<'_>>) -> Vec<String> {
    list.into_iter()
        .flat_map(Address::iter)
        .take(200)
        .map(|one| match (one.name(), one.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (name, address) => name.or(address).unwrap_or_default().to_owned(),
        })
        .collect()
}
