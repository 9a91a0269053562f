//! Terms of an approval in the form of an answer: until when it holds, and for how many uses.

use countersign_protocol::terms::{RuleTerms, Terms};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::render::words;

/// How long one can choose, in hours, with the words for it.
const ENDS: [(u32, &str); 4] = [
    (1, "for an hour"),
    (24, "for a day"),
    (7 * 24, "for a week"),
    (30 * 24, "for 30 days"),
];

/// What was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    hours: Option<u32>,
    once: bool,
}

impl Chosen {
    /// Takes the field `valid_for`; `None` for a value that no option has.
    pub(super) fn valid_for(&mut self, value: &str) -> Option<()> {
        self.hours = match value {
            "" => None,
            value => {
                let hours: u32 = value.parse().ok()?;
                Some(ENDS.iter().find(|end| end.0 == hours)?.0)
            }
        };
        Some(())
    }

    /// Takes the field `once`.
    pub(super) fn once(&mut self) {
        self.once = true;
    }

    /// The terms of an approval that is given now.
    pub(super) fn at(self, now: Timestamp) -> Terms {
        let end = |hours: u32| now.checked_add(SignedDuration::from_hours(hours.into()));
        Terms {
            valid_until: self.hours.and_then(|hours| end(hours).ok()),
            single_use: self.once,
        }
    }
}

/// What can be chosen: only what is narrower than the rule.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TermsView {
    /// Hours and words, and whether it is chosen.
    ends: Vec<(u32, &'static str, bool)>,
    /// Whether it is for one use; `None` where the rule says so already.
    once: Option<bool>,
    /// Whether the rule says anything.
    by_rule: bool,
    /// Whether anything was chosen before.
    open: bool,
}

impl TermsView {
    pub(super) fn new(rule: RuleTerms, chosen: Chosen) -> Self {
        let narrower = |hours: u32| {
            let most = rule.valid_for_seconds.unwrap_or(u64::MAX);
            u64::from(hours) * 3_600 < most
        };
        let ends = ENDS.into_iter().filter(|end| narrower(end.0));
        Self {
            ends: ends
                .map(|(hours, words)| (hours, words, chosen.hours == Some(hours)))
                .collect(),
            once: (!rule.single_use).then_some(chosen.once),
            by_rule: !rule.is_open(),
            open: chosen != Chosen::default(),
        }
    }
}

/// What the rule says about an approval, for people.
pub(super) fn of_rule(rule: RuleTerms) -> Vec<String> {
    let seconds = rule.valid_for_seconds.map(i64::try_from);
    let ends = seconds.and_then(Result::ok).map(|seconds| {
        let length = words::span(SignedDuration::from_secs(seconds));
        format!("An approval ends after {length}")
    });
    let once = rule
        .single_use
        .then(|| "An approval is good for one use".to_owned());
    ends.into_iter().chain(once).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_narrower_than_the_rule_can_be_chosen() {
        let rule = RuleTerms {
            valid_for_seconds: Some(24 * 3_600),
            single_use: true,
        };
        let mut chosen = Chosen::default();
        assert_eq!(chosen.valid_for("25"), None);
        chosen.valid_for("1").unwrap();
        let view = TermsView::new(rule, chosen);
        assert_eq!(view.ends, [(1, "for an hour", true)]);
        assert_eq!((view.once, view.open), (None, true));
        assert_eq!(of_rule(rule).len(), 2);
        let all = TermsView::new(RuleTerms::default(), Chosen::default());
        assert_eq!(all.ends.len(), ENDS.len());
        assert_eq!((all.once, all.open), (Some(false), false));
        let at = chosen.at(Timestamp::UNIX_EPOCH);
        assert_eq!(at.valid_until.unwrap().as_second(), 3_600);
    }
}
