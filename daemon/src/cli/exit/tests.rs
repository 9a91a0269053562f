//! Tests of `exit`.

use countersign_protocol::decision::Outcome;

use super::*;

/// The numbers of docs/contract.md; scripts rely on them.
#[test]
fn the_codes_are_those_of_the_contract() {
    let codes: Vec<_> = TABLE.iter().map(|(exit, _)| exit.code()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);
    for (outcome, exit) in [
        (Outcome::Approved, Exit::Done),
        (Outcome::Responded, Exit::Done),
        (Outcome::ChangesRequested, Exit::ChangesRequested),
        (Outcome::Rejected, Exit::Rejected),
        (Outcome::Expired, Exit::Over),
        (Outcome::Cancelled, Exit::Over),
        (Outcome::Ignored, Exit::Over),
        (Outcome::Rerouted, Exit::Pending),
    ] {
        assert_eq!(Exit::of_code(outcome.exit_code()), exit, "{outcome:?}");
    }
}

#[test]
fn a_status_of_the_daemon_has_one_code() {
    for (status, exit) in [
        (401, Exit::NotAllowed),
        (403, Exit::NotAllowed),
        (404, Exit::NotFound),
        (409, Exit::Conflict),
        (422, Exit::Contract),
        (400, Exit::Failed),
        (500, Exit::Failed),
        (503, Exit::Failed),
    ] {
        assert_eq!(Exit::of_status(status), exit, "{status}");
    }
}
