//! Who is asked: the first rule that matches wins, and every rule says why it did or did not.

mod expression;
mod owners;
#[cfg(test)]
mod tests;

use countersign_protocol::routing::Fired;

pub use expression::holds;
pub use owners::Owners;

use super::work::{Work, in_scope};
use crate::config::{Level, Route};

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The rule.
    pub rule: String,
    /// Whether it is the one that won.
    pub won: bool,
    /// Why, or why not, one line.
    pub why: String,
}

/// The rule that wins for `work`, with the reasons of all. `risk` is what triggers and content came to.
pub fn choose<'a>(
    routes: &'a [Route],
    work: &Work,
    fired: &[Fired],
    risk: Level,
) -> (Option<&'a Route>, Vec<Considered>) {
    let mut winner = None;
    let mut considered = Vec::new();
    for route in routes {
        let (won, why) = if winner.is_some() {
            (false, "a rule before it won".to_owned())
        } else {
            match matches(route, work, fired, risk) {
                Ok(why) if why.is_empty() => (true, "it takes everything".to_owned()),
                Ok(why) => (true, why.join(", ")),
                Err(why) => (false, why),
            }
        };
        if won {
            winner = Some(route);
        }
        considered.push(Considered {
            rule: route.name.value.to_string(),
            won,
            why,
        });
    }
    (winner, considered)
}

fn matches(
    route: &Route,
    work: &Work,
    fired: &[Fired],
    risk: Level,
) -> Result<Vec<String>, String> {
    let mut why = in_scope(&route.scope, work)?;
    if !route.triggers.is_empty() {
        let named = |one: &&Fired| {
            route
                .triggers
                .iter()
                .any(|name| *name == one.rule || *name == one.kind)
        };
        match fired.iter().find(named) {
            Some(one) => why.push(format!("trigger `{}`", one.rule)),
            None => {
                return Err(format!(
                    "none of the triggers {} fired",
                    route.triggers.join(", ")
                ));
            }
        }
    }
    let stated = work.accepted.confidence;
    if let Some(limit) = route.confidence_under {
        match stated {
            Some(stated) if stated < limit => {
                why.push(format!("confidence {stated:.2} is under {limit:.2}"));
            }
            Some(stated) => return Err(format!("confidence {stated:.2} is not under {limit:.2}")),
            None => return Err("no confidence is stated".to_owned()),
        }
    }
    if let Some(limit) = route.confidence_from {
        match stated {
            Some(stated) if stated >= limit => {
                why.push(format!("confidence {stated:.2} is at least {limit:.2}"));
            }
            Some(stated) => return Err(format!("confidence {stated:.2} is under {limit:.2}")),
            None => return Err("no confidence is stated".to_owned()),
        }
    }
    if let Some(limit) = route.larger_than {
        if work.size() <= limit.0 {
            return Err(format!("the files are not larger than {limit}"));
        }
        why.push(format!("the files are larger than {limit}"));
    }
    if let Some(when) = &route.when {
        if holds(&when.value, work, fired, risk)? {
            why.push(format!("`{}` holds", when.value));
        } else {
            return Err(format!("`{}` does not hold", when.value));
        }
    }
    Ok(why)
}
