//! The table over the ledger: restarts, processes, requests by file, handoffs and people who read.

use std::{
    os::unix::fs::MetadataExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use countersign_protocol::{
    decision::Outcome,
    event::{Event, Process},
    lock::{LockAnswer, LockId, LockRequest, LockStatus, Mode, Pattern},
    principal::{Actor, Principal},
};
use countersign_web::desk::PeopleDesk as _;

use super::{LockError, Locks};
use crate::{
    process::{ProcessTable, Processes as _},
    testing::{Rig, WORKSPACE, maya},
};

fn agent(name: &str, rig: &Rig) -> Actor {
    let uid = rig.path("").metadata().unwrap().uid();
    Actor::Agent {
        name: name.to_owned(),
        principal: Principal::FileOwner { uid },
    }
}

fn request(path: &str, mode: Mode) -> (Pattern, LockRequest) {
    let pattern = Pattern::read(path, None).unwrap();
    let request = LockRequest {
        path: pattern.as_str().to_owned(),
        kind: pattern.kind(),
        mode,
        ttl_seconds: 60,
        reason: None,
        process: None,
        key: None,
        file: None,
    };
    (pattern, request)
}

fn take(rig: &Rig, name: &str, path: &str, in_line: bool) -> Result<LockId, LockError> {
    let (pattern, request) = request(path, Mode::Exclusive);
    let owner = agent(name, rig);
    rig.wait(
        rig.locks()
            .acquire(owner, WORKSPACE, pattern, request, in_line),
    )
}

fn fence(rig: &Rig, id: LockId) -> Option<u64> {
    let state = rig.ledger().state();
    state.locks().get(id)?.held.map(|held| held.fence)
}

fn run(rig: &Rig) {
    rig.wait(rig.locks().run()).unwrap();
}

fn look(rig: &Rig) {
    rig.wait(rig.locks().look_at_files()).unwrap();
}

fn renew(rig: &Rig, locks: &Locks, name: &str, id: LockId, fence: u64) -> Result<(), LockError> {
    let renewed = locks.renew(id, agent(name, rig), Some(fence), (None, None));
    rig.wait(renewed).map(drop)
}

#[test]
fn a_lock_outlives_a_restart_and_ends_with_its_lease() {
    let mut rig = Rig::new();
    let id = take(&rig, "ada", "src/", false).unwrap();
    let held = fence(&rig, id).unwrap();
    let waits = take(&rig, "ben", "src/**/*.rs", true).unwrap();
    assert!(
        matches!(take(&rig, "cy", "src/a.rs", false), Err(LockError::Taken { by, .. }) if by.len() == 2)
    );
    rig.restart();
    run(&rig);
    assert_eq!(fence(&rig, id), Some(held));
    assert_eq!(fence(&rig, waits), None);
    // What the wall clock says is of no account, and a sign of life writes nothing.
    rig.clock.jump("2031-01-01T00:00:00Z".parse().unwrap());
    let entries = rig.events().len();
    for _ in 0..20 {
        rig.clock.advance(Duration::from_secs(50));
        renew(&rig, rig.locks(), "ada", id, held).unwrap();
        renew(&rig, rig.locks(), "ben", waits, 0).unwrap_err();
        let line = rig
            .locks()
            .renew(waits, agent("ben", &rig), None, (None, None));
        rig.wait(line).unwrap();
        run(&rig);
    }
    assert_eq!(rig.events().len(), entries);
    rig.clock.advance(Duration::from_secs(61));
    let late = renew(&rig, rig.locks(), "ada", id, held);
    assert!(
        matches!(late, Err(LockError::Over { ended: Some(_), .. })),
        "{late:?}"
    );
    assert!(fence(&rig, waits).unwrap() > held);
    assert_eq!(rig.count("lock.expired"), 1);
}

#[test]
fn who_waits_in_a_circle_is_named_and_who_merely_waits_is_not() {
    let rig = Rig::new();
    take(&rig, "ada", "a/", false).unwrap();
    take(&rig, "ben", "b/", false).unwrap();
    take(&rig, "cy", "c/", false).unwrap();
    let ada = take(&rig, "ada", "b/x", true).unwrap();
    let circles = |rig: &Rig| {
        let state = rig.ledger().state();
        let all = state.locks().circles(&|_| true);
        let names = |owners: Vec<&Actor>| owners.iter().map(|one| one.name().to_owned()).collect();
        let all: Vec<(LockId, Vec<String>)> = all
            .into_iter()
            .map(|(id, owners)| (id, names(owners)))
            .collect();
        all
    };
    assert_eq!(circles(&rig), []);
    let ben = take(&rig, "ben", "c/y", true).unwrap();
    let cy = take(&rig, "cy", "a/", true).unwrap();
    // Nobody waits for her.
    let dora = take(&rig, "dora", "c/", true).unwrap();
    let told = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    assert_eq!(
        circles(&rig),
        [
            (ada, told(["ada", "ben", "cy"])),
            (ben, told(["ben", "cy", "ada"])),
            (cy, told(["cy", "ada", "ben"])),
        ]
    );
    assert!(circles(&rig).iter().all(|(id, _)| *id != dora));
    let state = rig.ledger().state();
    assert_eq!(state.locks().circles(&|_| false).len(), 0);
    drop(state);
    // Who asks for what it holds waits for itself.
    let own = take(&rig, "cy", "c/z", true).unwrap();
    let found = circles(&rig);
    let (_, names) = found.iter().find(|(id, _)| *id == own).unwrap();
    assert_eq!(names, &["cy"]);
}

/// A process of this machine that does nothing.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> (Self, Process) {
        let child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        let started = ProcessTable.started(pid).unwrap();
        (Self(child), Process { pid, started })
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_dead_local_owner_frees_at_once() {
    let rig = Rig::new();
    let (sleeper, process) = Sleeper::start();
    let (pattern, mut wanted) = request("src/", Mode::Exclusive);
    wanted.process = Some(process);
    let owner = agent("ada", &rig);
    let id = rig
        .wait(
            rig.locks()
                .acquire(owner, WORKSPACE, pattern, wanted, false),
        )
        .unwrap();
    run(&rig);
    assert!(fence(&rig, id).is_some());
    let mut nudges = rig.locks().nudges();
    nudges.borrow_and_update();
    drop(sleeper);
    // The kernel says so, and no time has passed.
    rig.wait(nudges.changed()).unwrap();
    run(&rig);
    assert_eq!(fence(&rig, id), None);
    assert_eq!(rig.count("lock.expired"), 1);
}

fn answer(rig: &Rig, name: &str) -> Option<LockAnswer> {
    let text = std::fs::read_to_string(rig.path(&format!("locks/{name}.answer.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn ask(rig: &Rig, name: &str, path: &str) {
    let text = format!(
        r#"{{"lock_version": "1.0", "from_agent": "{name}", "path": "{path}", "ttl_seconds": 60}}"#
    );
    rig.write(&format!("locks/{name}.request.json"), &text);
}

#[test]
fn a_request_by_file_is_answered_by_file_until_it_is_removed() {
    let mut rig = Rig::new();
    rig.make_folder("locks");
    look(&rig);
    ask(&rig, "ada", "out/");
    ask(&rig, "ben", "out/*.csv");
    look(&rig);
    let held = answer(&rig, "ada").unwrap();
    assert_eq!(held.status, LockStatus::Held);
    let waits = answer(&rig, "ben").unwrap();
    assert_eq!(waits.status, LockStatus::Waiting);
    assert!(waits.waits_for[0].contains("ada"), "{waits:?}");

    // A restart changes nothing, and a look that finds nothing new writes nothing.
    rig.restart();
    run(&rig);
    look(&rig);
    look(&rig);
    assert_eq!(answer(&rig, "ada").unwrap().fence, held.fence);
    assert_eq!(rig.count("lock.acquired"), 1);

    // To write the same again is a sign of life.
    for _ in 0..3 {
        rig.clock.advance(Duration::from_secs(50));
        ask(&rig, "ada", "out/");
        look(&rig);
        run(&rig);
    }
    assert_eq!(answer(&rig, "ada").unwrap().fence, held.fence);

    rig.remove("locks/ada.request.json");
    look(&rig);
    look(&rig);
    assert_eq!(answer(&rig, "ada"), None);
    let mine = answer(&rig, "ben").unwrap();
    assert_eq!(mine.status, LockStatus::Held);
    assert!(mine.fence > held.fence);

    // Silence ends it, and the same file does not ask again by lying there.
    rig.clock.advance(Duration::from_secs(61));
    run(&rig);
    look(&rig);
    look(&rig);
    let over = answer(&rig, "ben").unwrap();
    assert_eq!(over.status, LockStatus::Ended);
    assert!(over.ended.unwrap().contains("nothing was heard"));
    rig.restart();
    look(&rig);
    assert_eq!(answer(&rig, "ben").unwrap().status, LockStatus::Ended);

    rig.write(
        "locks/ben.request.json",
        r#"{"lock_version": "1.0", "from_agent": "ben", "path": "../x"}"#,
    );
    look(&rig);
    let refused = answer(&rig, "ben").unwrap();
    assert_eq!(refused.status, LockStatus::Refused);
    assert_eq!(refused.errors[0].pointer, "/path");
}

#[test]
fn a_broken_lock_goes_to_the_next_in_line_and_its_owner_is_told_why() {
    let rig = Rig::new();
    rig.make_folder("locks");
    ask(&rig, "ada", "out/");
    look(&rig);
    let next = take(&rig, "ben", "out/x", true).unwrap();
    let id = answer(&rig, "ada").unwrap().lock.unwrap();
    let by = Actor::Person {
        id: "local:maya".to_owned(),
        display: "Maya".to_owned(),
        method: countersign_protocol::principal::Method::Web,
    };
    rig.wait(rig.locks().ask(id, by.clone(), Some("please".to_owned())))
        .unwrap();
    rig.wait(rig.locks().ask(id, by.clone(), Some("please".to_owned())))
        .unwrap();
    assert_eq!(rig.count("lock.asked"), 1);
    look(&rig);
    let asked = answer(&rig, "ada").unwrap().asked_to_release;
    assert_eq!(asked.as_deref(), Some("Maya: please"));
    rig.wait(rig.locks().break_up(id, by, "it hangs".to_owned()))
        .unwrap();
    assert!(fence(&rig, next).is_some());
    look(&rig);
    let over = answer(&rig, "ada").unwrap();
    assert!(over.ended.unwrap().contains("broken by Maya: it hangs"));
}

const HANDOFF: &str = r#"{"handoff_version": "1.0", "from_agent": "ada", "task": "Report"}"#;

#[test]
fn who_hands_over_lets_go_of_what_it_hands_over() {
    let rig = Rig::new();
    rig.make_folder("q3");
    let mine = take(&rig, "ada", "q3/report.md", false).unwrap();
    let other = take(&rig, "ada", "src/", false).unwrap();
    let bens = take(&rig, "ben", "q3/notes.md", false).unwrap();
    let next = take(&rig, "cy", "q3/**", true).unwrap();
    rig.write("q3/handoff.json", HANDOFF);
    rig.look("q3/handoff.json");
    assert_eq!(rig.count("handoff.accepted"), 1);
    assert_eq!(fence(&rig, mine), None);
    assert!(fence(&rig, other).is_some());
    assert!(fence(&rig, bens).is_some());
    assert_eq!(fence(&rig, next), None);
    let released = |event: &Event| matches!(event, Event::LockReleased { lock, handoff: Some(_) } if lock.id == mine);
    assert!(rig.events().iter().any(released));
    let late = renew(&rig, rig.locks(), "ada", mine, 0);
    assert!(late.unwrap_err().to_string().contains("handed over"));
}

#[test]
fn while_a_person_reads_no_other_agent_gets_a_lock_to_write() {
    let rig = Rig::new();
    rig.make_folder("q3");
    rig.write("q3/handoff.json", HANDOFF);
    rig.look("q3/handoff.json");
    let card = rig.card().id;
    let free = take(&rig, "ben", "q3/a", false).unwrap();
    rig.wait(rig.locks().release(free, agent("ben", &rig), None))
        .unwrap();
    rig.wait(rig.desk().claim(&maya(), card)).unwrap();
    let refused = take(&rig, "ben", "q3/a", false);
    assert!(matches!(refused, Err(LockError::Reviewed { handoff, .. }) if handoff == card));
    // To read is no harm, what is read is sealed, and other files are not read.
    let (pattern, shared) = request("q3/a", Mode::Shared);
    let reads = rig
        .locks()
        .acquire(agent("ben", &rig), WORKSPACE, pattern, shared, false);
    let reads = rig.wait(reads).unwrap();
    rig.wait(rig.locks().release(reads, agent("ben", &rig), None))
        .unwrap();
    take(&rig, "ada", "q3/own", false).unwrap();
    take(&rig, "ben", "src/", false).unwrap();
    let waits = take(&rig, "ben", "q3/a", true).unwrap();
    run(&rig);
    assert_eq!(fence(&rig, waits), None);
    rig.decide(card, Outcome::ChangesRequested).unwrap();
    run(&rig);
    assert!(fence(&rig, waits).is_some());
}
