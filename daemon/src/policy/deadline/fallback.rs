//! Whom the fallback of a handoff means, in this house.

use countersign_protocol::fallback::Fallback;

use crate::{
    catalog::Catalog,
    config::{Id, Target},
};

/// Whom it means: `oncall` is the first calendar, `oncall:data` and its like as rules write it, a plain name whatever
/// has it.
pub fn target(fallback: &Fallback, catalog: &Catalog) -> Option<Target> {
    let to = fallback.receiver()?;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{testing::catalog, workspace::Settings};

    /// Admission warns by the names of the catalogue, and policy asks by its targets: they must not differ.
    #[test]
    fn warned_names_are_those_that_mean_nobody() {
        let people = "[[person]]\nid = \"maya\"\nname = \"Maya Okafor\"\nemail = \"maya@example.org\"\n\
                      [[group]]\nid = \"editors\"\nmembers = [\"maya\"]\n";
        let more = "[[queue]]\nid = \"claims\"\nmembers = [\"maya\"]\n\
                    [[oncall]]\nid = \"data\"\ntime_zone = \"UTC\"\nrotation = [\"maya\"]\n\
                    starts = \"2026-10-18 09:00\"\nshift = \"7d\"\n";
        for text in [people.to_owned(), format!("{people}{more}")] {
            let catalog = catalog(&text);
            let settings = Settings {
                fallback_names: Arc::new(catalog.fallback_names()),
                ..Settings::default()
            };
            for to in [
                "maya",
                "Maya",
                "Maya Okafor",
                "maya okafor",
                "maya@example.org",
                "MAYA@Example.org",
                "person:maya",
                "editors",
                "Editors",
                "group:editors",
                "claims",
                "queue:claims",
                "queue",
                "human_queue",
                "data",
                "oncall:data",
                "oncall",
                "oncal",
                "agent:maya",
                "owners",
                "nobody",
            ] {
                let text = format!("escalate_to_{to}_if_not_progressed_within_300s");
                let fallback = Fallback::parse(&text).unwrap();
                let is_known = settings.knows_receiver(to);
                assert_eq!(target(&fallback, &catalog).is_some(), is_known, "{to}");
            }
        }
    }
}
