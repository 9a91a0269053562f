//! Mutated documents: nothing panics, whatever the bytes, and every answer has its form.

use countersign_protocol::dialect::{self, Format};

use crate::corpus;

/// The xorshift generator of Marsaglia, with a seed, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "1e999",
    "-",
    "- ",
    "\n",
    "\t",
    "&a ",
    "*a",
    "!!str ",
    "? ",
    "|\n",
    ">-\n",
    "#",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "'",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "9007199254740993",
    "<<: ",
];

#[test]
fn no_bytes_make_it_panic() {
    let mut cases = corpus::cases("valid");
    cases.extend(corpus::cases("invalid"));
    cases.retain(|case| case.bytes.len() < 4096);
    let mut dice = Dice(0x00c0_ffee_0bad_cafe);
    let mut passed = 0;
    for round in 0..20_000 {
        let case = &cases[dice.roll(cases.len())];
        let mut bytes = case.bytes.clone();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(bytes.len() + 1);
            let end = (at + dice.roll(8)).min(bytes.len());
            match dice.roll(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..end, PIECES[dice.roll(PIECES.len())].bytes())),
                3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << dice.roll(8);
                    }
                }
            }
        }
        for format in [Format::Json, Format::Yaml] {
            let read = dialect::read(&bytes, format);
            let known = read
                .as_ref()
                .is_ok_and(|document| document.place("") != (0, 0));
            match read.and_then(|document| case.check(&document)) {
                Ok(_) => passed += 1,
                Err(refusal) => {
                    let shown = String::from_utf8_lossy(&bytes);
                    assert!(!refusal.violations.is_empty(), "{round}: {shown}");
                    for violation in &refusal.violations {
                        let placed = violation.line > 0 && violation.column > 0;
                        assert!(placed, "{round}: {known} {violation:?} in {shown}");
                    }
                }
            }
        }
    }
    assert!(
        passed > 500,
        "the mutations are too coarse: {passed} passed"
    );
}
