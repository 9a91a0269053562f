//! What somebody from outside reaches at all: the pages of one handoff. The desk refuses the rest as well, for want
//! of any permission; this makes it one answer.

use countersign_protocol::HandoffId;

/// Marks what is answered to somebody from outside, with the one card that they see.
#[derive(Clone, Copy, Debug)]
pub struct OnlyCard(pub HandoffId);

/// Whether `path` is about `card`, or about nothing.
pub(super) fn reaches(card: HandoffId, path: &str) -> bool {
    if path.starts_with("/assets/") {
        return true;
    }
    if matches!(
        path,
        "/sign-out" | "/outside" | "/api/v1/events" | "/api/v1/me"
    ) {
        return true;
    }
    let about = ["/h/", "/api/v1/handoffs/"];
    let rest = about.iter().find_map(|prefix| path.strip_prefix(prefix));
    let id = rest.and_then(|rest| rest.split('/').next());
    id.and_then(|id| id.parse().ok()) == Some(card)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_handoff_is_reached_and_nothing_beside_it() {
        let reached = |path| reaches(HandoffId(1), path);
        for path in [
            "/h/H-1",
            "/h/1/decision",
            "/api/v1/handoffs/H-1/review",
            "/assets/app.js",
        ] {
            assert!(reached(path), "{path}");
        }
        for path in [
            "/",
            "/queue",
            "/h/H-2",
            "/h/H-12",
            "/h/",
            "/h/H-1x/decision",
            "/api/v1/handoffs",
            "/account",
            "/search",
            "/settings",
            "/people",
            "/api/v1/handoffs/2/review",
            "/batch",
            "/api/v1/log",
        ] {
            assert!(!reached(path), "{path}");
        }
    }
}
