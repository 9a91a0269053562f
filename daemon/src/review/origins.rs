//! Who wrote the files, in words: what the kernel told, and where it says other than the agent.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::{
    event::Accepted,
    provenance::{Observed, Provenance, Writer},
};
use countersign_web::desk::Check;

/// So many files are named in a line; of more, how many there are.
const NAMED: usize = 3;

/// A line for each group of files that the same programs wrote, and one for each that another agent wrote. Nothing
/// where nobody listened.
pub(super) fn origins(accepted: &Accepted) -> Vec<Check> {
    let Some(observed) = accepted.observed.as_deref() else {
        return Vec::new();
    };
    let mut groups: BTreeMap<(Provenance, BTreeSet<String>), Vec<&str>> = BTreeMap::new();
    let mut foreign: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths(accepted) {
        let trail = observed.files.get(path);
        let writers = trail.map(|trail| observed.by(trail).map(who).collect());
        let group = (observed.of(path), writers.unwrap_or_default());
        groups.entry(group).or_default().push(path);
        let others: BTreeSet<_> = observed.others(path, &accepted.from_agent).collect();
        for other in others {
            foreign.entry(other).or_default().push(path);
        }
    }
    let seen = groups
        .into_iter()
        .map(|((known, writers), paths)| told(known, &writers, &paths));
    let agent = &accepted.from_agent;
    let mut checks: Vec<Check> = seen.collect();
    checks.extend(foreign.into_iter().map(|(other, paths)| {
        let files = named(&paths);
        Check {
            ok: false,
            verified: true,
            said: None,
            text: format!("{files}: written by {other}, and handed over by {agent}"),
        }
    }));
    checks
}

/// The files, and the document when something is known of it.
fn paths(accepted: &Accepted) -> impl Iterator<Item = &str> {
    let observed: Option<&Observed> = accepted.observed.as_deref();
    let entries = accepted.manifest.entries.iter();
    let document = accepted.at.file.as_str();
    let document = observed.and_then(|seen| seen.files.contains_key(document).then_some(document));
    entries.map(|entry| entry.path.as_str()).chain(document)
}

fn told(known: Provenance, writers: &BTreeSet<String>, paths: &[&str]) -> Check {
    let files = named(paths);
    let writers = writers.iter().map(String::as_str).collect::<Vec<_>>();
    let writers = writers.join(", ");
    let text = match known {
        Provenance::Observed => format!("{files}: the kernel saw who wrote this, {writers}"),
        Provenance::Partly => {
            format!("{files}: the kernel saw only a part of who wrote this, {writers}")
        }
        Provenance::Claimed => format!("{files}: nobody saw who wrote this; the agent says so"),
    };
    Check {
        ok: true,
        verified: known == Provenance::Observed,
        said: None,
        text,
    }
}

fn who(writer: &Writer) -> String {
    let program = match (&writer.program, writer.uid) {
        (Some(program), _) => program.as_str(),
        (None, Some(_)) => "a process without a program of its own",
        (None, None) => "a process that was gone",
    };
    match (&writer.agent, writer.uid) {
        (Some(agent), _) => format!("{agent} with {program}"),
        (None, Some(uid)) => format!("user {uid} with {program}"),
        (None, None) => program.to_owned(),
    }
}

fn named(paths: &[&str]) -> String {
    match paths {
        few if few.len() <= NAMED => few.join(", "),
        many => format!("{} and {} more files", many[0], many.len() - 1),
    }
}
