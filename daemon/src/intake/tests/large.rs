//! Large files hold up nothing but themselves.

use crate::testing::{Rig, handoff};

/// More than the lane for large files takes.
const HUGE: u64 = 8 * 1024 * 1024 * 1024;

#[test]
fn small_work_passes_huge_files() {
    let rig = Rig::new();
    for number in 0..4 {
        let folder = format!("huge-{number}");
        let name = format!("{folder}/big.img");
        rig.write(&name, "");
        rig.open_to_write(&name).set_len(HUGE).unwrap();
        rig.put(
            &format!("{folder}/handoff.json"),
            handoff(&folder, &["big.img"]),
        );
        rig.hint(&format!("{folder}/handoff.json"));
    }
    rig.settle();
    assert_eq!(rig.count("handoff.accepted"), 0);
    assert_eq!(rig.intake().backlog(), 4);
    rig.deliver("small/handoff.json", handoff("Small", &[]));
    assert_eq!(rig.count("handoff.accepted"), 1);
    // Cut short, they are read at once.
    for number in 0..4 {
        rig.write(&format!("huge-{number}/big.img"), "cut");
    }
    while rig.intake().backlog() > 0 {
        for number in 0..4 {
            rig.hint(&format!("huge-{number}/handoff.json"));
        }
        rig.settle();
        std::thread::yield_now();
    }
    assert_eq!(rig.count("handoff.accepted"), 5);
}
