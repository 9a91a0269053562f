//! The lines of a text that show why it was found.

use regex::{Regex, RegexBuilder};

use countersign_protocol::content::Place;

use super::{
    super::{
        levels::Level,
        secrets,
        words::{self, Places},
    },
    condition::Condition,
};

/// Most lines that are shown of one document.
const MOST_LINES: usize = 5;
/// Longest piece of a line that is shown, in bytes.
const LONGEST: usize = 240;
/// What is shown before the first match of a line that is cut, in bytes.
const BEFORE: usize = 60;

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1; in a place that has lines of its own, its number there.
    pub number: u64,
    /// Where in the file it stands, when that is not simply a line of it.
    pub place: Option<Place>,
    /// The line, cut around its first match when it is long.
    pub text: String,
    /// The matches in `text`: first byte, and the byte behind the last.
    pub matches: Vec<(usize, usize)>,
}

/// What lines are looked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    patterns: Vec<Regex>,
    levels: Vec<Level>,
}

impl Wanted {
    /// The lines that show why something fulfils `condition`, or has one of the words.
    pub(super) fn of(condition: &Condition, about: &[String]) -> Self {
        let mut words = Vec::new();
        let mut wanted = Self::default();
        wanted.add(condition, &mut words);
        words.extend(about.iter().map(String::as_str));
        let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
        if !words.is_empty() {
            let any = RegexBuilder::new(&words.join("|"))
                .case_insensitive(true)
                .build();
            wanted.patterns.extend(any);
        }
        wanted
    }

    fn add<'a>(&mut self, condition: &'a Condition, words: &mut Vec<&'a str>) {
        match condition {
            Condition::And(parts) | Condition::Or(parts) => {
                for part in parts {
                    self.add(part, words);
                }
            }
            Condition::Word(word) => words.push(word),
            Condition::Inside(_, text) => words.extend(text.split_whitespace()),
            Condition::Pattern(pattern, _) => self.patterns.push(pattern.line().clone()),
            Condition::Level(level) => self.levels.push(*level),
            Condition::Secret => self.patterns.push(secrets::pattern().clone()),
            _ => {}
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.patterns.is_empty() && self.levels.is_empty()
    }

    /// The first such lines of `text`.
    pub(super) fn lines(&self, text: &str) -> Vec<Line> {
        let mut found: Vec<Line> = Vec::new();
        // Counted on from the last line that was found.
        let (mut number, mut counted) = (1, 0);
        let mut at = 0;
        while at < text.len() && found.len() < MOST_LINES {
            let Some(hit) = self.next(text, at) else {
                break;
            };
            let start = memchr::memrchr(b'\n', &text.as_bytes()[..hit]).map_or(0, |end| end + 1);
            let end =
                memchr::memchr(b'\n', &text.as_bytes()[hit..]).map_or(text.len(), |end| hit + end);
            number += memchr::memchr_iter(b'\n', &text.as_bytes()[counted..start]).count() as u64;
            counted = start;
            let line = text[start..end].trim_end_matches('\r');
            let matches = self.matches(line);
            if !matches.is_empty() || self.levels.iter().any(|one| Level::of(line) == Some(*one)) {
                found.push(cut(number, line, matches));
            }
            at = end + 1;
        }
        found
    }

    /// The same with the place of each in the file that `text` was read from. What a page shows is told only
    /// where nothing of how it is written matches: it would be the same words again.
    pub(super) fn placed(&self, text: &str, places: &Places) -> Vec<Line> {
        let mut told: Vec<Line> = Vec::new();
        for mut line in self.lines(text) {
            if let Some((place, number)) = places.of_line(line.number) {
                let is_again = words::is_as_shown(place);
                if is_again && told.iter().any(|one| one.place.is_none()) {
                    break;
                }
                line.number = number;
                line.place = Some(place.clone()).filter(|place| *place != Place::Whole);
            }
            told.push(line);
        }
        told
    }

    /// Where, from `at` on, something may be.
    fn next(&self, text: &str, at: usize) -> Option<usize> {
        let patterns = self.patterns.iter().filter_map(|one| {
            let found = one.find_at(text, at)?;
            Some(found.start())
        });
        let first = patterns.min();
        if self.levels.is_empty() {
            // An empty match at the very end stands in no line.
            return first.filter(|start| *start < text.len());
        }
        let mut start = at;
        for line in text[at..].split_inclusive('\n') {
            if first.is_some_and(|first| first < start + line.len()) {
                break;
            }
            if self.levels.iter().any(|one| Level::of(line) == Some(*one)) {
                return Some(start);
            }
            start += line.len();
        }
        first
    }

    fn matches(&self, line: &str) -> Vec<(usize, usize)> {
        let all = self.patterns.iter().flat_map(|one| one.find_iter(line));
        let mut matches: Vec<(usize, usize)> = all
            .filter(|found| !found.is_empty())
            .map(|found| (found.start(), found.end()))
            .collect();
        matches.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (start, end) in matches {
            match apart.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => apart.push((start, end)),
            }
        }
        apart
    }
}

fn cut(number: u64, line: &str, matches: Vec<(usize, usize)>) -> Line {
    let first = matches.first().map_or(0, |(start, _)| *start);
    let mut start = if line.len() <= LONGEST {
        0
    } else {
        first.saturating_sub(BEFORE)
    };
    while !line.is_char_boundary(start) {
        start += 1;
    }
    let mut end = line.len().min(start + LONGEST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let inside = matches.into_iter().filter(|(from, _)| *from < end);
    let inside = inside.map(|(from, to)| (from.max(start) - start, to.min(end) - start));
    Line {
        number,
        place: None,
        text: line[start..end].to_owned(),
        matches: inside.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::pattern::Pattern, *};

    #[test]
    fn lines_are_numbered_marked_and_cut() {
        let word = Condition::Word("Beta".to_owned());
        let wanted = Wanted::of(&word, &[]);
        let lines = wanted.lines("alpha\nbeta and betas\r\n\ngamma beta");
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.matches.clone()))
            .collect();
        assert_eq!(told, [(2, vec![(0, 4), (9, 13)]), (4, vec![(6, 10)])]);
        assert_eq!(lines[0].text, "beta and betas");
        let long = format!("{}beta{}", "ä".repeat(500), "x".repeat(500));
        let line = wanted.lines(&long).remove(0);
        assert!(line.text.len() <= LONGEST);
        let (start, end) = line.matches[0];
        assert_eq!(&line.text[start..end], "beta");
        assert!(wanted.lines("nothing").is_empty());
    }

    #[test]
    fn an_empty_match_shows_no_line_twice() {
        let any = Condition::Pattern(Pattern::regex("x*").unwrap(), None);
        let lines = Wanted::of(&any, &[]).lines("a\nxx\n");
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2]);
    }

    #[test]
    fn what_a_page_shows_is_told_where_its_source_does_not_match() {
        let page = r#"[[1,{"in":"whole"}],[2,{"in":"part","part":"as shown"}]]"#;
        let places: Places = serde_json::from_str(page).unwrap();
        let text = "a <b>bold</b> zebra\na bold zebra";
        let told = |phrase: &str| {
            let phrase = Condition::Pattern(Pattern::phrase(phrase).unwrap(), None);
            let lines = Wanted::of(&phrase, &[]).placed(text, &places);
            let of = |line: &Line| (line.number, line.place.as_ref().map(ToString::to_string));
            lines.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(told("zebra"), [(1, None)]);
        assert_eq!(told("bold zebra"), [(1, Some("as shown".to_owned()))]);
    }

    #[test]
    fn lines_of_a_level_are_shown() {
        let error = Condition::Level(Level::Error);
        let text = "INFO a\nERROR b\nINFO c\nERROR d";
        let lines = Wanted::of(&error, &[]).lines(text);
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 4]);
    }
}
