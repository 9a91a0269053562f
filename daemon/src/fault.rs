//! Named steps at which the crash harness stops the process, and deliberately broken durability.
//!
//! All of it is compiled out without the feature `failpoints`.

/// Every named step, in the order in which a handoff meets them.
pub const STEPS: &[&str] = &[
    "intake.read",
    "intake.sealed",
    "seal.object_written",
    "seal.object_renamed",
    "ledger.before_commit",
    "ledger.after_commit",
    "policy.after_routed",
    "intake.before_consume",
    "intake.after_consume",
    "writeback.before_receipt",
    "writeback.after_receipt",
    "publish.written",
    "publish.renamed",
    "decide.after_commit",
    "release.file",
    "release.before_rename",
    "release.after_rename",
    "writeback.before_decision",
    "writeback.after_decision",
    "writeback.before_delivered",
    "writeback.after_delivered",
    "outbox.after_owed",
    "outbox.before_send",
    "outbox.after_send",
    "outbox.after_recorded",
    "changes.recorded",
    "guard.violation_recorded",
    "guard.exchanged",
    "guard.restored",
    "ownership.listed",
    "ownership.file",
    "ownership.given",
    "start.ledger_open",
    "start.before_scan",
    "index.removed",
    "index.read",
    "index.text_taken",
    "index.before_commit",
    "index.after_commit",
];

/// The same for answers that can be taken back.
pub const UNDO: &[&str] = &["undo.held", "undo.taken_back", "undo.due", "undo.given"];

/// The same for accounts, passkeys and invitations.
pub const ACCOUNTS: &[&str] = &["accounts.before_record", "accounts.recorded"];

/// The same for approvals that are good for one use.
pub const USES: &[&str] = &["use.recorded"];

/// The same for work that goes from agent to agent.
pub const HOPS: &[&str] = &[
    "package.before_rename",
    "package.after_rename",
    "writeback.before_ack",
    "writeback.after_ack",
    "policy.after_hop",
];

/// The same for what is told to those who watch.
pub const WATCHED: &[&str] = &["otlp.after_sent", "events.before_add", "events.after_add"];

/// The same for checks over what was handed over.
pub const CHECKS: &[&str] = &[
    "checks.before_run",
    "checks.before_record",
    "checks.after_record",
];

/// The same for letting go of bytes that nothing needs.
pub const COLLECT: &[&str] = &[
    "collect.forgotten",
    "collect.small_removed",
    "collect.file_removed",
];

/// The same for results that grow.
pub const PARTIAL: &[&str] = &["partial.kept"];

/// The same for the index of files as they stood.
pub const PAST: &[&str] = &["past.before_commit", "past.after_commit"];

/// Ends the process at once, as kill -9 does, when the environment asks for it:
/// `COUNTERSIGN_CRASH_AT=name:hit` stops at the `hit`-th pass of `name`.
#[cfg(feature = "failpoints")]
pub(crate) fn step(name: &'static str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };
    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static HITS: AtomicU32 = AtomicU32::new(0);
    let is_known = [
        STEPS, UNDO, ACCOUNTS, USES, HOPS, COLLECT, WATCHED, CHECKS, PARTIAL, PAST,
    ]
    .iter()
    .any(|steps| steps.contains(&name));
    debug_assert!(is_known, "{name} is not in a list");
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("COUNTERSIGN_CRASH_AT").ok()?;
        let (name, hit) = text.rsplit_once(':')?;
        Some((name.to_owned(), hit.parse().ok()?))
    });
    if let Some((wanted, hit)) = wanted
        && wanted == name
        && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *hit
    {
        let me = rustix::process::getpid();
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn step(_name: &'static str) {}

/// Operations that the fault suites make fail.
#[cfg(feature = "failpoints")]
const FAILING: &[&str] = &["publish.sync", "seal.write", "seal.sync"];

/// Fails as the kernel would, when the environment asks for it: with `COUNTERSIGN_FAIL=name:errno:times`
/// the operation `name` fails that often with that number of `errno(3)`.
#[cfg(feature = "failpoints")]
pub(crate) fn operation(name: &'static str) -> std::io::Result<()> {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };
    static WANTED: OnceLock<Option<(String, i32, u32)>> = OnceLock::new();
    static FAILED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(FAILING.contains(&name), "{name} is not in the list");
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("COUNTERSIGN_FAIL").ok()?;
        let mut parts = text.split(':');
        let name = parts.next()?.to_owned();
        Some((
            name,
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
        ))
    });
    match wanted {
        Some((wanted, errno, times))
            if wanted == name && FAILED.fetch_add(1, Ordering::SeqCst) < *times =>
        {
            Err(std::io::Error::from_raw_os_error(*errno))
        }
        _ => Ok(()),
    }
}

#[cfg(not(feature = "failpoints"))]
#[expect(clippy::unnecessary_wraps, reason = "it fails with the feature")]
pub(crate) fn operation(_name: &'static str) -> std::io::Result<()> {
    Ok(())
}

/// Whether durability is broken on purpose, or jumps of the clock are believed:
/// `COUNTERSIGN_BREAK=no-file-fsync,no-dir-fsync,sqlite-normal,steady-clock`.
#[cfg(feature = "failpoints")]
pub(crate) fn broken(what: &str) -> bool {
    std::env::var("COUNTERSIGN_BREAK").is_ok_and(|list| list.split(',').any(|one| one == what))
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn broken(_what: &str) -> bool {
    false
}
