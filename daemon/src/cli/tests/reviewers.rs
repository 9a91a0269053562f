//! What a reviewer runs: `ls`, `show`, `diff`, the decisions, and what is said about mistakes.

use serde_json::json;

use super::{Bed, HANDOFF, decision, problem, receipt, review, row};

/// A card at `revision` that takes decisions.
fn card(revision: u32) -> Bed {
    Bed::with_daemon(move |asked| match asked.line.as_str() {
        "GET /api/v1/handoffs/H-7" => (200, row("H-7", revision)),
        line if line.contains("/review?") => (200, review("H-7", revision)),
        "POST /api/v1/handoffs/H-7/decision" => {
            let outcome = asked.body["outcome"].as_str().unwrap();
            (201, decision("H-7", revision, outcome))
        }
        line if line.ends_with("/comments") || line.ends_with("/withdraw") => (204, json!(null)),
        "PUT /api/v1/handoffs/H-7/threads/2" => (204, json!(null)),
        _ => problem(404, "H-9 was not found."),
    })
}

#[test]
fn a_decision_binds_to_what_was_on_the_screen() {
    let bed = card(1);
    let ran = bed.run(&[
        "changes", "H-7", "--note", "Shorter", "--at", "a.md:18", "Say so", "--at", "b.md", "Why",
    ]);
    let line = "H-7 revision 1 was sent back for changes: Draft\n";
    assert_eq!((ran.exit, ran.out.as_str()), (0, line));
    let sent = bed.asked().pop().unwrap();
    assert_eq!(
        sent.body,
        json!({
            "revision": 1, "manifest_sha256": super::ZERO, "outcome": "changes_requested",
            "comment": "Shorter",
            "requests": [
                { "id": "", "path": "a.md", "line": 18, "text": "Say so" },
                { "id": "", "path": "b.md", "text": "Why" },
            ],
            "care": { "typed": "H-7", "checked": [] },
        })
    );
}

#[test]
fn every_answer_has_its_command() {
    for (command, outcome) in [
        ("approve", "approved"),
        ("changes", "changes_requested"),
        ("reject", "rejected"),
        ("respond", "responded"),
        ("ignore", "ignored"),
        ("abstain", "abstained"),
    ] {
        let bed = card(1);
        let ran = bed.run(&[command, "H-7", "--note", "words", "--json"]);
        assert_eq!(ran.exit, 0, "{ran:?}");
        let json = ran.json();
        assert_eq!(json["schema"], format!("countersign.cli.{command}/1"));
        assert_eq!(json["decision"]["outcome"], outcome);
    }
}

#[test]
fn only_an_approval_needs_no_words() {
    let bed = card(1);
    for command in ["changes", "reject", "respond"] {
        let ran = bed.run(&[command, "H-7", "--note", "  "]);
        assert_eq!(ran.exit, 2, "{command}");
        assert!(ran.err.contains(&format!(
            "hint: add `--note \"…\"` to `countersign {command}`"
        )));
    }
    assert!(bed.asked().is_empty());
    assert_eq!(bed.run(&["approve", "H-7"]).exit, 0);
}

#[test]
fn an_answer_to_an_older_revision_is_refused_with_the_way_on() {
    let bed = card(4);
    let ran = bed.run(&["approve", "H-7", "--revision", "3"]);
    assert_eq!(ran.exit, 6);
    assert_eq!(
        ran.err,
        "error: H-7 has revision 4; you answered revision 3\n\n\
         hint: see what changed with `countersign diff H-7 --from r3`, \
         then `countersign approve H-7 --revision 4`\n"
    );
    let ran = bed.run(&["approve", "H-7"]);
    assert_eq!(
        ran.exit, 6,
        "the first revision is the only one that needs no number"
    );
    assert!(
        bed.asked()
            .iter()
            .all(|asked| !asked.line.contains("decision"))
    );
    assert_eq!(bed.run(&["approve", "H-7", "--revision", "4"]).exit, 0);
}

#[test]
fn a_revision_that_comes_in_between_is_named() {
    let bed = Bed::with_daemon(|asked| match asked.line.as_str() {
        "GET /api/v1/handoffs/H-7" => (200, row("H-7", 1)),
        line if line.contains("/review?") => (200, review("H-7", 1)),
        _ => {
            let (status, mut body) = problem(409, "H-7 has revision 2 now.");
            body["revision"] = json!(2);
            (status, body)
        }
    });
    let ran = bed.run(&["reject", "H-7", "--note", "no"]);
    assert_eq!(ran.exit, 6);
    assert!(
        ran.err
            .starts_with("error: H-7 has revision 2; you answered revision 1\n")
    );
    assert!(
        ran.err
            .contains("then `countersign reject H-7 --revision 2`")
    );
}

#[test]
fn a_receipt_that_was_copied_is_not_believed() {
    let bed = Bed::with_daemon(|_| {
        let mut row = row("H-9", 1);
        row["folder"] = json!("other");
        (200, row)
    });
    bed.write("team/job/handoff.json", HANDOFF);
    let forged = receipt("H-9", 1, HANDOFF).to_string();
    bed.write("team/job/handoff.receipt.json", &forged);
    let ran = bed.run(&["approve"]);
    assert_eq!(ran.exit, 6);
    assert!(
        ran.err.contains("names H-9, which belongs to `team/other`"),
        "{}",
        ran.err
    );
    assert_eq!(bed.asked().len(), 1, "nothing was decided");
}

#[test]
fn what_the_daemon_says_has_one_exit_code_each() {
    for (status, exit) in [
        (401, 4),
        (403, 4),
        (404, 5),
        (409, 6),
        (422, 3),
        (500, 1),
        (503, 1),
    ] {
        let bed = Bed::with_daemon(move |_| problem(status, "It says so."));
        let ran = bed.run(&["status", "H-7"]);
        assert_eq!(
            (ran.exit, ran.err.as_str()),
            (exit, "error: It says so\n"),
            "{status}"
        );
        let ran = bed.run(&["status", "H-7", "--json"]);
        let object: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(object["schema"], "countersign.cli.error/1");
        assert_eq!(
            (object["exit"].as_u64(), ran.out.as_str()),
            (Some(exit.into()), "")
        );
    }
}

#[test]
fn a_status_is_read_from_the_exit_code() {
    for (state, decided, exit) in [
        ("waiting", None, 8),
        ("changes_requested", Some("changes_requested"), 10),
        ("approved", Some("approved"), 0),
        ("rejected", Some("rejected"), 11),
        ("withdrawn", Some("cancelled"), 12),
    ] {
        let bed = Bed::with_daemon(move |_| {
            let mut row = row("H-7", 1);
            row["state"] = json!(state);
            row["decided"] = json!(decided.map(|outcome| json!({
                "outcome": outcome, "by": "Maya", "at": super::START, "revision": 1,
                "delivered": true,
            })));
            (200, row)
        });
        let ran = bed.run(&["status", "H-7"]);
        assert_eq!(
            (ran.exit, ran.out),
            (exit, format!("H-7\t1\t{state}\tDraft\n"))
        );
    }
}

#[test]
fn the_queue_is_inert_and_one_line_for_each() {
    let bed = Bed::with_daemon(|_| {
        let mut hostile = row("H-8", 2);
        hostile["title"] = json!("a\x1b[2J\tb\nc\u{202e}d");
        hostile["changed_since_my_review"] = json!(true);
        let queue = json!({
            "rows": [row("H-7", 1), hostile],
            "counts": { "turn": 2, "agents": 0, "decided": 0 },
            "dead_letters": [], "next_cursor": "c", "seq": 9,
        });
        (200, queue)
    });
    let ran = bed.run(&["ls"]);
    assert_eq!(
        ran.out,
        "\tlow\tH-7\tDraft\twriter\t2026-11-20T14:02:00Z\t\n\
         \tlow\tH-8\ta�[2J�b�c�d\twriter\t2026-11-20T14:02:00Z\tchanged\n"
    );
    assert!(ran.err.contains("--cursor c"));
    let json = bed.run(&["ls", "--json"]).json();
    assert_eq!(json["items"][1]["id"], "H-8");
    assert!(
        json["items"][0]["url"]
            .as_str()
            .unwrap()
            .ends_with("/h/H-7")
    );
}

#[test]
fn remarks_reach_the_card() {
    let bed = card(1);
    let ran = bed.run(&["comment", "H-7", "Nearly there"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "H-7 has your comment\n"));
    assert_eq!(
        bed.asked().pop().unwrap().body,
        json!({ "text": "Nearly there", "thread": null })
    );
    let at = ["comment", "H-7", "Why so many?", "--at", "a.csv:3-5"];
    assert_eq!(bed.run(&at).exit, 0);
    let place = json!({ "path": "a.csv", "line": 3, "end_line": 5 });
    assert_eq!(bed.asked().pop().unwrap().body["place"], place);
    let ran = bed.run(&["resolve", "H-7", "2"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "H-7 thread 2 is resolved\n")
    );
    let ran = bed.run(&["resolve", "H-7", "2", "--reopen"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "H-7 thread 2 is open again\n")
    );
    assert_eq!(
        bed.asked().pop().unwrap().body,
        json!({ "resolved": false })
    );
    assert_eq!(bed.run(&["comment", "H-7", " "]).exit, 2);
    let ran = bed.run(&["withdraw", "H-7", "--note", "not needed"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "H-7 was withdrawn\n"));
    assert_eq!(
        bed.asked().pop().unwrap().body,
        json!({ "reason": "not needed" })
    );
}

#[test]
fn a_diff_is_passed_on_byte_for_byte() {
    let bed = Bed::with_daemon(|asked| {
        if asked.line.contains("/diff?") {
            (200, json!("--- a\n+++ b\n+\x1b\n"))
        } else {
            (200, row("H-7", 2))
        }
    });
    let ran = bed.run(&["diff", "H-7", "--from", "r1"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "--- a\n+++ b\n+\x1b\n"));
    assert!(bed.asked().pop().unwrap().line.ends_with("/diff?from=r1"));
}
