//! A folder that cannot be answered holds nobody up, and gets its answers in order later.

use countersign_protocol::{HandoffId, decision::Outcome};

use crate::{
    testing::{Rig, handoff},
    writeback::WritebackError,
};

/// Takes the folder `name` out of reach, for root as well: a file is in its place.
fn block(rig: &Rig, name: &str) {
    if rig.exists(name) {
        rig.rename(name, &format!("{name}.aside"));
    }
    rig.write(name, "in the way");
}

fn unblock(rig: &Rig, name: &str) {
    rig.remove(name);
    let aside = format!("{name}.aside");
    if rig.exists(&aside) {
        rig.rename(&aside, name);
    }
}

fn catch_up(rig: &Rig) -> Result<(), WritebackError> {
    rig.wait(rig.writeback().catch_up())
}

#[test]
fn the_others_are_answered_and_the_failed_answer_is_told_and_given_later() {
    let mut rig = Rig::new();
    rig.write("bad/a.txt", "words");
    rig.deliver("bad/handoff.json", handoff("Release it", &["a.txt"]));
    rig.deliver("good/handoff.json", handoff("Write it", &[]));
    block(&rig, "approved");
    rig.decide(HandoffId(1), Outcome::Approved).unwrap();
    rig.decide(HandoffId(2), Outcome::Approved).unwrap();
    rig.round();
    assert!(rig.exists("good/decision.json"));
    assert!(!rig.exists("bad/decision.json"), "never before the release");

    let error = catch_up(&rig).unwrap_err().to_string();
    assert!(
        error.starts_with("1 folder cannot be answered") && error.contains("approved"),
        "{error}"
    );
    // What comes after waits its turn in that folder, over a restart as well.
    rig.put("bad/handoff.json", handoff("Something else", &[]));
    rig.look("bad/handoff.json");
    assert_eq!(rig.json("bad/handoff.receipt.json")["handoff_id"], "H-1");
    rig.restart();
    assert!(catch_up(&rig).is_err());

    unblock(&rig, "approved");
    catch_up(&rig).unwrap();
    assert_eq!(rig.text("approved/H-1/a.txt").as_deref(), Some("words"));
    assert_eq!(rig.json("bad/handoff.receipt.json")["handoff_id"], "H-3");
    assert!(
        !rig.exists("bad/decision.json"),
        "it answered the card before"
    );
    assert!(rig.exists(".countersign/handoffs/H-1/decision.r1.json"));
    assert_eq!(rig.count("handoff.delivered"), 2);

    // Caught up: from here on the folder is answered at once.
    rig.decide(HandoffId(3), Outcome::Rejected).unwrap();
    rig.round();
    assert_eq!(rig.json("bad/decision.json")["handoff_id"], "H-3");
}

#[test]
fn a_workspace_that_is_not_served_gets_its_answers_when_it_is() {
    let mut rig = Rig::new();
    rig.deliver("a/handoff.json", handoff("One", &[]));
    rig.deliver("b/handoff.json", handoff("Two", &[]));
    rig.decide(HandoffId(1), Outcome::Approved).unwrap();
    rig.round();
    assert!(rig.exists("a/decision.json"));

    rig.restart_without_workspace();
    rig.decide(HandoffId(2), Outcome::Approved).unwrap();
    rig.round();
    catch_up(&rig).unwrap();
    assert!(!rig.exists("b/decision.json"));
    rig.serve();
    catch_up(&rig).unwrap();
    assert_eq!(rig.json("b/decision.json")["handoff_id"], "H-2");
    assert!(rig.exists("a/decision.json"), "nobody took it away");
    assert_eq!(rig.count("handoff.delivered"), 2);
}

#[test]
fn many_at_once_with_one_that_fails() {
    let rig = Rig::new();
    for number in 0..20 {
        let name = format!("f{number}/handoff.json");
        rig.put(&name, handoff("Write it", &[]));
        rig.hint(&name);
    }
    rig.settle();
    // The folder of one is replaced by a package inbox that cannot be mirrored.
    block(&rig, ".countersign");
    rig.put("inbox/hermes/q/handoff.json", handoff("Drop", &[]));
    rig.hint("inbox/hermes/q/handoff.json");
    rig.settle();
    rig.round();
    for number in 0..20 {
        assert!(rig.exists(&format!("f{number}/handoff.receipt.json")));
    }
    assert!(catch_up(&rig).is_err());
    unblock(&rig, ".countersign");
    catch_up(&rig).unwrap();
    assert!(rig.exists(".countersign/inbox/hermes/q/handoff.receipt.json"));
}

#[test]
fn sealed_bytes_that_are_lost_release_nothing_and_stop_nobody() {
    let rig = Rig::new();
    let bytes = vec![7; 200_000];
    rig.write("run/big.bin", &bytes);
    rig.deliver("run/handoff.json", handoff("Release it", &["big.bin"]));
    rig.deliver("other/handoff.json", handoff("Write it", &[]));
    let sha256 = countersign_protocol::Digest::of(&bytes).to_string();
    let object = rig.outside("objects").join(&sha256[..2]).join(&sha256[2..]);
    rustix::fs::rename(&object, object.with_extension("lost")).unwrap();
    rig.decide(HandoffId(1), Outcome::Approved).unwrap();
    rig.decide(HandoffId(2), Outcome::Approved).unwrap();
    rig.round();
    assert!(!rig.exists("approved/H-1"));
    assert!(!rig.exists("run/decision.json"));
    assert!(rig.exists("other/decision.json"));
    assert!(catch_up(&rig).unwrap_err().to_string().contains(&sha256));
}
