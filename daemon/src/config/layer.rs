//! The layers over the file: environment and flags.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
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

/// How the name of each of our variables begins.
const PREFIX: &str = "COUNTERSIGN_";
/// What other parts of the program read, or tell the commands that they start.
const ELSEWHERE: [&str; 12] = [
    "CONFIG",
    "DATA_DIR",
    "URL",
    "TOKEN",
    "AGENT",
    "WORKSPACE",
    "LOCK",
    "LOCK_FENCE",
    "GATE",
    "DOCUMENT",
    "HANDOFF",
    "REVISION",
];

/// Picks the winning layer of each value and collects what is wrong with it.
pub(super) struct Layers<'a> {
    pub(super) environment: &'a Environment,
    pub(super) errors: RefCell<Vec<ConfigError>>,
    /// The variables that were asked for, without their beginning.
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            errors: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    pub(super) fn fail(&self, error: ConfigError) {
        self.errors.borrow_mut().push(error);
    }

    /// Refuses variables that look like one of ours and are none; to be called when all were asked for. A name that is
    /// like none is somebody else's: where a service bears our name, containers are given `COUNTERSIGN_PORT` and more.
    pub(super) fn refuse_misspelt(&self) {
        let asked = self.asked.borrow();
        let known = || asked.iter().copied().chain(ELSEWHERE);
        let given = self.environment.0.keys();
        for name in given.filter_map(|name| name.strip_prefix(PREFIX)) {
            if known().any(|known| known == name) {
                continue;
            }
            // Short words are near to many: a slip is one letter in four.
            let is_slip = |meant: &&str| strsim::osa_distance(name, meant) * 4 <= name.len();
            if let Some(meant) = super::nearest(name, known()).filter(is_slip) {
                self.fail(
                    ConfigError::new(format!(
                        "the environment variable `{PREFIX}{name}` is not known"
                    ))
                    .hint(format!("did you mean `{PREFIX}{meant}`?")),
                );
            }
        }
    }

    /// The flag, else the variable, else the file.
    pub(super) fn pick<T: Value>(
        &self,
        file: Option<Setting<T>>,
        variable: &'static str,
        flag: Option<(&'static str, Option<&str>)>,
    ) -> Option<Setting<T>> {
        let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
        self.asked.borrow_mut().insert(name);
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
