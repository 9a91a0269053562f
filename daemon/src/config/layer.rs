//! The layers over the file: environment and flags.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    error::ConfigError,
    origin::{Origin, Setting},
    value::Value,
};

/// The environment variables that matter here.
#[derive(Clone, Debug, Default)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    /// Those of this process. Values that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A folder of the XDG base directory specification: `variable`, else `fallback` in the home folder.
    pub fn xdg(&self, variable: &str, fallback: &str) -> Option<PathBuf> {
        let absolute = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        self.get(variable)
            .and_then(absolute)
            .or_else(|| Some(self.home()?.join(fallback)))
    }

    /// The home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// `~` and `~/…` as the shell would write them out.
    pub fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// What stands on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--public-url`.
    pub public_url: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--log`.
    pub log: Option<String>,
    /// `--insecure-public`.
    pub insecure_public: bool,
    /// The folders to serve.
    pub roots: Vec<PathBuf>,
}

/// Picks the winning layer of each value and collects what is wrong with it.
pub(super) struct Layers<'a> {
    pub(super) environment: &'a Environment,
    pub(super) errors: RefCell<Vec<ConfigError>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            errors: RefCell::default(),
        }
    }

    pub(super) fn fail(&self, error: ConfigError) {
        self.errors.borrow_mut().push(error);
    }

    /// The flag, else the variable, else the file.
    pub(super) fn pick<T: Value>(
        &self,
        file: Option<Setting<T>>,
        variable: &'static str,
        flag: Option<(&'static str, Option<&str>)>,
    ) -> Option<Setting<T>> {
        let read = |text: &str, origin: Origin| match T::from_text(text) {
            Ok(value) => Some(Setting { value, origin }),
            Err(why) => {
                let name = match &origin {
                    Origin::Flag(name) | Origin::Environment(name) => name,
                    _ => "",
                };
                self.fail(
                    ConfigError::new(format!("`{name}` {why}")).hint(format!("it is `{text}`")),
                );
                None
            }
        };
        if let Some((name, Some(text))) = flag {
            return read(text, Origin::Flag(name));
        }
        match self.environment.get(variable) {
            Some(text) => read(text, Origin::Environment(variable)),
            None => file,
        }
    }
}
