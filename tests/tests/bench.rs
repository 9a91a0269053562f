//! `countersign bench` measures the real daemon, loses nothing, and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Stdio};

use countersign_tests::program;
use serde_json::{Value, json};

fn bench(arguments: &[&str]) -> (Value, usize) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program::path())
        .args(["bench", "--json", "--dir"])
        .arg(folder.path())
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (report, folder.path().read_dir().unwrap().count())
}

#[test]
fn both_workloads_are_measured_with_their_floors_and_every_handoff_is_recorded() {
    let (report, left) = bench(&["w1", "w2", "--count", "12", "--rounds", "2"]);
    assert_eq!(report["schema"], json!("countersign.cli.bench/1"));
    let w1 = &report["w1"];
    assert_eq!((&w1["samples"], &w1["recorded"]), (&json!(12), &json!(12)));
    for side in ["floor", "ours"] {
        let spread = &w1[side];
        let at = |name: &str| spread[name].as_f64().unwrap();
        assert!(at("min") > 0.0 && at("min") <= at("p50"), "{spread}");
        assert!(at("p50") <= at("p99") && at("p99") <= at("max"), "{spread}");
    }
    let rounds = report["w2"]["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for round in rounds {
        assert_eq!(round["floor"]["recorded"], json!(12));
        assert_eq!(round["ours"]["recorded"], json!(12));
        assert!(round["answered"].is_number(), "each has its receipt");
        assert!(round["peak_memory"].as_u64().is_some());
    }
    assert!(report["machine"]["cores"].as_u64().is_some());
    assert_eq!(left, 0, "nothing is left behind");
}

#[test]
fn one_workload_can_be_asked_for_alone() {
    let (report, _) = bench(&["w2", "--count", "3", "--rounds", "1"]);
    assert!(report.get("w1").is_none());
    assert_eq!(report["w2"]["folders"], json!(1));
}

#[test]
fn searching_is_measured_beside_raw_tantivy_and_a_scan() {
    let arguments = ["w3", "w4", "w5", "--files", "1200", "--count", "3"];
    let (report, left) = bench(&arguments);
    let w3 = &report["w3"];
    for side in ["floor", "raw", "ours", "find", "again"] {
        assert!(w3[side].as_f64().unwrap() > 0.0, "{side}: {w3}");
    }
    let kinds = report["w4"]["kinds"].as_array().unwrap();
    assert_eq!(kinds.len(), 6);
    for kind in kinds {
        assert!(kind["total"].as_u64().unwrap() > 0, "{kind}");
        assert!(kind["ours"]["p50"].as_f64().unwrap() > 0.0, "{kind}");
    }
    let w5 = &report["w5"];
    assert_eq!(w5["samples"], json!(3));
    assert!(w5["changes"].as_f64().unwrap() > 0.0, "{w5}");
    assert_eq!(left, 0, "nothing is left behind");
}
