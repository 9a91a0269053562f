//! W11: how long it takes from the rename of a handoff until it lies in the folder of another agent; and
//! whether each of very many got there, once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, Ratio, Spread, agent,
    daemon::{Daemon, Settings},
    notices::Notices,
    system,
    trigger::{Floor, PATIENCE, PAUSE, ROW, Staged, WARM_UP},
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: that of W1, inotify to a receiver on loopback; \
     ours: from just before the rename of the handoff until inotify tells the receiver of its package, \
     judged, recorded and sealed in between; the first ones come one at a time, the others at once";
/// Agents that hand to each other.
const AGENTS: usize = 100;
/// Handoffs that come one at a time.
const SAMPLES: usize = 500;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Relay {
    /// What is set against what.
    pub compares: &'static str,
    /// Agents.
    pub agents: usize,
    /// Handoffs in all.
    pub handoffs: usize,
    /// Those that came one at a time, and were timed.
    pub samples: usize,
    /// Handoffs that the ledger has.
    pub recorded: usize,
    /// Tasks of which no receiver has a package.
    pub lost: usize,
    /// Tasks of which there is more than one package.
    pub twice: usize,
    /// Handoffs per second, of those that came at once, from the first write to the last package.
    pub per_second: f64,
    /// The floor, in milliseconds.
    pub floor: Spread,
    /// Ours, in milliseconds.
    pub ours: Spread,
    /// Ours to the floor.
    pub ratio: Ratio,
    /// Whether none was lost and none came twice.
    pub met: bool,
}

fn name(number: usize) -> String {
    format!("agent-{:03}", number % AGENTS)
}

/// Handoff `number` goes from its agent to the next but some.
fn ends(number: usize) -> (String, String) {
    (name(number), name(number + 1 + number / AGENTS % 3))
}

/// The settings of a workspace in which each agent may hand to the three after it.
fn settings() -> String {
    let one = |number: usize| {
        let to: Vec<String> = (1..=3)
            .map(|step| format!("\"{}\"", name(number + step)))
            .collect();
        format!(
            "[[participant]]\nid = \"{}\"\nhands_to = [{}]\n",
            name(number),
            to.join(", ")
        )
    };
    let agents: Vec<String> = (0..AGENTS).map(one).collect();
    format!(
        "[transfer]\nacknowledge_within = \"12h\"\n{}",
        agents.join("")
    )
}

/// Measures `count` handoffs in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    count: usize,
    clock: &SharedClock,
) -> Result<Relay, BenchError> {
    let samples = count.min(SAMPLES);
    let timed = (samples + WARM_UP).min(count);
    let plain = Staged::new(&place.join("plain"), &place.join("plain-staged"), timed)?;
    let workspace = place.join("workspace");
    let folders: Vec<PathBuf> = (0..AGENTS)
        .map(|number| workspace.join("agents").join(name(number)))
        .collect();
    let handoff = |number| {
        let (from, to) = ends(number);
        agent::handoff_between(number, &from, &to)
    };
    let ours = Staged::of(
        &workspace.join("work"),
        &place.join("staged"),
        count,
        handoff,
    )?;
    for folder in &folders {
        crate::fs::Dir::create(folder, 0o755)?;
    }
    let packages = arrivals(&folders, count, clock)?;
    let mut floor = Floor::start(plain.folders(), &place.join("log"), timed, clock)?;
    let (settings, data) = (settings(), place.join("data"));
    let settings = Settings {
        workspace: &settings,
        ..Settings::default()
    };
    let daemon = Daemon::configured(program, &workspace, data, settings, clock)?;
    let (mut floor_times, mut our_times) = (Vec::new(), Vec::new());
    for start in (0..timed).step_by(ROW) {
        let row = start..(start + ROW).min(timed);
        floor = floor.row(&plain, row.clone(), clock, &mut floor_times)?;
        for number in row {
            agent::pause(PAUSE);
            let begun = ours.hand_over(number, clock)?;
            if let Ok(arrived) = packages.recv_timeout(PATIENCE) {
                our_times.push(arrived.saturating_sub(begun));
            }
        }
    }
    floor.end()?;
    let begun = clock.monotonic();
    for number in timed..count {
        ours.hand_over(number, clock)?;
    }
    let mut last = begun;
    for _ in timed..count {
        match packages.recv_timeout(PATIENCE) {
            Ok(arrived) => last = arrived,
            Err(_) => break,
        }
    }
    let seconds = last.saturating_sub(begun).as_secs_f64();
    let recorded = daemon.end()?;
    let found = count_packages(&folders)?;
    let (floor, ours) = (
        Spread::of(floor_times.split_off(WARM_UP.min(floor_times.len()))),
        Spread::of(our_times.split_off(WARM_UP.min(our_times.len()))),
    );
    let lost = count - found.len().min(count);
    let twice = found.values().filter(|times| **times > 1).count();
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of handoffs are far below 2^52"
    )]
    let per_second = super::figures::ratio((count - timed) as f64, seconds);
    Ok(Relay {
        compares: COMPARES,
        agents: AGENTS,
        handoffs: count,
        samples,
        recorded,
        lost,
        twice,
        per_second,
        ratio: Ratio::of(&ours, &floor),
        floor,
        ours,
        met: recorded == count && lost == 0 && twice == 0,
    })
}

/// The moments at which packages appear in `folders`.
fn arrivals(
    folders: &[PathBuf],
    count: usize,
    clock: &SharedClock,
) -> Result<Receiver<Duration>, BenchError> {
    let notices = Notices::of(folders)?;
    let (sender, arrivals) = channel();
    let clock = clock.clone();
    std::thread::Builder::new()
        .name("packages".to_owned())
        .spawn(move || {
            let mut left = count;
            let told = notices.each(|path, _| {
                let name = path.file_name().and_then(|name| name.to_str());
                if name
                    .and_then(countersign_protocol::names::parse_package)
                    .is_none()
                {
                    return Ok(true);
                }
                left -= 1;
                Ok(sender.send(clock.monotonic()).is_ok() && left > 0)
            });
            if let Err(error) = told {
                tracing::error!(%error, "packages are no longer counted as they come");
            }
        })
        .map_err(system("start a thread"))?;
    Ok(arrivals)
}

/// How many packages there are of each task.
fn count_packages(folders: &[PathBuf]) -> Result<HashMap<String, usize>, BenchError> {
    let mut found = HashMap::new();
    for folder in folders {
        let listed = std::fs::read_dir(folder).map_err(system("list packages"))?;
        for entry in listed {
            let path = entry.map_err(system("list packages"))?.path();
            let Ok(text) = std::fs::read(path.join("sealed/handoff.json")) else {
                continue;
            };
            let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            let task = document["task_id"].as_str().unwrap_or_default().to_owned();
            *found.entry(task).or_insert(0) += 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hands_to_itself_and_every_route_is_allowed() {
        let settings = settings();
        for number in 0..1_000 {
            let (from, to) = ends(number);
            assert_ne!(from, to);
            let section = settings
                .split("[[participant]]")
                .find(|one| one.contains(&format!("id = \"{from}\"")));
            assert!(
                section.unwrap().contains(&format!("\"{to}\"")),
                "{from} {to}"
            );
        }
    }
}
