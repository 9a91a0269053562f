//! Reading a glob: its braces, its parts, and the characters that a part stands for.

use super::pattern::{Part, PatternProblem, Token};
use crate::path;

/// Most patterns that the braces of a glob may stand for.
const MAX_ALTERNATIVES: usize = 16;

/// The glob without braces, once for each way to read them.
pub(super) fn expanded(text: &str) -> Result<Vec<String>, PatternProblem> {
    let mut found = vec![String::new()];
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('{') {
        let (inside, behind) = inside.split_once('}').ok_or(PatternProblem::Braces)?;
        if before.contains('}') || inside.contains('{') {
            return Err(PatternProblem::Braces);
        }
        let more = |so_far: &String| -> Vec<String> {
            inside
                .split(',')
                .map(|one| format!("{so_far}{before}{one}"))
                .collect()
        };
        found = found.iter().flat_map(more).collect();
        if found.len() > MAX_ALTERNATIVES {
            return Err(PatternProblem::Many);
        }
        rest = behind;
    }
    if rest.contains('}') {
        return Err(PatternProblem::Braces);
    }
    for one in &mut found {
        one.push_str(rest);
    }
    Ok(found)
}

pub(super) fn glob(text: &str) -> Result<Vec<Part>, PatternProblem> {
    path::check(text).map_err(PatternProblem::Path)?;
    let part = |text: &str| match text {
        "**" => Ok(Part::Any),
        _ if text.contains("**") => Err(PatternProblem::Stars),
        _ if text.contains(['*', '?', '[']) => tokens(text).map(Part::Like),
        _ => Ok(Part::Name(text.to_owned())),
    };
    text.split('/').map(part).collect()
}

/// The characters of a name.
pub(super) fn literal(name: &str) -> Vec<Token> {
    let one = |c: char| Token::One(vec![(c.into(), c.into())]);
    name.chars().map(one).collect()
}

fn tokens(text: &str) -> Result<Vec<Token>, PatternProblem> {
    let mut tokens = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Run,
            '?' => Token::One(others(&[])),
            '[' => {
                let (class, rest) = chars
                    .as_str()
                    .split_once(']')
                    .ok_or(PatternProblem::Class)?;
                chars = rest.chars();
                Token::One(self::class(class)?)
            }
            c => Token::One(vec![(c.into(), c.into())]),
        });
    }
    Ok(tokens)
}

/// What stands between brackets.
fn class(text: &str) -> Result<Vec<(u32, u32)>, PatternProblem> {
    let negated = text.strip_prefix(['!', '^']);
    let chars: Vec<char> = negated.unwrap_or(text).chars().collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut rest = &chars[..];
    loop {
        rest = match rest {
            [] => break,
            [from, '-', to, rest @ ..] if from <= to => {
                ranges.push(((*from).into(), (*to).into()));
                rest
            }
            [_, '-', _, ..] => return Err(PatternProblem::Class),
            [one, rest @ ..] => {
                ranges.push(((*one).into(), (*one).into()));
                rest
            }
        };
    }
    ranges.sort_unstable();
    let found = match negated {
        Some(_) if !ranges.is_empty() => others(&ranges),
        Some(_) => Vec::new(),
        None => ranges,
    };
    let slash = u32::from('/');
    if found.is_empty()
        || found
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&slash))
    {
        return Err(PatternProblem::Class);
    }
    Ok(found)
}

/// Every character of a name but those in `ranges`, which are sorted: neither a slash nor a zero.
fn others(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    // There are no scalar values between these (Unicode, 3.9, D76).
    let surrogates = (0xD800, 0xDFFF);
    let slash = (u32::from('/'), u32::from('/'));
    let mut left_out: Vec<(u32, u32)> = ranges.to_vec();
    left_out.extend([(0, 0), slash, surrogates]);
    left_out.sort_unstable();
    let mut found = Vec::new();
    let mut next = 0;
    for (from, to) in left_out {
        if next < from {
            found.push((next, from - 1));
        }
        next = next.max(to + 1);
    }
    if next <= u32::from(char::MAX) {
        found.push((next, char::MAX.into()));
    }
    found
}
