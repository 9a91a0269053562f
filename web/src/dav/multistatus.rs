//! Answers about properties (RFC 4918, sections 13 and 15).

use std::fmt::Write as _;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, StatusCode, header};
use jiff::fmt::rfc2822;
use quick_xml::escape::escape;

use super::asked::{Asked, DAV, Property};
use crate::desk::mount::MountNode;

pub(super) const XML: [(HeaderName, &str); 1] =
    [(header::CONTENT_TYPE, "application/xml; charset=utf-8")];
pub(super) const HEAD: &str =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n";
pub(super) const TAIL: &str = "</D:multistatus>\n";

/// The properties that a file or a folder may have.
const KNOWN: [&str; 6] = [
    "resourcetype",
    "displayname",
    "getlastmodified",
    "getcontentlength",
    "getetag",
    "supportedlock",
];

/// Everything beneath a folder is not told at once.
pub(super) fn too_deep() -> Response {
    let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
                <D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>\n";
    (StatusCode::FORBIDDEN, XML, body).into_response()
}

/// The URL of `path` beneath `folder`, which is one already.
pub(super) fn href(folder: &str, path: &str) -> String {
    let mut href = folder.trim_end_matches('/').to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        href.push('/');
        for byte in part.bytes() {
            // RFC 3986, section 2.3: what never needs it is not encoded.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                href.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(href, "%{byte:02X}");
            }
        }
    }
    href
}

/// Writes what was `asked` of `node`, which is at `href`.
pub(super) fn write(out: &mut String, href: &str, node: &MountNode, asked: &Asked) {
    let slash = if node.file.is_none() { "/" } else { "" };
    let _ = write!(out, "<D:response><D:href>{href}{slash}</D:href>");
    let known = || {
        KNOWN.map(|name| Property {
            space: DAV.to_owned(),
            name: name.to_owned(),
        })
    };
    let (mut has, mut lacks) = (String::new(), String::new());
    let mut add = |property: &Property, is_asked: bool| match value(node, property) {
        Some(value) => {
            let value = if *asked == Asked::Names { "" } else { &value };
            let _ = write!(has, "<D:{0}>{value}</D:{0}>", property.name);
        }
        None if is_asked => {
            let space = escape(property.space.as_str());
            let _ = write!(lacks, "<p:{0} xmlns:p=\"{space}\"/>", property.name);
        }
        None => {}
    };
    match asked {
        Asked::All | Asked::Names => known().iter().for_each(|property| add(property, false)),
        Asked::These(these) => these.iter().for_each(|property| add(property, true)),
    }
    for (properties, status) in [(has, "200 OK"), (lacks, "404 Not Found")] {
        // An answer has at least one part (section 14.24), also when nothing was asked.
        if !properties.is_empty() || (status == "200 OK" && *asked == Asked::These(Vec::new())) {
            let _ = write!(
                out,
                "<D:propstat><D:prop>{properties}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
            );
        }
    }
    out.push_str("</D:response>\n");
}

/// The value as XML; nothing where there is no such property.
fn value(node: &MountNode, property: &Property) -> Option<String> {
    if property.space != DAV {
        return None;
    }
    let file = node.file.as_ref();
    match property.name.as_str() {
        "resourcetype" if file.is_none() => Some("<D:collection/>".to_owned()),
        "resourcetype" | "supportedlock" => Some(String::new()),
        "displayname" => {
            // XML has no way to write most control characters (XML 1.0, section 2.2).
            let cannot = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
            let name = node.name.replace(cannot, "\u{fffd}");
            Some(escape(name.as_str()).into_owned())
        }
        "getlastmodified" => {
            let printer = rfc2822::DateTimePrinter::new();
            printer.timestamp_to_rfc9110_string(&node.modified?).ok()
        }
        "getcontentlength" => Some(file?.size.to_string()),
        "getetag" => Some(format!("&quot;{}&quot;", file?.tag)),
        _ => None,
    }
}
