//! One table of a file. Knows which keys were asked for, and so which ones are unknown.

use std::{cell::RefCell, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, Place},
    origin::{Origin, Setting},
    value::{self, Value},
};

/// A file that is being read, and what was found to be wrong with it so far.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) errors: RefCell<Vec<ConfigError>>,
}

impl<'a> File<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self {
            path,
            text,
            errors: RefCell::default(),
        }
    }

    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'a>>, ConfigError> {
        DeTable::parse(self.text).map_err(|error| {
            let mut found = ConfigError::new(error.message().replace('\n', ", "));
            found.place = error.span().map(|span| self.place(span));
            found.hint("the file is TOML 1.0; text stands in double quotes")
        })
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.path.to_owned(), self.text, span)
    }

    pub(super) fn fail(&self, span: Range<usize>, mut error: ConfigError) {
        error.place = Some(self.place(span));
        self.errors.borrow_mut().push(error);
    }

    /// Where the words of a line stand; lines are counted from 1.
    pub(super) fn line(&self, number: u32) -> Range<usize> {
        let before = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let start: usize = self
            .text
            .split_inclusive('\n')
            .take(before)
            .map(str::len)
            .sum();
        let line = self.text[start..].lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        start + indent..start + line.trim_end().len()
    }
}

/// A table of a file; an absent one has no keys.
pub(super) struct Section<'a> {
    file: &'a File<'a>,
    /// For example `server`; empty for the top.
    name: &'a str,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(file: &'a File<'a>, name: &'a str, table: Option<&'a DeTable<'a>>) -> Self {
        Self {
            file,
            name,
            table,
            asked: RefCell::default(),
        }
    }

    fn raw(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.table.and_then(|table| table.get(key))
    }

    /// Whether the section is not there at all.
    pub(super) fn is_absent(&self) -> bool {
        self.table.is_none()
    }

    /// The value of `key`, when it is there and good.
    pub(super) fn take<T: Value>(&self, key: &'static str) -> Option<Setting<T>> {
        let raw = self.raw(key)?;
        match T::from_toml(raw.get_ref()) {
            Ok(value) => Some(Setting {
                value,
                origin: Origin::File {
                    path: self.file.path.to_owned(),
                    line: self.file.place(raw.span()).line,
                },
            }),
            Err(why) => {
                self.file.fail(
                    raw.span(),
                    ConfigError::new(format!("`{}` {why}", self.full(key))),
                );
                None
            }
        }
    }

    /// The value of a key that must be there; `hint` says what to write.
    pub(super) fn need<T: Value>(
        &self,
        key: &'static str,
        span: Range<usize>,
        hint: &str,
    ) -> Option<Setting<T>> {
        if self.table.is_some_and(|table| !table.contains_key(key)) {
            self.asked.borrow_mut().push(key);
            let error = ConfigError::new(format!("`[[{}]]` needs `{key}`", self.name));
            self.file.fail(span, error.hint(format!("add {hint}")));
            return None;
        }
        self.take(key)
    }

    /// Complains about the line that `origin` names.
    pub(super) fn fail_at(&self, origin: &Origin, error: ConfigError) {
        let line = match origin {
            Origin::File { line, .. } => *line,
            _ => 1,
        };
        self.file.fail(self.file.line(line), error);
    }

    /// Complains about what stands at `span`.
    pub(super) fn fail(&self, span: Range<usize>, error: ConfigError) {
        self.file.fail(span, error);
    }

    /// The table under `key`.
    pub(super) fn table(&self, key: &'static str) -> Section<'a> {
        let table = self.raw(key).and_then(|raw| {
            let table = raw.get_ref().as_table();
            if table.is_none() {
                let found = value::kind(raw.get_ref());
                self.file.fail(
                    raw.span(),
                    ConfigError::new(format!("`{key}` must be a section, not {found}"))
                        .hint(format!("write `[{key}]` on a line of its own")),
                );
            }
            table
        });
        Section::new(self.file, key, table)
    }

    /// The tables under `key`, written `[[key]]`.
    pub(super) fn tables(&self, key: &'static str) -> Vec<(Range<usize>, Section<'a>)> {
        let Some(raw) = self.raw(key) else {
            return Vec::new();
        };
        let Some(list) = raw.get_ref().as_array() else {
            self.file.fail(
                raw.span(),
                ConfigError::new(format!("`{key}` must be a list of sections"))
                    .hint(format!("write `[[{key}]]` with double brackets")),
            );
            return Vec::new();
        };
        list.iter()
            .filter_map(|item| {
                let table = item.get_ref().as_table()?;
                Some((item.span(), Section::new(self.file, key, Some(table))))
            })
            .collect()
    }

    /// Complains about every key that nobody asked for. `extra` are words that belong elsewhere.
    pub(super) fn finish(&self, refused: &[(&str, &str)]) {
        let asked = self.asked.borrow();
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let place = if self.name.is_empty() {
                String::new()
            } else {
                format!(" in `[{}]`", self.name)
            };
            let error = ConfigError::new(format!("unknown key `{name}`{place}"));
            let known = asked.iter().copied();
            let hint = match refused.iter().find(|(word, _)| *word == name) {
                Some((_, why)) => (*why).to_owned(),
                None => super::nearest(name, known.clone()).map_or_else(
                    || format!("known here: {}", known.collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                ),
            };
            self.file.fail(key.span(), error.hint(hint));
        }
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}
