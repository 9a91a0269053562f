//! How a person wants files to be shown: what stands in the address of a page and in its links.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::render::{
    diff::Wish,
    preview::{Look, View},
    window::{At, Level},
};

/// The most folds that an address opens.
const MAX_OPEN: usize = 200;

/// The part of an address that says how.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    view: Option<View>,
    /// `split` for side by side.
    diff: Option<String>,
    /// `ignore` when white space within lines counts for nothing.
    space: Option<String>,
    /// Numbers of folds, with commas.
    open: Option<String>,
    /// First row of a long diff or text.
    from: Option<usize>,
    /// First byte of a window.
    at: Option<u64>,
    /// First line of a window.
    line: Option<String>,
    /// `end` for the last window.
    to: Option<String>,
    /// `warning` or `error`.
    level: Option<String>,
    /// The entry of an archive, by its path.
    entry: Option<String>,
}

impl Asked {
    /// What a page of many files is asked.
    pub(super) fn of(diff: Option<String>, space: Option<String>) -> Self {
        Self {
            diff,
            space,
            ..Self::default()
        }
    }

    /// Whether diffs stand side by side.
    pub(super) fn split(&self) -> bool {
        self.diff.as_deref() == Some("split")
    }

    /// Whether white space counts for nothing.
    pub(super) fn ignore_space(&self) -> bool {
        self.space.as_deref() == Some("ignore")
    }

    /// The same for what makes the preview.
    pub(super) fn look(&self) -> Look {
        let open = self.open.as_deref().unwrap_or_default().split(',');
        Look {
            view: self.view.unwrap_or_default(),
            split: self.split(),
            entry: self.entry.clone(),
            without_pages: false,
            diff: Wish {
                ignore_space: self.ignore_space(),
                open: open
                    .filter_map(|at| at.parse().ok())
                    .take(MAX_OPEN)
                    .collect(),
                from: self.from.unwrap_or(0),
                deadline: None,
                compared: None,
            },
        }
    }

    /// Where a window begins.
    pub(super) fn at(&self) -> At {
        match (
            &self.to,
            self.line
                .as_deref()
                .and_then(|line| line.trim().parse().ok()),
        ) {
            (Some(to), _) if to == "end" => At::End,
            (_, Some(line)) => At::Line(line),
            _ => At::Byte(self.at.unwrap_or(0)),
        }
    }

    /// Which lines a window shows.
    pub(super) fn level(&self) -> Level {
        match self.level.as_deref() {
            Some("warning") => Level::Warning,
            Some("error") => Level::Error,
            _ => Level::Plain,
        }
    }

    /// What is kept from link to link: side by side or not, and white space.
    pub(super) fn habits(&self) -> String {
        let mut query = String::new();
        if self.split() {
            query.push_str("&diff=split");
        }
        if self.ignore_space() {
            query.push_str("&space=ignore");
        }
        query
    }

    /// Everything that chooses the content, but for folds and the place in it.
    pub(super) fn kept(&self) -> String {
        let mut query = self.habits();
        if let Some(view) = self.view.filter(|view| *view != View::Fitting) {
            // Writing to a string cannot fail.
            let _ = write!(query, "&view={}", view.name());
        }
        if let Some(entry) = &self.entry {
            query.push_str("&entry=");
            query.extend(form_urlencoded::byte_serialize(entry.as_bytes()));
        }
        query
    }

    /// The folds that are open, for a link that opens one more.
    pub(super) fn opened(&self) -> String {
        let open = self.look().diff.open;
        open.iter().fold(String::new(), |mut text, at| {
            let _ = write!(text, "{at},");
            text
        })
    }
}
