//! Everything that a command says: data to stdout, everything else to stderr.

mod diagnostic;
mod inert;
mod style;
mod table;
mod time;

use std::io::{self, IsTerminal as _, Write};

use serde_json::{Map, Value};

pub(crate) use self::{
    diagnostic::Drawing,
    inert::{inert, inert_lines, shell_word},
    style::Style,
    table::{Cell, Table},
    time::{ago, span},
};
use super::exit::Failure;
use crate::config::Environment;

/// Letters of a bar of progress.
const BAR: u64 = 30;
/// Moves the cursor to the start of the line and clears it (ECMA-48, EL).
const CLEAR: &str = "\r\u{1b}[K";

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    /// On a terminal, as `NO_COLOR` and `CLICOLOR_FORCE` say.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The two streams of a command.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// `--json`.
    pub(crate) json: bool,
    /// Whether a person reads stdout: aligned, with relative times.
    pub(crate) terminal: bool,
    /// Whether a person reads stderr: what moves on is written in one place.
    live: bool,
    colour_out: bool,
    colour_err: bool,
    failed: Option<io::Error>,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn of_process(environment: &Environment) -> Self {
        let terminal = io::stdout().is_terminal();
        let colour = |terminal| colour(When::Auto, environment, terminal);
        Self {
            terminal,
            live: io::stderr().is_terminal(),
            colour_out: colour(terminal),
            colour_err: colour(io::stderr().is_terminal()),
            ..Self::to(Box::new(io::stdout()), Box::new(io::stderr()))
        }
    }

    /// Plain text to `out` and `err`.
    pub(crate) fn to(out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self {
            out,
            err,
            json: false,
            terminal: false,
            live: false,
            colour_out: false,
            colour_err: false,
            failed: None,
        }
    }

    /// What `--color` says, over what was found out.
    pub(crate) fn set_colour(&mut self, when: When) {
        match when {
            When::Auto => {}
            When::Always => (self.colour_out, self.colour_err) = (true, true),
            When::Never => (self.colour_out, self.colour_err) = (false, false),
        }
    }

    /// Whether the log, which goes to stderr, is coloured.
    pub(crate) fn colours_log(&self) -> bool {
        self.colour_err
    }

    /// A line of data.
    pub(crate) fn line(&mut self, text: &str) {
        let result = writeln!(self.out, "{text}");
        self.note_failure(result);
    }

    /// Data as it is.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let result = self.out.write_all(bytes);
        self.note_failure(result);
    }

    /// `text` in `style`, when stdout is coloured.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        style.paint(text, self.colour_out)
    }

    /// A table: aligned on a terminal, else separated by tabs.
    pub(crate) fn table(&mut self, table: &Table) {
        let text = table.render(self.terminal, self.colour_out);
        self.bytes(text.as_bytes());
    }

    /// The one object of `--json`: `schema` and the fields of `value`.
    pub(crate) fn object(&mut self, command: &str, value: Value) {
        let mut object = Map::new();
        object.insert(
            "schema".to_owned(),
            format!("countersign.cli.{command}/1").into(),
        );
        match value {
            Value::Object(fields) => object.extend(fields),
            other => drop(object.insert("value".to_owned(), other)),
        }
        self.raw_object(&Value::Object(object));
    }

    /// An object with a schema of its own.
    pub(crate) fn raw_object(&mut self, value: &Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.line(&text);
    }

    /// A remark to the person, not data.
    pub(crate) fn remark(&mut self, text: &str) {
        let result = writeln!(self.err, "{text}");
        self.note_failure(result);
    }

    /// How far something is: a bar on a terminal, in the place of the last one. A log is told the end alone.
    pub(crate) fn progress(&mut self, done: u64, of: u64, text: &str) {
        if !self.live {
            return;
        }
        let filled = done.min(of) * BAR / of.max(1);
        let bar = (0..BAR).map(|at| if at < filled { '#' } else { '.' });
        let bar: String = bar.collect();
        let result = write!(self.err, "{CLEAR}[{bar}] {text}").and_then(|()| self.err.flush());
        self.note_failure(result);
    }

    /// Removes the bar.
    pub(crate) fn progress_ends(&mut self) {
        if self.live {
            let result = write!(self.err, "{CLEAR}");
            self.note_failure(result);
        }
    }

    /// A way on, not data.
    pub(crate) fn hint(&mut self, text: &str) {
        let label = Style::Hint.paint("hint:", self.colour_err);
        self.remark(&format!("{label} {}", inert_lines(text)));
    }

    /// Why it did not work. With `--json` a document goes to stdout as data, or the general error
    /// object to stderr.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if self.json {
            let value = failure.json();
            if failure.document.is_some() {
                self.raw_object(&value);
            } else {
                self.remark(&serde_json::to_string_pretty(&value).unwrap_or_default());
            }
            return;
        }
        let label = Style::Error.paint("error:", self.colour_err);
        self.remark(&format!("{label} {}", inert_lines(&failure.message)));
        for drawing in &failure.drawings {
            self.drawing(drawing);
        }
        if let Some(hint) = &failure.hint {
            self.remark("");
            self.hint(hint);
        }
    }

    /// A place in a file, drawn on stderr.
    pub(crate) fn drawing(&mut self, drawing: &Drawing) {
        self.remark("");
        self.remark(&drawing.render(self.colour_err));
    }

    /// Why data was lost, if it was. A reader that has seen enough is no failure.
    pub(crate) fn finish(&mut self) -> Option<io::Error> {
        let result = self.out.flush();
        self.note_failure(result);
        self.failed
            .take()
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    fn note_failure(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error);
        }
    }
}

/// See no-color.org and bixense.com/clicolors.
fn colour(when: When, environment: &Environment, terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if environment.get("NO_COLOR").is_some() => false,
        When::Auto => {
            let forced = environment.get("CLICOLOR_FORCE").is_some_and(|v| v != "0");
            forced || (terminal && environment.get("TERM") != Some("dumb"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
        let with = |pairs: &[(&str, &str)]| {
            Environment(
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            )
        };
        let plain = with(&[]);
        assert!(colour(When::Auto, &plain, true));
        assert!(!colour(When::Auto, &plain, false));
        assert!(!colour(When::Auto, &with(&[("NO_COLOR", "1")]), true));
        assert!(colour(When::Auto, &with(&[("NO_COLOR", "")]), true));
        assert!(colour(When::Auto, &with(&[("CLICOLOR_FORCE", "1")]), false));
        assert!(!colour(
            When::Auto,
            &with(&[("CLICOLOR_FORCE", "0")]),
            false
        ));
        assert!(!colour(When::Auto, &with(&[("TERM", "dumb")]), true));
        assert!(colour(When::Always, &with(&[("NO_COLOR", "1")]), false));
        assert!(!colour(
            When::Never,
            &with(&[("CLICOLOR_FORCE", "1")]),
            true
        ));
    }
}
