//! A disk that is full or read-only, descriptors that run out, a database that is gone, locked or
//! damaged, clocks that jump: a clear error, visible, and nothing lost.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the faults are made here"
)]

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use countersign_protocol::decision::Outcome;
use countersign_tests::{
    agent::{Agent, Care, Delivery},
    bed::{TestBed, WORKSPACE},
    diskfault::DiskFault,
    evidence::{Evidence, LEDGER, OBJECTS},
    history::History,
    http::{Http, base64},
    invariants::{self, Case},
    loopdisk::{Kind, LoopDisk},
    mount::Mount,
    reviewer::Shown,
    timeshift::Timeshift,
    wait,
};
use rusqlite::Connection;

/// Delivers something small.
fn deliver(agent: &Agent, folder: &str) -> Delivery {
    let package = agent.package(folder).file("a.txt", folder);
    agent.write(folder, &package, Care::Rename).unwrap()
}

/// Stops the daemon and checks the rules that need no history.
fn check_disk(bed: &mut TestBed, deliveries: &[&Delivery]) {
    let reviewer = bed.reviewer();
    wait::until("every decision in its folder", || {
        reviewer.all_delivered().then_some(())
    });
    bed.down();
    let evidence = Evidence::read(bed.data()).unwrap();
    let mut history = History::default();
    for delivery in deliveries {
        history.delivers((*delivery).clone(), true);
    }
    history.look();
    for accepted in evidence.accepted() {
        history.written.insert(accepted.manifest.document);
        history
            .written
            .extend(accepted.manifest.entries.iter().map(|entry| entry.sha256));
    }
    let case = Case {
        evidence: &evidence,
        history: &history,
        workspace: &bed.workspace(),
    };
    let broken: Vec<String> = invariants::broken(case)
        .into_iter()
        .filter(|line| !line.contains("nobody sent it"))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_full_workspace_delays_answers_and_loses_none() {
    let mut bed = TestBed::prepare();
    let Some(disk) = Mount::memory(&bed.workspace(), 4) else {
        return;
    };
    bed.up();
    let agent = bed.agent("ada");
    let decided = deliver(&agent, "decided later");
    let id = decided.receipt().handoff_id;
    let ballast = disk.fill();
    bed.reviewer().decide(id, Outcome::Approved, "");
    bed.trouble("No space left");
    assert_eq!(bed.stranger().fetch("/healthz").status, 200);
    fs::remove_file(ballast).unwrap();
    assert_eq!(decided.decision(1).outcome, Outcome::Approved);
    wait::until("no trouble", || bed.troubles().is_empty().then_some(()));
    check_disk(&mut bed, &[&decided]);
}

/// The log of the database keeps its size when it starts over, so a full disk has some room left in
/// it. Hands over until that is gone too.
fn use_up_the_log(bed: &TestBed) {
    let agent = bed.agent("ada");
    let path = format!("/api/v1/workspaces/{WORKSPACE}/handoffs");
    for size in [60_000, 1] {
        let full = (0..400).any(|number| {
            let package = agent
                .package(&format!("fills {size} {number}"))
                .file("a.txt", "");
            let document = String::from_utf8(package.text()).unwrap();
            let files = serde_json::json!({ "a.txt": base64(&vec![b'x'; size]) });
            let body = serde_json::json!({ "folder": "", "document": document, "files": files });
            bed.http().push(&path, &body).status == 503
        });
        assert!(full, "it takes whatever comes");
    }
}

#[test]
fn a_full_disk_of_the_daemon_accepts_nothing_and_says_so() {
    let mut bed = TestBed::prepare();
    let Some(disk) = Mount::memory(bed.data(), 24) else {
        return;
    };
    bed.up();
    let agent = bed.agent("ada");
    let before: Vec<Delivery> = (0..40)
        .map(|number| deliver(&agent, &format!("before/{number}")))
        .collect();
    for delivery in &before {
        delivery.receipt();
    }
    let cards = bed.reviewer().turn().unwrap();
    let cookie = bed.sign_in();
    // The name of the cookie has the port in it.
    let port = bed.endpoint().url.rsplit_once(':').unwrap().1;
    bed.launch.port = port.parse().unwrap();
    let cookie = [("cookie", cookie.as_str())];
    let ballast = disk.fill();
    use_up_the_log(&bed);
    let large = agent
        .package("waits")
        .file("large.bin", vec![b'x'; 200_000]);
    let waits = agent.write("waits", &large, Care::Rename).unwrap();
    bed.trouble("full");
    // An answer is so short that it may still find room; not all of them do.
    let answered = |card: &&Shown| {
        let reply = bed
            .reviewer()
            .answer(**card, Outcome::Approved, "")
            .unwrap();
        assert!(matches!(reply.status, 201 | 503), "{}", reply.text());
        reply.status == 503
    };
    let id = cards
        .iter()
        .find(answered)
        .expect("a card that is not recorded")
        .id;
    assert!(waits.receipt_now().is_none() && waits.errors_now().is_none());
    assert_eq!(bed.reviewer().row(id)["state"], "waiting", "it still reads");
    // Also after a crash: the log of the database opens on a full disk.
    fs::remove_file(&bed.launch.log).unwrap();
    bed.start_daemon();
    let person = Http::new(&bed.says_where_it_is(), None);
    let page = person
        .send("GET", &format!("/h/{id}"), &cookie, &[])
        .unwrap();
    assert!(page.text().contains("Your turn"), "{}", page.text());
    fs::remove_file(ballast).unwrap();
    bed.comes_up().unwrap();
    waits.receipt();
    bed.reviewer().decide(id, Outcome::Approved, "");
    let all: Vec<&Delivery> = before.iter().chain([&waits]).collect();
    check_disk(&mut bed, &all);
}

#[test]
fn a_workspace_without_room_for_one_more_file_delays_answers_and_loses_none() {
    let mut bed = TestBed::prepare();
    let Some(disk) = Mount::inodes(&bed.workspace(), 200) else {
        return;
    };
    bed.up();
    let agent = bed.agent("ada");
    let decided = deliver(&agent, "decided later");
    let id = decided.receipt().handoff_id;
    let ballast = disk.use_up_the_inodes();
    bed.reviewer().decide(id, Outcome::Approved, "");
    bed.trouble("No space left");
    fs::remove_dir_all(ballast).unwrap();
    assert_eq!(decided.decision(1).outcome, Outcome::Approved);
    wait::until("no trouble", || bed.troubles().is_empty().then_some(()));
    check_disk(&mut bed, &[&decided]);
}

#[test]
fn a_quota_that_is_used_up_delays_answers_and_loses_none() {
    let Some(disk) = LoopDisk::make(Kind::Btrfs) else {
        return;
    };
    let root = disk.with_quota("root", 16);
    let mut bed = TestBed::prepare();
    bed.launch.roots = vec![root];
    fs::create_dir(bed.workspace()).unwrap();
    bed.up();
    let agent = bed.agent("ada");
    let decided = deliver(&agent, "decided later");
    let id = decided.receipt().handoff_id;
    let ballast = bed.workspace().join(".ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0x5a; 1 << 14]).is_ok() {}
    // What was written into the cache is counted when it reaches the disk.
    let _ = file.sync_all();
    while file.write_all(&[0x5a; 1 << 12]).is_ok() {}
    bed.reviewer().decide(id, Outcome::Approved, "");
    bed.trouble("quota exceeded");
    drop(file);
    fs::remove_file(ballast).unwrap();
    assert_eq!(decided.decision(1).outcome, Outcome::Approved);
    wait::until("no trouble", || bed.troubles().is_empty().then_some(()));
    check_disk(&mut bed, &[&decided]);
}

/// What the kernel says when a quota is used up, and when a disk fails (errno(3)).
const EDQUOT: i32 = 122;
const EIO: i32 = 5;

#[test]
fn an_answer_that_the_disk_refuses_is_written_anew_and_never_cut_short() {
    for (errno, says) in [(EDQUOT, "Disk quota exceeded"), (EIO, "Input/output error")] {
        // The first is a file of its own at the start, without which it goes on.
        let fails = format!("publish.sync:{errno}:6");
        let mut bed = TestBed::prepare().env("COUNTERSIGN_FAIL", &fails);
        bed.up();
        let agent = bed.agent("ada");
        let delivery = deliver(&agent, "task");
        bed.trouble(says);
        let id = delivery.receipt().handoff_id;
        bed.reviewer().decide(id, Outcome::Approved, "");
        assert_eq!(delivery.decision(1).outcome, Outcome::Approved);
        wait::until("no trouble", || bed.troubles().is_empty().then_some(()));
        check_disk(&mut bed, &[&delivery]);
    }
}

#[test]
fn work_that_cannot_be_sealed_is_accepted_when_it_can() {
    for (operation, errno) in [("seal.write", EDQUOT), ("seal.sync", EIO)] {
        let fails = format!("{operation}:{errno}:2");
        let mut bed = TestBed::prepare().env("COUNTERSIGN_FAIL", &fails);
        bed.up();
        let agent = bed.agent("ada");
        let package = agent.package("task").file("large.bin", vec![b'x'; 200_000]);
        let delivery = agent.write("task", &package, Care::Rename).unwrap();
        delivery.receipt();
        let log = fs::read_to_string(&bed.launch.log).unwrap();
        let waits = log.matches("a delivery waits").count();
        assert_eq!(
            waits, 2,
            "each failure is told, and none is taken for a success"
        );
        check_disk(&mut bed, &[&delivery]);
    }
}

/// The log of the database, in which a commit is synced.
const LOG: &str = "ledger.db-wal";

#[test]
fn a_ledger_that_cannot_be_synced_accepts_nothing_until_it_can() {
    for (errno, tears) in [(EIO, false), (EDQUOT, true), (EIO, true)] {
        let mut bed = TestBed::prepare();
        let disk = DiskFault::of(&mut bed);
        bed.up();
        let agent = bed.agent("ada");
        let before = deliver(&agent, "before");
        let id = before.receipt().handoff_id;
        let card = bed.reviewer().turn().unwrap()[0];
        let cookie = bed.sign_in();
        let head = bed.health()["head"].clone();
        if tears {
            disk.writes_break_off(errno, LOG);
        } else {
            disk.syncs_fail(errno, LOG);
        }
        let waits = deliver(&agent, "waits");
        // The engine says which of its operations failed, not with which number.
        bed.trouble("ledger");
        let ready = bed.stranger().fetch("/readyz");
        assert_eq!((ready.status, ready.text().as_str()), (503, "not ready\n"));
        let refused = bed.reviewer().answer(card, Outcome::Approved, "").unwrap();
        assert_eq!(refused.status, 503, "{}", refused.text());
        let page = bed
            .stranger()
            .send("GET", "/queue", &[("cookie", cookie.as_str())], &[])
            .unwrap();
        assert!(page.text().contains("ledger"), "{}", page.text());
        assert!(waits.receipt_now().is_none() && waits.errors_now().is_none());
        assert!(before.look::<serde_json::Value>("decision.json").is_none());
        assert_eq!(
            bed.health()["head"],
            head,
            "readers see what is on the disk"
        );
        disk.over();
        assert_eq!(waits.receipt().revision, 1);
        wait::until("no trouble", || bed.troubles().is_empty().then_some(()));
        bed.reviewer().decide(id, Outcome::Approved, "");
        check_disk(&mut bed, &[&before, &waits]);
    }
}

#[test]
fn a_crash_while_the_ledger_cannot_be_synced_loses_and_doubles_nothing() {
    let mut bed = TestBed::prepare();
    let disk = DiskFault::of(&mut bed);
    bed.up();
    let agent = bed.agent("ada");
    let before = deliver(&agent, "before");
    before.receipt();
    disk.syncs_fail(EIO, LOG);
    let waits = deliver(&agent, "waits");
    bed.trouble("ledger");
    // What was written without a sync may be found by the next start, or not.
    bed.down();
    disk.over();
    bed.up();
    waits.receipt();
    check_disk(&mut bed, &[&before, &waits]);
}

/// What a file system that keeps names and bytes in no order may show of `whole` after a power cut.
fn torn(whole: &[u8]) -> [Vec<u8>; 3] {
    let half = whole[..whole.len() / 2].to_vec();
    [half, vec![0; whole.len()], Vec::new()]
}

#[test]
fn an_answer_that_a_crash_left_torn_is_written_anew_and_not_taken_for_a_strangers() {
    for (step, name, ways) in [
        ("writeback.after_receipt", "handoff.receipt.json", 0..3),
        ("writeback.after_decision", "decision.json", 0..1),
    ] {
        for way in ways {
            let mut bed = TestBed::prepare();
            // After the name is there, and before it is noted that it is.
            let crash = ("COUNTERSIGN_CRASH_AT".to_owned(), format!("{step}:1"));
            bed.launch.env.push(crash);
            bed.up();
            // Answers name the address of the pages, which is to be the same after the crash.
            let port = bed.endpoint().url.rsplit_once(':').unwrap().1;
            bed.launch.port = port.parse().unwrap();
            let delivery = deliver(&bed.agent("ada"), "task");
            if name == "decision.json" {
                let id = delivery.receipt().handoff_id;
                let card = bed.reviewer().look(id);
                let _ = bed.reviewer().answer(card, Outcome::Approved, "");
            }
            assert!(bed.daemon().was_killed());
            let answer = delivery.answers.join(name);
            let whole = fs::read(&answer).unwrap();
            fs::write(&answer, &torn(&whole)[way]).unwrap();
            bed.launch.env.clear();
            bed.up();
            wait::until("a whole answer", || {
                fs::read(&answer).ok().filter(|bytes| *bytes == whole)
            });
            let names = fs::read_dir(&delivery.answers).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let aside: Vec<String> = names.filter(|name| name.contains(".found-")).collect();
            assert_eq!(aside, [""; 0], "{name} was taken for a stranger's");
            check_disk(&mut bed, &[&delivery]);
        }
    }
}

#[test]
fn a_read_only_workspace_is_served_and_answered_once_it_can_be_written() {
    let mut bed = TestBed::prepare();
    let Some(disk) = Mount::memory(&bed.workspace(), 4) else {
        return;
    };
    bed.up();
    let agent = bed.agent("ada");
    let delivery = deliver(&agent, "task");
    let id = delivery.receipt().handoff_id;
    disk.read_only(true);
    bed.reviewer()
        .decide(id, Outcome::ChangesRequested, "Shorter");
    bed.trouble("Read-only file system");
    assert_eq!(bed.reviewer().row(id)["decided"]["delivered"], false);
    disk.read_only(false);
    assert_eq!(delivery.decision(1).outcome, Outcome::ChangesRequested);
    check_disk(&mut bed, &[&delivery]);
}

#[test]
fn a_folder_that_cannot_be_read_hides_no_neighbour() {
    let mut bed = TestBed::prepare();
    if rustix::process::geteuid().is_root() {
        // Root reads everything, so the daemon runs as nobody.
        let nobody = 65_534;
        for path in [&bed.home, &bed.launch.roots[0], &bed.workspace()] {
            std::os::unix::fs::chown(path, Some(nobody), Some(nobody)).unwrap();
        }
        bed.launch.wrapper = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    bed.up();
    let closed = bed.workspace().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let agent = bed.agent("ada");
    for folder in ["neighbour", "deep/below/neighbour"] {
        deliver(&agent, folder);
        // Each round waits for a card of its own: that of the round before is no answer.
        wait::until(folder, || {
            let queue = bed.http().fetch("/api/v1/handoffs?view=turn").json();
            let mut rows = queue["rows"].as_array()?.iter();
            rows.any(|row| row["title"] == folder).then_some(())
        });
    }
    bed.trouble("closed");
}

#[test]
fn half_open_connections_never_starve_the_intake() {
    let mut bed = TestBed::prepare();
    bed.launch.wrapper = vec!["prlimit".to_owned(), "--nofile=160:160".to_owned()];
    bed.up();
    let address = bed.endpoint().url.trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> = (0..300)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&address).ok()?;
            stream.write_all(b"GET /queue HTTP/1.1\r\nHost: ").ok()?;
            Some(stream)
        })
        .collect();
    assert!(idle.len() > 100, "{}", idle.len());
    let delivery = deliver(&bed.agent("ada"), "while they hang");
    assert_eq!(delivery.receipt().revision, 1);
    drop(idle);
    // They are gone, so there is room again.
    wait::until("an answer", || {
        bed.http()
            .get("/healthz")
            .ok()
            .filter(|reply| reply.status == 200)
    });
    check_disk(&mut bed, &[&delivery]);
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    let bed = TestBed::start();
    let address = bed.endpoint().url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /queue HTTP/1.1\r\nHost: ").unwrap();
    stream.set_read_timeout(Some(wait::LIMIT)).unwrap();
    let mut answer = Vec::new();
    // Zero bytes or an answer 408: either way the connection ends by itself.
    stream.read_to_end(&mut answer).unwrap();
}

#[test]
fn a_second_daemon_does_not_start() {
    let bed = TestBed::start();
    let mut second = bed.launch.start();
    let status = second.wait();
    assert!(!status.success());
    let log = second.log_tail();
    assert!(log.contains("error:") && log.contains("already"), "{log}");
    deliver(&bed.agent("ada"), "the first goes on").receipt();
}

/// Starts on what the test made of the data folder; gives exit code and words.
fn refuses_to_start(bed: &mut TestBed) -> String {
    let daemon = bed.start_daemon();
    let status = daemon.wait();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    let log = daemon.log_tail();
    assert!(log.contains("error:"), "{log}");
    assert!(log.contains("hint:"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    log
}

/// A scene with work in it, stopped.
fn with_work() -> (TestBed, Delivery) {
    let mut bed = TestBed::start();
    let agent = bed.agent("ada");
    let package = agent.package("work").file("large.bin", vec![b'x'; 100_000]);
    let delivery = agent.write("work", &package, Care::Rename).unwrap();
    delivery.receipt();
    bed.daemon().stop();
    bed.down();
    (bed, delivery)
}

#[test]
fn a_locked_database_is_named() {
    let (mut bed, delivery) = with_work();
    let other = Connection::open(bed.data().join(LEDGER)).unwrap();
    other
        .execute_batch(
            "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE x (y); COMMIT;",
        )
        .unwrap();
    let log = refuses_to_start(&mut bed);
    assert!(log.contains("locked"), "{log}");
    other.execute_batch("DROP TABLE x").unwrap();
    drop(other);
    bed.up();
    check_disk(&mut bed, &[&delivery]);
}

#[test]
fn a_damaged_database_is_never_served_and_never_replaced() {
    for (what, at) in [
        ("header", 0),
        ("page of the schema", 100),
        ("the page of entries", 4096),
    ] {
        let (mut bed, _) = with_work();
        let path = bed.data().join(LEDGER);
        // What is still in the log only would hide the damage.
        let database = Connection::open(&path).unwrap();
        database
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        drop(database);
        let mut file = File::options().read(true).write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[0xa5; 64]).unwrap();
        drop(file);
        let damaged = fs::read(&path).unwrap();
        assert!(damaged.len() > 2 * 4096, "{what} is in the file");
        let log = refuses_to_start(&mut bed);
        assert!(log.contains(LEDGER), "{what}: {log}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "{what}: it was changed");
    }
}

#[test]
fn a_missing_database_beside_kept_work_is_not_made_anew() {
    let (mut bed, _) = with_work();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(bed.data().join(format!("{LEDGER}{end}")));
    }
    assert!(bed.data().join(OBJECTS).exists());
    let log = refuses_to_start(&mut bed);
    assert!(log.contains(LEDGER), "{log}");
    assert!(
        !bed.data().join(LEDGER).exists(),
        "an empty database took its place"
    );
}

#[test]
fn an_empty_database_beside_kept_work_is_not_taken_for_a_new_one() {
    let (mut bed, _) = with_work();
    File::create(bed.data().join(LEDGER)).unwrap();
    let log = refuses_to_start(&mut bed);
    assert!(log.contains("missing or empty"), "{log}");
}

/// Bytes of the head of the log, and of a page in it with its frame (SQLite file format, 4.1).
const LOG_HEAD: u64 = 32;
const LOGGED_PAGE: u64 = 24 + 4_096;

#[test]
fn entries_that_the_log_of_the_database_lost_are_noticed_and_a_person_chooses() {
    let turn = |path: &Path, frame: u64| {
        let mut file = File::options().read(true).write(true).open(path).unwrap();
        let at = LOG_HEAD + frame * LOGGED_PAGE + 124;
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).unwrap();
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[byte[0] ^ 1]).unwrap();
    };
    let cut = |path: &Path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(LOG_HEAD + LOGGED_PAGE).unwrap();
    };
    let first = |path: &Path| turn(path, 0);
    let fourth = |path: &Path| turn(path, 3);
    let gone = |path: &Path| fs::remove_file(path).unwrap();
    let ways: [&dyn Fn(&Path); 4] = [&first, &fourth, &cut, &gone];
    for damage in ways {
        let mut bed = TestBed::start();
        let agent = bed.agent("ada");
        for name in ["one", "two", "three"] {
            let delivery = deliver(&agent, name);
            let id = delivery.receipt().handoff_id;
            bed.reviewer().decide(id, Outcome::Rejected, "no");
            delivery.decision(1);
        }
        bed.down();
        damage(&bed.data().join(LOG));
        let log = refuses_to_start(&mut bed);
        assert!(log.contains("are missing; entry"), "{log}");
        let (code, output, errors) = bed.run(&["audit", "verify"]);
        let said = format!("{output}{errors}");
        assert!(code != 0 && said.contains("are missing; entry"), "{said}");
        // The answers that were given are still in their folders.
        let answer = bed.workspace().join("one/decision.json");
        assert!(answer.exists());

        let noted = bed.data().join(format!("{LEDGER}-head"));
        fs::rename(&noted, bed.home.join("noted")).unwrap();
        bed.up();
    }
}

#[test]
fn a_changed_entry_is_found_by_audit_verify() {
    let (mut bed, _) = with_work();
    let database = Connection::open(bed.data().join(LEDGER)).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER entry_is_never_changed;
             UPDATE entry SET body = replace(body, 'ada', 'eve') WHERE seq = 1;",
        )
        .unwrap();
    drop(database);
    bed.start_daemon();
    let served = bed.comes_up().is_ok();
    if served {
        let (code, output, errors) = bed.run(&["audit", "verify"]);
        assert_ne!(code, 0, "{output}{errors}");
        assert!(
            format!("{output}{errors}").contains("entry 1"),
            "{output}{errors}"
        );
    } else {
        assert!(
            bed.daemon().log_tail().contains("entry 1"),
            "{}",
            bed.daemon().log_tail()
        );
    }
}

#[test]
fn a_clock_that_jumps_changes_no_order_and_expires_nothing() {
    let mut bed = TestBed::prepare();
    let clock = Timeshift::of(&mut bed);
    bed.up();
    let agent = bed.agent("ada");
    let mut deliveries = Vec::new();
    for (name, jump) in [
        ("back", "-3650d"),
        ("far ahead", "+3650d"),
        ("back again", "+0"),
    ] {
        clock.set(jump);
        let delivery = deliver(&agent, name);
        let id = delivery.receipt().handoff_id;
        bed.reviewer().decide(id, Outcome::Approved, "");
        delivery.decision(1);
        deliveries.push(delivery);
        bed.restart();
        assert_eq!(bed.reviewer().row(id)["state"], "approved", "{name}");
    }
    let all: Vec<&Delivery> = deliveries.iter().collect();
    check_disk(&mut bed, &all);
}
