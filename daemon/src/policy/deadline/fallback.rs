//! Whom the fallback of a handoff means, in this house.

use countersign_protocol::fallback::{Action, Fallback};

use crate::{
    catalog::Catalog,
    config::{Id, Target},
};

/// Whom it means: `oncall` is the first calendar, `oncall:data` and its like as rules write it, a plain name whatever
/// has it.
pub fn target(fallback: &Fallback, catalog: &Catalog) -> Option<Target> {
    let to = match (&fallback.to, fallback.action) {
        (Some(to), _) => to.as_str(),
        (None, Action::HumanQueue) => "queue",
        (None, Action::Escalate) => "oncall",
        (None, _) => return None,
    };
    let id = |id: &str| id.parse::<Id>().ok();
    let first = match to {
        "oncall" => catalog.first_on_call(),
        "queue" | "human_queue" => catalog
            .queues()
            .first()
            .map(|one| Target::Queue(one.id.value.clone())),
        _ => None,
    };
    let explicit = || {
        to.parse::<Target>().ok().filter(|target| {
            !matches!(target, Target::Agent(_) | Target::Owners) && catalog.knows(target)
        })
    };
    first.or_else(explicit).or_else(|| {
        let group = catalog.groups().iter().any(|one| one.id.as_str() == to);
        let queue = catalog.queues().iter().any(|one| one.id.as_str() == to);
        if catalog.calendar(to).is_some() {
            Some(Target::OnCall(id(to)?))
        } else if queue {
            Some(Target::Queue(id(to)?))
        } else if group {
            Some(Target::Group(id(to)?))
        } else {
            Some(Target::Person(catalog.find(to)?.id.value.clone()))
        }
    })
}
