//! Every document in `testdata`, read and checked.

use std::path::PathBuf;

use countersign_protocol::{
    contract::{self, Rules},
    dialect::{self, Format},
};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

#[test]
fn everything_valid_passes() {
    let mut count = 0;
    for entry in folder("valid").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let format = match path.extension().and_then(|ext| ext.to_str()) {
            Some("json") => Format::Json,
            Some("yaml") => Format::Yaml,
            _ => continue,
        };
        let bytes = std::fs::read(&path).unwrap();
        let document = dialect::read(&bytes, format).unwrap_or_else(|e| panic!("{path:?}: {e:#?}"));
        contract::check(&document, Rules::default()).unwrap_or_else(|e| panic!("{path:?}: {e:#?}"));
        count += 1;
    }
    assert!(count >= 5);
}
