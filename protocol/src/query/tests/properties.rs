//! What holds for every text: it is read or refused, and what is printed is read as the same.

use jiff::{Timestamp, tz::TimeZone};

use crate::query::{
    Now, parse,
    question::{self, Vocabulary},
};

/// Pieces that mean something to the reader, and some that mean nothing to anybody.
const PIECES: &str = "( ) \" “ ” - -- / \\ /ab/ /x(/ : :: , .. * > <= @ OR AND NOT a timeout ü \u{202e} \0 \u{7} \
    agent: agnet: agent:( ws:x path:src/**/*.rs is:waiting has: size:>5mb size:1.5.5 rev:2..3 changed: \
    >@last-build @rev:2..@rev:3 since:2h after:2026-13-40 2026-02-30 9999-12-31 -9999-01-01 due:tomorrow \
    confidence:<floor confidence:99999999999999999999 age:>99999999999999d sort:newest show:(files,count) \
    group:agent about: \"a\\\"b\" what changed since the last build between revision 2 and not without mentions \
    hermes maya ? 0 h-0 h-00 #7 march 31 february monday 100mb ext:.RS reason:“x” decision:approve,reject";

/// A generator of numbers (xorshift64*), seeded so that a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(roll).unwrap() % end
    }
}

fn texts(seed: u64, count: usize) -> impl Iterator<Item = String> {
    let pieces: Vec<&str> = PIECES.split_whitespace().collect();
    let mut dice = Dice(seed);
    (0..count).map(move |_| {
        let length = 1 + dice.below(14);
        let mut text = String::new();
        for _ in 0..length {
            text.push_str(pieces[dice.below(pieces.len())]);
            if dice.below(3) > 0 {
                text.push(' ');
            }
        }
        text
    })
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    let mut read = 0;
    for text in texts(7, 20_000) {
        let Ok(parsed) = parse(&text) else { continue };
        let printed = parsed.query.to_string();
        let again =
            parse(&printed).unwrap_or_else(|error| panic!("{text:?}: {printed:?}: {error}"));
        assert_eq!(again.query, parsed.query, "{text:?}: {printed:?}");
        assert_eq!(again.query.to_string(), printed, "{text:?}");
        read += 1;
    }
    assert!(read > 2_000, "only {read} texts could be read");
}

#[test]
fn no_text_ends_the_program() {
    let now = Now {
        at: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
    };
    let vocabulary = Vocabulary {
        agents: vec!["hermes".to_owned(), " ".to_owned(), "a\"b\\".to_owned()],
        workspaces: vec!["x".to_owned()],
        people: vec!["Maya Okafor".to_owned(), String::new()],
        paths: vec!["docs/a.md".to_owned()],
    };
    for text in texts(11, 4_000) {
        match question::read(&text, &vocabulary, &now) {
            Ok(reading) => {
                let shown = reading.query.to_string();
                let again = question::read(&shown, &vocabulary, &now).unwrap();
                assert_eq!(again.query, reading.query, "{text:?}: {shown:?}");
                for note in reading.notes {
                    assert!(
                        text.get(note.place.start..note.place.end).is_some(),
                        "{text:?}"
                    );
                }
            }
            Err(error) => {
                assert!(
                    text.get(error.place.start..error.place.end).is_some(),
                    "{text:?}"
                );
            }
        }
    }
}

/// Every moment can be placed, even at the ends of time.
#[test]
fn every_time_has_a_place() {
    for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let now = Now {
            at,
            zone: TimeZone::UTC,
        };
        for text in [
            "1s",
            "200w",
            "today",
            "tomorrow",
            "last-week",
            "last-month",
            "sunday",
            "9999-12",
            "-009999-01-01",
        ] {
            if let Some(moment) = crate::query::Moment::read(text) {
                let span = moment.span(&now);
                assert!(span.start <= span.end, "{text} {at}");
                moment.span_ahead(&now);
            }
        }
    }
}
