//! `[observe]`: what the daemon says about itself.

use super::{
    Entry,
    layer::{Flags, Layers},
    origin::Setting,
    section::Section,
};

/// The shape of log lines. The level comes from `RUST_LOG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object for each line.
    Json,
}

/// `[observe]`.
#[derive(Clone, Debug)]
pub struct Observe {
    /// The shape of log lines.
    pub log: Setting<LogFormat>,
}

impl Observe {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>, flags: &Flags) -> Self {
        let log = layers.pick(
            section.take("log"),
            "COUNTERSIGN_LOG",
            Some(("--log", flags.log.as_deref())),
        );
        section.finish(&[]);
        Self {
            log: log.unwrap_or_else(|| Setting::default(LogFormat::Text)),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        vec![Entry::new("observe.log", &self.log)]
    }
}
