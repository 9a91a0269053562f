//! Where each value stands in the file.

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{ObjectPropName, Value as Node},
    common::Ranged,
    parse_to_ast,
};

/// Line and column in characters, both from 1; zero when the place is not in the file.
pub(crate) type Place = (u32, u32);

/// The place of a value and of what is inside it.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) at: Place,
    pub(super) inside: Inside,
}

/// What is inside a value.
#[derive(Debug)]
pub(super) enum Inside {
    Nothing,
    List(Vec<Spot>),
    Fields(Vec<Field>),
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) at: Place,
    pub(super) value: Spot,
}

impl Spot {
    /// A value at `at` with nothing inside.
    pub(super) fn leaf(at: Place) -> Self {
        Self {
            at,
            inside: Inside::Nothing,
        }
    }

    /// The places of the key and of the value at `pointer` (RFC 6901). In a list the key is the value.
    pub(super) fn find(&self, pointer: &str) -> Option<(Place, Place)> {
        let mut spot = self;
        let mut key = self.at;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            (key, spot) = match &spot.inside {
                Inside::Nothing => return None,
                Inside::List(items) => {
                    let item = items.get(token.parse::<usize>().ok()?)?;
                    (item.at, item)
                }
                Inside::Fields(fields) => {
                    let field = fields.iter().find(|field| field.key == token)?;
                    (field.at, &field.value)
                }
            };
        }
        Some((key, spot.at))
    }
}

/// The place of the byte `offset` in `text`. An offset behind the end means the end.
pub(super) fn of_offset(text: &str, offset: usize) -> Place {
    let mut ruler = Ruler::new(text);
    ruler.advance(offset)
}

/// The places of all values of a JSON text that was found valid.
pub(super) fn of_json(text: &str) -> Option<Spot> {
    let tree = parse_to_ast(text, &CollectOptions::default(), &strict()).ok()?;
    let mut ruler = Ruler::new(text);
    Some(spot(&tree.value?, &mut ruler))
}

/// The first number in a valid JSON text that is written as an integer and that a double cannot hold
/// exactly, as its place and its digits (RFC 7493, section 2.2).
pub(super) fn inexact_integer(text: &str) -> Option<(Place, &str)> {
    fn find<'a>(node: &Node<'a>) -> Option<(usize, &'a str)> {
        match node {
            Node::NumberLit(number) => {
                let digits = number.value.strip_prefix('-').unwrap_or(number.value);
                let integer = digits.bytes().all(|byte| byte.is_ascii_digit());
                let exact = digits.parse().is_ok_and(|n: u64| n <= super::MAX_INTEGER);
                (integer && !exact).then_some((number.range.start, number.value))
            }
            Node::Object(object) => object.properties.iter().find_map(|p| find(&p.value)),
            Node::Array(array) => array.elements.iter().find_map(find),
            _ => None,
        }
    }
    let tree = parse_to_ast(text, &CollectOptions::default(), &strict()).ok()?;
    let (offset, digits) = find(&tree.value?)?;
    Some((of_offset(text, offset), digits))
}

fn spot(node: &Node<'_>, ruler: &mut Ruler<'_>) -> Spot {
    let at = ruler.advance(node.range().start);
    let inside = match node {
        Node::Object(object) => Inside::Fields(
            object
                .properties
                .iter()
                .map(|property| Field {
                    at: ruler.advance(property.range.start),
                    key: match &property.name {
                        ObjectPropName::String(name) => name.value.to_string(),
                        ObjectPropName::Word(name) => name.value.to_owned(),
                    },
                    value: spot(&property.value, ruler),
                })
                .collect(),
        ),
        Node::Array(array) => Inside::List(
            array
                .elements
                .iter()
                .map(|element| spot(element, ruler))
                .collect(),
        ),
        _ => Inside::Nothing,
    };
    Spot { at, inside }
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// Turns rising byte offsets into places in one pass, so that a long line costs no more than a short one.
struct Ruler<'a> {
    text: &'a str,
    offset: usize,
    place: Place,
}

impl<'a> Ruler<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            place: (1, 1),
        }
    }

    fn advance(&mut self, to: usize) -> Place {
        for (at, char) in self.text[self.offset..].char_indices() {
            if self.offset + at >= to {
                self.offset += at;
                return self.place;
            }
            if char == '\n' {
                self.place = (self.place.0 + 1, 1);
            } else {
                self.place.1 += 1;
            }
        }
        self.offset = self.text.len();
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "{\n \"ä\": {\"a/b~\": [1,\n 2]}}";
        let spot = of_json(text).unwrap();
        assert_eq!(spot.find(""), Some(((1, 1), (1, 1))));
        assert_eq!(spot.find("/ä"), Some(((2, 2), (2, 7))));
        assert_eq!(spot.find("/ä/a~1b~0"), Some(((2, 8), (2, 16))));
        assert_eq!(spot.find("/ä/a~1b~0/1"), Some(((3, 2), (3, 2))));
        assert_eq!(spot.find("/ä/a~1b~0/2"), None);
        assert_eq!(of_offset(text, 9999), (3, 6));
    }
}
