//! The state folder is for the daemon alone.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use countersign_tests::{bed::TestBed, http::Http, wait};
use serde_json::Value;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_stood_open_is_closed_and_the_key_is_another() {
    let bed = TestBed::start();
    let endpoint = bed.data().join("daemon.json");
    let token = || {
        let said: Value = serde_json::from_slice(&fs::read(&endpoint).ok()?).ok()?;
        Some(said["token"].as_str()?.to_owned())
    };
    let before = token().unwrap();
    let opened = ["", "daemon.json", "ledger.db", "objects", "device-key"];
    for name in opened {
        fs::set_permissions(bed.data().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    wait::until("another key", || token().filter(|token| *token != before));
    for name in opened {
        assert_eq!(mode(&bed.data().join(name)) & 0o077, 0, "{name}");
    }
    let url = bed.endpoint().url.clone();
    let asked = |token: &str| {
        Http::new(&url, Some(token))
            .get("/api/v1/handoffs")
            .unwrap()
    };
    assert_eq!(asked(&before).status, 401);
    assert_eq!(asked(&token().unwrap()).status, 200);
}

#[test]
fn everything_in_it_is_for_its_user_alone() {
    let bed = TestBed::start();
    let _signed_in = bed.sign_in();
    for entry in fs::read_dir(bed.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}
