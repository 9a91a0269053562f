//! Which properties somebody asks for: the body of `PROPFIND` (RFC 4918, sections 9.1 and 14.20).
//!
//! It is read event by event, so that its depth costs no stack: readers that make a tree of it were seen to
//! end a thread of 2 MB with 15 KB of it.

use http::StatusCode;
use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::ResolveResult,
};

use crate::error::Problem;

/// The namespace of the properties that we have.
pub(super) const DAV: &str = "DAV:";
/// Most properties in a question.
const MOST: usize = 128;

/// A property by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// The URI of its namespace; empty for none.
    pub(super) space: String,
    /// The name in it: letters, digits, `-`, `_` and `.`.
    pub(super) name: String,
}

/// What a question is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All that there are.
    All,
    /// Which there are.
    Names,
    /// These.
    These(Vec<Property>),
}

/// The question cannot be read.
pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "propfind",
        "This is no question for properties",
        detail,
    )
}

impl Asked {
    /// Reads the body; an empty one asks for everything.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::All);
        }
        let mut reader = NsReader::from_reader(body);
        let mut path: Vec<Property> = Vec::new();
        let mut asked = None;
        loop {
            let event = reader.read_event();
            let event = event.map_err(|error| malformed(format!("It is no XML: {error}.")))?;
            let (start, is_open) = match &event {
                Event::Start(start) => (start, true),
                Event::Empty(start) => (start, false),
                Event::End(_) => {
                    path.pop();
                    continue;
                }
                Event::Eof => break,
                _ => continue,
            };
            let property = named(&reader, start)?;
            match (path.len(), property.name.as_str(), &mut asked) {
                (0, "propfind", _) if property.space == DAV => {}
                (0, ..) => return Err(malformed("It does not begin with `propfind`.")),
                (1, "allprop", None) => asked = Some(Self::All),
                (1, "propname", None) => asked = Some(Self::Names),
                (1, "prop", None) => asked = Some(Self::These(Vec::new())),
                (2, _, Some(Self::These(these))) if path[1].name == "prop" => {
                    if these.len() == MOST {
                        return Err(malformed(format!("It names more than {MOST} properties.")));
                    }
                    these.push(property.clone());
                }
                _ => {}
            }
            if is_open {
                path.push(property);
            }
        }
        if !path.is_empty() {
            return Err(malformed("It ends too early."));
        }
        asked.ok_or_else(|| malformed("It asks for nothing."))
    }
}

fn named(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Property, Problem> {
    let (space, name) = reader.resolver().resolve_element(start.name());
    let space = match space {
        ResolveResult::Bound(space) => space.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(malformed("A prefix is not declared.")),
    };
    let name: &str = name.as_ref();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(malformed(
            "The name of a property has other characters than letters, digits, `-`, `_` and `.`.",
        ));
    }
    Ok(Property {
        space,
        name: name.to_owned(),
    })
}
