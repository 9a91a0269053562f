//! What waits for the end of quiet hours survives kill -9, wherever it comes, and is told once.

use std::process::Command;

use countersign_tests::{agent::Care, bed::TestBed, smtp::Smtp, timeshift::Timeshift, wait};

use super::scene::{ask, fares, person};

/// Hours that have begun and end within three.
fn quiet_now() -> String {
    let output = Command::new("date").args(["-u", "+%H"]).output();
    let output = output.expect("date is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let hour: u32 = text.trim().parse().expect("an hour");
    format!(
        "quiet_hours = [\"{hour:02}:00-{:02}:00\"]\n",
        (hour + 3) % 24
    )
}

fn crash_at(bed: &mut TestBed, step: Option<&str>) {
    let name = "COUNTERSIGN_CRASH_AT";
    bed.launch.env.retain(|(known, _)| known != name);
    if let Some(step) = step {
        bed.launch.env.push((name.to_owned(), format!("{step}:1")));
    }
}

fn dies(bed: &mut TestBed) {
    wait::until("the daemon to die", || bed.daemon().ended());
    assert!(bed.daemon().was_killed());
}

#[test]
fn a_held_message_survives_kill_9_at_every_step_and_is_told_once() {
    for as_it_is_told in [
        None,
        Some("outbox.before_send"),
        Some("outbox.after_send"),
        Some("outbox.after_recorded"),
    ] {
        let smtp = Smtp::kind();
        let text = smtp.section("") + &person("maya", "Maya Okafor") + &quiet_now() + &ask("maya");
        let mut bed = TestBed::prepare().configured(&text);
        let clock = Timeshift::of(&mut bed);
        bed.up();
        let agent = bed.agent("report-writer");
        let package = agent.package("Draft the Q3 risk summary");
        let package = package.with("confidence", 0.97);
        let delivery = agent.write("q3", &package, Care::Rename);
        let delivery = delivery.expect("the workspace is writable");
        let id = delivery.receipt().handoff_id;
        fares(&bed, id, "later");
        crash_at(&mut bed, as_it_is_told);
        // kill -9 while it waits.
        bed.restart();
        fares(&bed, id, "later");
        assert_eq!(smtp.all().len(), 0, "nobody is disturbed");
        clock.set("+4h");
        if as_it_is_told.is_some() {
            dies(&mut bed);
            crash_at(&mut bed, None);
            bed.up();
        }
        fares(&bed, id, "sent");
        let ids = smtp.ids();
        let names = as_it_is_told;
        assert_eq!(ids.len(), 1, "{names:?}: {ids:?}");
        // Whoever was killed between sending and noting sends again, under the same id.
        let most = usize::from(as_it_is_told == Some("outbox.after_send")) + 1;
        assert!(
            ids.values().all(|count| *count <= most),
            "{names:?}: {ids:?}"
        );
        smtp.stop();
    }
}
