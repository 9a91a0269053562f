//! Whether the manager notices that events no longer arrive.

use std::time::Duration;

use super::super::Mode;
use super::Bed;

#[test]
fn a_probe_that_comes_back_proves_the_watcher() {
    let bed = Bed::new();
    assert!(!bed.status().is_proven);
    // The first one is sent right after the first scan.
    bed.handle.settle();
    bed.until(|status| status.is_proven && status.counts.probes_seen == 1);
    assert_eq!(bed.status().mode, Mode::Watching);
    bed.pass(Duration::from_secs(40));
    bed.until(|status| status.counts.probes_seen == 2);
    assert_eq!(bed.so_far(), [], "a probe is no sign of life");
}
