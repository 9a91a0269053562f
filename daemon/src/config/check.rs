//! `[[check]]`: commands of the operator that look at what was handed over.
//!
//! They stand in the configuration file alone: a workspace may only name them, since agents may be able to write
//! what is in it.

use std::{ops::Range, path::PathBuf, time::Duration};

use countersign_protocol::check::OnFailure;

use super::{
    Entry,
    error::ConfigError,
    names::Id,
    origin::Setting,
    quantity::{Size, Span},
    section::Section,
};

/// The least memory that a program gets.
const LEAST_MEMORY: Size = Size(16_000_000);
/// The most output that is kept.
const MOST_OUTPUT: Size = Size(1_000_000);

/// A `[[check]]` section.
#[derive(Clone, Debug)]
pub struct Check {
    /// The name by which workspaces and contracts name it.
    pub name: Setting<Id>,
    /// The program and its words; no shell reads them.
    pub command: Setting<Vec<String>>,
    /// What follows when it fails.
    pub on_failure: Setting<OnFailure>,
    /// How long it may take.
    pub time: Setting<Span>,
    /// Address space of each of its processes, and the largest file that it may write.
    pub memory: Setting<Size>,
    /// How much it may say.
    pub output: Setting<Size>,
    /// What else it may read and run.
    pub read: Setting<Vec<PathBuf>>,
}

fn or<T>(stated: Option<Setting<T>>, value: T) -> Setting<T> {
    stated.unwrap_or_else(|| Setting::default(value))
}

impl Check {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let name = section.need::<Id>("name", span.clone(), "`name = \"tests\"`");
        let hint = "`command = [\"python3\", \"-m\", \"json.tool\", \"report.json\"]`";
        let command = section.need::<Vec<String>>("command", span, hint);
        let on_failure = or(section.take("on_failure"), OnFailure::Note);
        let time = or(section.take("time"), Span(Duration::from_mins(1)));
        let memory = or(section.take("memory"), Size(512_000_000));
        let output = or(section.take("output"), Size(64_000));
        let read = or(section.take("read"), Vec::new());
        section.finish(&[]);
        let fail = |origin, text: &str, hint: &str| {
            section.fail_at(origin, ConfigError::new(text).hint(hint));
        };
        if let Some(command) = &command
            && command.value.is_empty()
        {
            fail(&command.origin, "`command` is empty", "name a program");
        }
        if time.value < Span(Duration::from_secs(1)) {
            fail(
                &time.origin,
                "`time` is less than 1s",
                "give it `1s` or more",
            );
        }
        if memory.value < LEAST_MEMORY {
            let text = format!("`memory` is less than {LEAST_MEMORY}");
            fail(&memory.origin, &text, "no program can run with that");
        }
        if output.value > MOST_OUTPUT {
            let text = format!("`output` is more than {MOST_OUTPUT}");
            fail(
                &output.origin,
                &text,
                "what a check says is kept in the ledger",
            );
        }
        Some(Self {
            name: name?,
            command: command?,
            on_failure,
            time,
            memory,
            output,
            read,
        })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("check.\"{}\".{name}", self.name.value);
        vec![
            Entry::new(key("command"), &self.command),
            Entry::new(key("on_failure"), &self.on_failure),
            Entry::new(key("time"), &self.time),
            Entry::new(key("memory"), &self.memory),
            Entry::new(key("output"), &self.output),
            Entry::new(key("read"), &self.read),
        ]
    }
}

/// Complains about names that are used twice.
pub(super) fn twice(checks: &[Check]) -> Option<ConfigError> {
    let mut known = std::collections::BTreeMap::new();
    checks.iter().find_map(|one| {
        let first = known.insert(one.name.value.to_string(), &one.name.origin)?;
        let text = format!(
            "{}: two checks are called `{}`",
            one.name.origin, one.name.value
        );
        Some(ConfigError::new(text).hint(format!("the other one is at {first}")))
    })
}
