//! Whether the manager notices that events no longer arrive.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::sensor;
use super::super::{Mode, Settings};
use super::Bed;

#[test]
fn a_probe_that_comes_back_proves_the_watcher() {
    let bed = Bed::new();
    // The first one is sent right after the first scan.
    bed.until(|status| status.is_proven && status.counts.probes_seen == 1);
    assert_eq!(bed.status().mode, Mode::Watching);
    bed.pass(Duration::from_secs(40));
    bed.until(|status| status.counts.probes_seen == 2);
    assert_eq!(bed.so_far(), [], "a probe is no sign of life");
}

#[test]
fn the_manager_runs_by_a_real_clock_until_it_is_stopped() {
    let settings = Settings {
        is_stepped: false,
        inbox_period: Duration::from_millis(1),
        ..Settings::default()
    };
    let mut bed = Bed::with(Box::new(sensor::open), settings, |_| ());
    assert_eq!(bed.hints_until_now(), BTreeSet::new());
    assert!(bed.handle.is_running());
    let Bed { handle, hints, .. } = bed;
    handle.stop();
    assert!(hints.recv().is_err(), "the thread has ended");
}
