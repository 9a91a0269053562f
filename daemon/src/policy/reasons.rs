//! Which words are kept ready for answers to which work.

use countersign_protocol::event::Accepted;

use super::work::Globs;
use crate::config::Reason;

/// Whether `reason` is for `accepted`.
pub fn fits(reason: &Reason, accepted: &Accepted) -> bool {
    reason.scope.iter().all(|(of, patterns)| {
        let found = match *of {
            "workspace" => Some(&accepted.at.workspace),
            "agent" => Some(&accepted.from_agent),
            _ => accepted.contract.as_ref(),
        };
        patterns.as_ref().is_none_or(|patterns| {
            let globs = Globs::new(&patterns.value);
            found.is_some_and(|found| globs.matches(found))
        })
    })
}
