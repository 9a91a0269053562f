//! A configuration, and a catalogue, from their text.

use crate::{
    catalog::Catalog,
    config::{Config, Environment, Flags},
};

pub(crate) fn catalog(text: &str) -> Catalog {
    Catalog::new(&config(text).policy)
}

pub(crate) fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    #[expect(clippy::disallowed_methods, reason = "the test plays the operator")]
    std::fs::write(&file, text).unwrap();
    let flags = Flags {
        config: Some(file),
        ..Flags::default()
    };
    let mut environment = Environment::default();
    environment
        .0
        .insert("HOME".to_owned(), "/nowhere".to_owned());
    Config::load(&flags, &environment).unwrap_or_else(|error| panic!("{error}"))
}
