//! Locks through the real program: kill -9 at every commit, commands that run under a lock, and requests by file.

#![expect(
    clippy::disallowed_methods,
    reason = "an agent removes its request to let go"
)]

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use countersign_protocol::lock::{LockAnswer, LockId, LockStatus, Table};
use countersign_tests::{
    agent::{Care, put},
    bed::{TestBed, WORKSPACE},
    evidence::Evidence,
    http::{Http, NoReply, Reply},
    wait,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const CRASH_AT: &str = "COUNTERSIGN_CRASH_AT";

/// What the daemon acknowledged: how each lock stood last, by the key it was asked for with.
#[derive(Debug, Default)]
struct Acknowledged {
    held: BTreeMap<String, (LockId, u64)>,
    over: Vec<LockId>,
}

fn take(http: &Http, agent: &str, path: &str, wait: Option<u64>) -> Result<Reply, NoReply> {
    let mut body = json!({ "workspace": WORKSPACE, "agent": agent, "path": path, "key": agent });
    if let Some(seconds) = wait {
        body["wait_seconds"] = json!(seconds);
    }
    http.post("/api/v1/locks", &body)
}

fn id_of(row: &Value) -> LockId {
    row["id"]
        .as_str()
        .expect("a lock has a number")
        .parse()
        .expect("a number")
}

/// Locks that are taken, waited for, kept, released and broken. Goes as far as the daemon lives.
fn story(bed: &TestBed, seen: &mut Acknowledged) -> Result<(), NoReply> {
    let http = bed.http();
    let held = |seen: &mut Acknowledged, agent: &str, row: &Value| {
        let fence = row["fence"].as_u64().expect("what is held has a token");
        seen.held.insert(agent.to_owned(), (id_of(row), fence));
    };
    let release = |id: LockId| http.send("DELETE", &format!("/api/v1/locks/{id}"), &[], &[]);
    let ada = take(&http, "ada", "src/", None)?.expect(201).json();
    held(seen, "ada", &ada);
    let ben = take(&http, "ben", "src/**/*.rs", Some(0))?
        .expect(202)
        .json();
    assert_eq!(take(&http, "cy", "src/lib.rs", None)?.status, 409);
    let renew = format!("/api/v1/locks/{}/renew", id_of(&ada));
    let stale = json!({ "fence": 0 });
    assert_eq!(
        http.post(&renew, &stale)?.expect(409).json()["type"],
        "urn:countersign:problem:stale-fence"
    );
    let terms = json!({ "fence": ada["fence"], "ttl_seconds": 120 });
    assert_eq!(http.post(&renew, &terms)?.status, 200);
    assert_eq!(release(id_of(&ada))?.status, 204);
    seen.held.remove("ada");
    seen.over.push(id_of(&ada));
    let now = http
        .get(&format!("/api/v1/locks/{}?wait_seconds=10", id_of(&ben)))?
        .expect(200)
        .json();
    held(seen, "ben", &now);
    let reason = json!({ "reason": "it hangs" });
    let broken = http.post(&format!("/api/v1/locks/{}/break", id_of(&ben)), &reason)?;
    assert_eq!(broken.status, 204);
    seen.held.remove("ben");
    seen.over.push(id_of(&ben));
    assert_eq!(
        http.post(&format!("/api/v1/locks/{}/renew", id_of(&ben)), &json!({}))?
            .expect(409)
            .json()["type"],
        "urn:countersign:problem:lock-over"
    );
    let cy = take(&http, "cy", "**", None)?.expect(201).json();
    held(seen, "cy", &cy);
    Ok(())
}

/// Folds what is on the disk, and stops at the first entry at which two held what overlaps.
fn fold(data: &Path) -> Table {
    let evidence = Evidence::read(data).expect("the ledger can be read");
    assert_eq!(evidence.bodies.len(), evidence.entries.len());
    let mut table = Table::default();
    let mut newest = 0;
    for body in &evidence.bodies {
        table.apply(body);
        let held: Vec<_> = table.held(WORKSPACE).collect();
        for (at, one) in held.iter().enumerate() {
            for other in &held[at + 1..] {
                let both = one.conflicts(&other.pattern, other.mode);
                assert!(!both, "{one:?} and {other:?} at entry {}", body.seq);
            }
        }
        let highest = held.iter().filter_map(|lock| Some(lock.held?.fence)).max();
        assert!(highest.is_none_or(|fence| fence <= body.seq));
        if matches!(
            body.event,
            countersign_protocol::event::Event::LockAcquired { .. }
        ) {
            assert!(
                highest.is_some_and(|fence| fence > newest),
                "a token went back"
            );
            newest = highest.unwrap_or(newest);
        }
    }
    table
}

#[test]
fn kill_at_every_commit_loses_no_lock_and_gives_none_to_two() {
    for step in ["ledger.before_commit", "ledger.after_commit"] {
        let mut killed = 0;
        for hit in 1.. {
            let mut bed = TestBed::prepare().env(CRASH_AT, &format!("{step}:{hit}"));
            bed.start_daemon();
            let mut seen = Acknowledged::default();
            let told = bed.comes_up().is_ok() && story(&bed, &mut seen).is_ok();
            if told && bed.daemon().ended().is_none() {
                break;
            }
            assert!(
                bed.daemon().was_killed(),
                "{step}:{hit}\n{}",
                bed.daemon().log_tail()
            );
            killed += 1;
            bed.down();
            let table = fold(bed.data());
            for (id, fence) in seen.held.values() {
                // What was under way may have ended it.
                let known = table
                    .get(*id)
                    .and_then(|lock| lock.held)
                    .map(|held| held.fence);
                let ended = table.ended(*id).is_some();
                assert!(ended || known == Some(*fence), "{step}:{hit}: {id} is lost");
            }
            for id in &seen.over {
                assert!(table.get(*id).is_none(), "{step}:{hit}: {id} is back");
            }
            // The same table answers after a start, and who was not answered asks again under the same key.
            bed.launch.env.retain(|(name, _)| name != CRASH_AT);
            bed.up();
            let list = bed.http().fetch("/api/v1/locks").expect(200).json();
            let shown: BTreeMap<LockId, Option<u64>> = list["locks"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|row| (id_of(row), row["fence"].as_u64()))
                .collect();
            let kept: BTreeMap<LockId, Option<u64>> = table
                .all()
                .map(|lock| (lock.id, lock.held.map(|held| held.fence)))
                .collect();
            assert_eq!(shown, kept, "{step}:{hit}");
            for lock in table.all() {
                let agent = lock.key.as_deref().expect("each was asked for with a key");
                let again = take(&bed.http(), agent, lock.pattern.as_str(), Some(0));
                let again = again.map_err(|gone| gone.0).expect("it is up").json();
                assert_eq!(id_of(&again), lock.id, "{step}:{hit}: doubled");
            }
        }
        assert!(killed >= 6, "{step} killed it {killed} times only");
    }
}

fn rows(bed: &TestBed) -> Vec<Value> {
    let list = bed.http().fetch("/api/v1/locks").expect(200).json();
    list["locks"].as_array().expect("a list").clone()
}

/// `countersign lock run` with a command that says when it runs and then waits.
fn runs(bed: &TestBed, options: &[&str], path: &str) -> Child {
    let args = [
        &["lock", "run"][..],
        options,
        &[path, "--", "sh", "-c", "echo $$ > started; exec sleep 1000"],
    ]
    .concat();
    let child = bed
        .launch
        .command(&args)
        .current_dir(bed.workspace())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let started = bed.workspace().join("started");
    wait::until("the command to run", || started.exists().then_some(()));
    child
}

/// The number of the process that holds the only lock, once it is the command's.
fn command(bed: &TestBed) -> Pid {
    let text = wait::until("the command to say its number", || {
        let text = std::fs::read_to_string(bed.workspace().join("started")).ok()?;
        (!text.is_empty()).then_some(text)
    });
    let pid: i32 = text.trim().parse().expect("a number");
    wait::until("the lock to be the command’s", || {
        (rows(bed).first()?["pid"] == pid).then_some(())
    });
    Pid::from_raw(pid).expect("a process")
}

#[test]
fn a_command_runs_under_a_lock_and_ends_as_it_would_without() {
    let bed = TestBed::start();
    put(&bed.workspace().join("out.csv"), b"1", Care::Plain).expect("written");
    let (code, _, _) = bed.run(&[
        "lock",
        "run",
        "out.csv",
        "--",
        "sh",
        "-c",
        "test $COUNTERSIGN_LOCK_FENCE -gt 0 && exit 7",
    ]);
    assert_eq!(code, 7);
    assert_eq!(rows(&bed), Vec::<Value>::new());
    assert_eq!(
        bed.run(&["lock", "run", "out.csv", "--", "/no/such/program"])
            .0,
        5
    );
    assert_eq!(rows(&bed), Vec::<Value>::new());

    let mut child = runs(
        &bed,
        &["--agent", "ada", "--reason", "rendering"],
        "out.csv",
    );
    let (code, _, said) = bed.run(&["lock", "acquire", "*.csv", "--agent", "ben"]);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("ada"), "{said}");
    let (code, _, said) = bed.run(&["lock", "acquire", "*.csv", "--agent", "ben", "--wait", "1s"]);
    assert_eq!(code, 8, "{said}");
    // The operating system knows, too, and the list calls it by its name.
    let other = Command::new("flock")
        .arg("-n")
        .arg(bed.workspace().join("out.csv"))
        .arg("true")
        .status();
    assert!(!other.expect("flock is there").success());
    let list = bed.http().fetch("/api/v1/locks").json();
    assert_eq!(list["kernel"][0]["path"], "out.csv");
    assert_eq!(list["kernel"][0]["kind"], "flock");
    assert_eq!(rows(&bed).len(), 1);
    command(&bed);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    wait::until("the lock to be free", || {
        rows(&bed).is_empty().then_some(())
    });
}

#[test]
fn a_lock_belongs_to_the_command_when_its_guard_is_killed() {
    let bed = TestBed::start();
    let mut child = runs(&bed, &[], "out/");
    let command = command(&bed);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // The command goes on, and so does its lock.
    let held = take(&bed.http(), "ben", "out/x", None).map_err(|gone| gone.0);
    assert_eq!(held.expect("it is up").status, 409);
    let begun = take(&bed.http(), "ben", "out/x", Some(0)).map_err(|gone| gone.0);
    let id = id_of(&begun.expect("it is up").expect(202).json());
    kill_process(command, Signal::KILL).expect("it runs");
    let path = format!("/api/v1/locks/{id}?wait_seconds=30");
    let now = bed.http().fetch(&path).expect(200).json();
    assert_eq!(now["held"], true);
}

#[test]
fn a_command_whose_lock_is_broken_is_ended() {
    let bed = TestBed::start();
    let mut child = runs(&bed, &["--ttl", "6s"], "out/");
    command(&bed);
    let id = rows(&bed)[0]["id"].as_str().expect("a number").to_owned();
    let (code, _, said) = bed.run(&["lock", "break", &id, "--reason", "it hangs"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(child.wait().expect("it ends").code(), Some(6));
    let (code, _, said) = bed.run(&["lock", "renew", &id]);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("it hangs"), "{said}");
}

#[test]
fn an_agent_with_files_only_asks_and_is_answered_by_file() {
    let mut bed = TestBed::start();
    let file = |name: &str| bed.workspace().join("locks").join(name);
    let (ada, ben) = (file("ada.request.json"), file("ben.request.json"));
    let (to_ada, to_ben) = (file("ada.answer.json"), file("ben.answer.json"));
    let ask = |agent: &str| {
        let request = json!({ "lock_version": "1.0", "from_agent": agent, "path": "out/**" });
        request.to_string()
    };
    let answer = |path: &Path, status: LockStatus| -> LockAnswer {
        wait::until("an answer by file", || {
            let text = std::fs::read(path).ok()?;
            let answer: LockAnswer = serde_json::from_slice(&text).ok()?;
            (answer.status == status).then_some(answer)
        })
    };
    put(&ada, ask("ada").as_bytes(), Care::Rename).expect("written");
    let held = answer(&to_ada, LockStatus::Held);
    put(&ben, ask("ben").as_bytes(), Care::Rename).expect("written");
    answer(&to_ben, LockStatus::Waiting);
    bed.restart();
    assert_eq!(answer(&to_ada, LockStatus::Held).fence, held.fence);
    std::fs::remove_file(&ada).expect("it is ours");
    assert!(answer(&to_ben, LockStatus::Held).fence > held.fence);
    wait::until("the answer to go with its request", || {
        (!to_ada.exists()).then_some(())
    });
}
