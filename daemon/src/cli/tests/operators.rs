//! What an operator runs, and how the daemon is found.

use serde_json::{Value, json};

use super::{Bed, responder::Responder, row};

#[test]
fn nobody_answers() {
    let bed = Bed::new();
    let ran = bed.run(&["ls"]);
    assert_eq!(ran.exit, 7);
    assert_eq!(
        ran.err,
        "error: no daemon runs on this machine\n\n\
         hint: start one with `countersign serve DIR`, or name another with `--url`\n"
    );
    // A port that was free a moment ago.
    let gone = Responder::start(|_| (200, Value::Null)).url.clone();
    bed.leave_endpoint(&gone);
    let ran = bed.run(&["ls"]);
    assert_eq!(ran.exit, 7);
    assert!(
        ran.err
            .starts_with(&format!("error: no daemon answers at `{gone}`"))
    );
    assert_eq!(bed.run(&["ls", "--url", "not an address"]).exit, 2);
}

#[test]
fn the_token_of_this_machine_goes_to_no_other() {
    let bed = Bed::with_daemon(|_| (200, row("H-7", 1)));
    let other = Responder::start(|_| (200, row("H-7", 1)));
    bed.run(&["status", "H-7", "--url", &other.url]);
    assert_eq!(other.asked()[0].authorization, None);
    assert!(bed.asked().is_empty());
    let here = bed.daemon.as_ref().unwrap().url.clone();
    bed.run(&["status", "H-7", "--url", &format!("{here}/")]);
    assert_eq!(
        bed.asked()[0].authorization.as_deref(),
        Some("Bearer operator")
    );
}

#[test]
fn a_wrong_key_is_drawn_with_the_likely_word() {
    let bed = Bed::new();
    let path = bed.at("c.toml");
    let path = path.to_str().unwrap();
    bed.write("c.toml", "[server]\nlistn = \"127.0.0.1:1\"\n");
    let ran = bed.run(&["config", "check", "--config", path]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        format!(
            "error: the configuration is not good\n\n\
             error: unknown key `listn` in `[server]`\n \
             --> {path}:2:1\n  |\n2 | listn = \"127.0.0.1:1\"\n  | ^^^^^\n  |\n\
             hint: did you mean `listen`?\n"
        )
    );
}

#[test]
fn every_value_says_where_it_came_from() {
    let mut bed = Bed::new();
    bed.write("c.toml", "[auth]\nreviewer = \"Maya\"\n");
    let path = bed.at("c.toml").display().to_string();
    bed.variables = vec![
        ("COUNTERSIGN_CONFIG".to_owned(), path.clone()),
        ("COUNTERSIGN_LISTEN".to_owned(), "127.0.0.1:1".to_owned()),
    ];
    let ran = bed.run(&["config", "show", "--origin"]);
    for line in [
        "server.listen\t\"127.0.0.1:1\"\tenvironment COUNTERSIGN_LISTEN".to_owned(),
        format!("auth.reviewer\t\"Maya\"\t{path}:2"),
        "auth.session\t\"12h\"\tdefault".to_owned(),
    ] {
        assert!(
            ran.out.lines().any(|found| found == line),
            "{line} in {}",
            ran.out
        );
    }
    let ran = bed.run(&["config", "check", "--json"]);
    assert_eq!(ran.json()["file"], json!(path));
    let text = bed.run(&["config", "default"]).out;
    assert_eq!(text, crate::config::REFERENCE);
}

#[test]
fn a_workspace_is_made_and_nothing_is_written_over() {
    let bed = Bed::new();
    let ran = bed.run(&["init", "new"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.err.contains("hint: start with `countersign serve new`"));
    for name in ["inbox", "approved", "workspace.toml", "AGENTS.md"] {
        assert!(bed.at("team/job/new").join(name).exists(), "{name}");
    }
    bed.write("team/job/new/AGENTS.md", "mine");
    let json = bed.run(&["init", "new", "--json"]).json();
    assert_eq!(json["made"], json!([]));
    assert_eq!(bed.read("team/job/new/AGENTS.md"), "mine");
    let ran = bed.run(&["config", "check", "new"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "ok  no file, defaults, 1 workspace\n")
    );
}

#[test]
fn a_broken_chain_is_a_failure() {
    let report = |ok: bool| {
        let problem = if ok {
            Value::Null
        } else {
            json!("entry 3 was changed")
        };
        let head = json!({ "seq": 2, "hash": super::ZERO });
        json!({ "ok": ok, "entries": 2, "head": head, "problem": problem })
    };
    let bed = Bed::with_daemon(move |_| (200, report(true)));
    let ran = bed.run(&["audit", "verify"]);
    let line = format!("intact  2 entries, head 2 {}\n", super::ZERO);
    assert_eq!((ran.exit, ran.out), (0, line));
    let bed = Bed::with_daemon(move |_| (200, report(false)));
    let ran = bed.run(&["audit", "verify"]);
    assert_eq!(ran.exit, 1);
    assert!(
        ran.err
            .starts_with("error: the chain is broken: entry 3 was changed\n")
    );
    assert_eq!(bed.run(&["audit", "verify", "--json"]).exit, 1);
}

#[test]
fn the_ledger_is_read_where_no_daemon_runs() {
    let bed = Bed::new();
    assert_eq!(bed.run(&["audit", "verify"]).exit, 5);
    let ledger = bed.at("state/countersign/ledger.db");
    crate::store::SqliteStore::open(&ledger).unwrap();
    let ran = bed.run(&["audit", "verify", "--json"]);
    assert_eq!((ran.exit, ran.json()["entries"].as_u64()), (0, Some(0)));
    let _held = crate::fs::InstanceLock::take(&bed.at("state/countersign")).unwrap();
    assert_eq!(bed.run(&["audit", "verify"]).exit, 7);
}

#[test]
fn a_secret_is_shown_once_and_alone_on_stdout() {
    let token = json!({ "id": "t1", "agent": "bot", "workspaces": ["team"],
                        "created_at": super::START, "expires_at": null, "revoked": false });
    let bed = Bed::with_daemon(move |asked| match asked.line.as_str() {
        "POST /api/v1/tokens" => (201, json!({ "token": token, "secret": "s3" })),
        "GET /api/v1/tokens" => (200, json!([token])),
        _ => (204, Value::Null),
    });
    let ran = bed.run(&[
        "token",
        "create",
        "bot",
        "--workspace",
        "team",
        "--days",
        "7",
    ]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "s3\n"));
    let sent = json!({ "agent": "bot", "workspaces": ["team"], "days": 7 });
    assert_eq!(bed.asked()[0].body, sent);
    let ran = bed.run(&["token", "ls"]);
    assert!(ran.out.starts_with("t1\tbot\tteam\t"), "{}", ran.out);
    assert_eq!(
        bed.run(&["token", "revoke", "t1"]).out,
        "t1 was taken back\n"
    );
    assert_eq!(bed.asked().pop().unwrap().line, "DELETE /api/v1/tokens/t1");
}

#[test]
fn a_start_link_is_printed_where_there_is_no_screen() {
    let bed = Bed::with_daemon(|_| (201, json!({ "url": "http://127.0.0.1:9/start?t=x" })));
    let ran = bed.run(&["open"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "http://127.0.0.1:9/start?t=x\n")
    );
    assert!(ran.err.contains("ssh -L 9:127.0.0.1:9 HOST"));
    let ran = bed.run(&["open", "--print"]);
    assert_eq!(ran.err, "");
}

#[test]
fn a_handoff_is_opened_at_its_page_or_in_its_folder() {
    let bed = Bed::with_daemon(|asked| {
        if asked.line.starts_with("GET") {
            return (200, super::row("H-7", 1));
        }
        (201, json!({ "url": "http://127.0.0.1:9/start?t=x" }))
    });
    let ran = bed.run(&["open", "H-7", "--print"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "http://127.0.0.1:9/start?t=x&h=H-7\n")
    );
    let ran = bed.run(&["open", "7", "--folder", "--print"]);
    let folder = format!("{}\n", bed.at("team/job").display());
    assert_eq!((ran.exit, ran.out), (0, folder));
    assert_eq!(bed.run(&["open", "--folder"]).exit, 2);
}

#[test]
fn usage_is_a_matter_of_stderr_and_help_of_stdout() {
    let bed = Bed::new();
    let ran = bed.run(&["sbmit"]);
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("'submit'"), "{}", ran.err);
    let ran = bed.run(&["help", "wiat"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("hint: did you mean `wait`?"));
    let ran = bed.run(&["help", "exit-codes"]);
    assert!(
        ran.out.contains("10\t`wait`: changes requested\n"),
        "{}",
        ran.out
    );
    for arguments in [
        &["--help"][..],
        &["help", "config", "show"],
        &["version"],
        &["schema", "handoff"],
        &["completions", "bash"],
    ] {
        let ran = bed.run(arguments);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(!ran.out.is_empty());
    }
    assert_eq!(bed.run(&["schema", "hand"]).exit, 5);
}

#[test]
fn the_doctor_ends_with_a_failure_only_when_something_fails() {
    let bed = Bed::new();
    bed.write("team/workspace.toml", "");
    let team = bed.at("team").display().to_string();
    let ran = bed.run(&["doctor", &team, "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let json = ran.json();
    let checks = json["checks"].as_array().unwrap();
    let daemon = checks
        .iter()
        .find(|check| check["check"] == "daemon")
        .unwrap();
    assert_eq!(daemon["result"], "warn");
    assert!(checks.iter().any(|check| check["check"] == "team events"));
    bed.write("team/workspace.toml", "clas = \"public\"\n");
    let parent = bed.at("").display().to_string();
    bed.write("team/workspace.toml", "nmae = \"x\"\n");
    let ran = bed.run(&["doctor", &parent, "--json", "--data-dir", "/tmp/never"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
}

#[test]
fn an_index_made_anew_is_waited_for_and_what_is_not_searched_is_said() {
    let looks = std::cell::Cell::new(0_u64);
    let index = move |asked: &super::responder::Asked| {
        let status = |state: &str, done: u64| {
            json!({"state": state, "why": null, "done": done, "of": 9, "documents": done,
                "bytes": 4096, "seq": 7, "cut": 2, "unread": 1})
        };
        if asked.line.starts_with("POST /api/v1/search/index/rebuild") {
            return (202, status("rebuilding", 0));
        }
        looks.set(looks.get() + 1);
        match looks.get() {
            look @ 1..=2 => (200, status("rebuilding", look * 3)),
            _ => (200, status("ready", 9)),
        }
    };
    let bed = Bed::with_daemon(index);
    let ran = bed.run(&["index", "rebuild", "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(ran.json()["index"]["state"], "ready");
    assert_eq!(bed.asked().len(), 4);
    let ran = bed.run(&["index", "status"]);
    assert_eq!(ran.exit, 0);
    assert_eq!(
        ran.out,
        "ready: 9 documents, 4096 bytes, everything up to entry e7\n"
    );
    assert!(ran.err.contains("of 2 files only a part"), "{ran:?}");
    assert!(
        ran.err.contains("`countersign search has:unsearched`"),
        "{ran:?}"
    );
}

#[test]
fn an_index_that_cannot_be_made_is_a_failure_with_its_reason() {
    let off = json!({"state": "off", "why": "the search index cannot be used: the disk is full",
        "done": 0, "of": 0, "documents": 0, "bytes": 0, "seq": 0});
    let bed = Bed::with_daemon(move |_| (200, off.clone()));
    let ran = bed.run(&["index", "rebuild"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.err.contains("the disk is full"), "{ran:?}");
    let ran = bed.run(&["index", "rebuild", "--no-wait"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
}
