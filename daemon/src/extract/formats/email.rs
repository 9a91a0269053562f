//! Messages (RFC 5322 and MIME, RFC 2045 to 2047).

use countersign_protocol::content::{
    Attachment, Body, Cut, CutReason, Email, FindingCode, Place, sniff,
};
use mail_parser::{Address, MessageParser, MimeHeaders as _, PartType};

use super::{Bytes, Draft, all, damaged, html};

/// Most bytes of a message that are read.
const SIZE: u64 = 48 << 20;
/// Most attachments that are listed.
const ATTACHMENTS: usize = 200;

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
    for (name, value) in [
        ("subject", email.subject.clone().unwrap_or_default()),
        ("from", email.from.join(", ")),
        ("to", email.to.join(", ")),
    ] {
        draft.say(
            Place::Header {
                name: name.to_owned(),
            },
            value,
        );
    }
    email.from_html = !message
        .text_bodies()
        .any(|part| matches!(part.body, PartType::Text(_)));
    for part in message.text_bodies() {
        let text = match &part.body {
            PartType::Text(text) => text.clone().into_owned(),
            PartType::Html(source) => html::text_of(source).0,
            _ => continue,
        };
        draft.say(Place::Whole, text);
    }
    let mut programs = 0;
    for part in message.attachments() {
        if email.attachments.len() == ATTACHMENTS {
            draft.content.cut(
                CutReason::TooMany,
                format!("It has more than {ATTACHMENTS} attachments; the first ones are listed."),
            );
            break;
        }
        let content = part.contents();
        let name = part.attachment_name().unwrap_or_default().to_owned();
        let kind = sniff(&content[..content.len().min(512)], false, &name).kind;
        programs += u32::from(kind == countersign_protocol::content::Kind::Program);
        let media_type = part.content_type().map_or_else(String::new, |stated| {
            let sub = stated.subtype().unwrap_or("*");
            format!("{}/{sub}", stated.ctype())
        });
        email.attachments.push(Attachment {
            name,
            media_type,
            size: content.len() as u64,
        });
    }
    if programs > 0 {
        let message = format!("Programs are attached: {programs}.");
        draft.content.find(FindingCode::Executable, message);
    }
    draft.content.body = Body::Email(email);
    Ok(())
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
