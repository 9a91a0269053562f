//! `GET /agents`: which agents may hand to which, with what is under way, as a drawing and as a table; and
//! the path of one task, for its page.

use std::cmp::Ordering;

use axum::{extract::State, response::Html};
use jiff::SignedDuration;
use serde::Serialize;

use super::{
    view::{Now, When},
    visit::{Chrome, Visit},
};
use crate::{
    desk::transfer::{Mesh, RouteRow, TaskPath},
    error::Problem,
    render::words,
    state::AppState,
    templates::Page,
};

/// Agents that are drawn at most; the table has all.
const DRAWN: usize = 40;
/// The drawing, in units of the picture: its width, and from one agent to the next.
const WIDTH: usize = 360;
const ROW: usize = 56;
/// Where the box of an agent begins and ends.
const LEFT: usize = 64;
const RIGHT: usize = 272;
/// How far an arc bends out for each agent that it passes, and at most.
const BEND: usize = 14;
const FURTHEST: usize = 72;

#[derive(Debug, Serialize)]
pub(super) struct AgentsPage {
    chrome: Chrome,
    meshes: Vec<MeshView>,
}

#[derive(Debug, Serialize)]
struct MeshView {
    anchor: String,
    workspace: String,
    about: String,
    stopped: usize,
    height: usize,
    nodes: Vec<Node>,
    arcs: Vec<Arc>,
    hidden: usize,
    agents: Vec<AgentView>,
    routes: Vec<RouteRow>,
    contracts: Vec<String>,
}

/// The box of an agent.
#[derive(Debug, Serialize)]
struct Node {
    y: usize,
    middle: usize,
    name: String,
    start: bool,
    busy: String,
}

/// A way from one box to another.
#[derive(Debug, Serialize)]
struct Arc {
    line: String,
    x: usize,
    y: usize,
    label: String,
    open: bool,
}

#[derive(Debug, Serialize)]
struct AgentView {
    id: String,
    start: bool,
    in_scope: Option<String>,
    out_of_scope: Option<String>,
    facts: String,
    offered: usize,
    holds: usize,
    completed: usize,
}

/// Shows the agents.
pub(super) async fn show(
    visit: Visit,
    State(app): State<AppState>,
) -> Result<Html<String>, Problem> {
    let meshes = app.desk.meshes(&visit.caller()).await?;
    let chrome = visit.chrome("agents").await?;
    visit.render(&AgentsPage::new(chrome, &meshes))
}

impl AgentsPage {
    fn new(chrome: Chrome, meshes: &[Mesh]) -> Self {
        Self {
            chrome,
            meshes: meshes.iter().enumerate().map(MeshView::new).collect(),
        }
    }
}

impl MeshView {
    fn new((number, mesh): (usize, &Mesh)) -> Self {
        let drawn = &mesh.participants[..mesh.participants.len().min(DRAWN)];
        let place = |id: &str| drawn.iter().position(|one| one.id == id);
        let nodes = drawn.iter().enumerate().map(|(at, one)| Node {
            y: at * ROW + 8,
            middle: at * ROW + 28,
            name: shortened(&one.id),
            start: one.start,
            busy: match (one.offered, one.holds) {
                (0, 0) => String::new(),
                (0, holds) => format!("{holds} at work"),
                (offered, 0) => format!("{offered} offered"),
                (offered, holds) => format!("{offered} offered, {holds} at work"),
            },
        });
        let arcs = mesh
            .routes
            .iter()
            .filter_map(|route| Some(Arc::new(route, place(&route.from)?, place(&route.to)?)));
        let agents = mesh.participants.iter().map(|one| AgentView {
            id: one.id.clone(),
            start: one.start,
            in_scope: one.in_scope.clone(),
            out_of_scope: one.out_of_scope.clone(),
            facts: facts(&[
                ("tools", &one.tools.join(", ")),
                ("takes", &one.accepts.join(", ")),
                ("may see", one.clearance.as_deref().unwrap_or_default()),
            ]),
            offered: one.offered,
            holds: one.holds,
            completed: one.completed,
        });
        Self {
            anchor: format!("mesh-{number}"),
            workspace: mesh.workspace.clone(),
            about: about(mesh),
            stopped: mesh.stopped,
            height: drawn.len() * ROW + 8,
            nodes: nodes.collect(),
            arcs: arcs.collect(),
            hidden: mesh.participants.len() - drawn.len(),
            agents: agents.collect(),
            routes: mesh.routes.clone(),
            contracts: mesh.contracts.clone(),
        }
    }
}

/// What holds between the agents, one sentence.
fn about(mesh: &Mesh) -> String {
    let who = if mesh.mode == "reviewed" {
        "A person approves each hop"
    } else {
        "Agents hand to each other by themselves"
    };
    format!(
        "{who}, at most {} without a person. A receiver answers within {}.",
        words::count(usize::try_from(mesh.max_hops).unwrap_or(usize::MAX), "hop"),
        span(mesh.acknowledge_within_seconds)
    )
}

fn facts(all: &[(&str, &str)]) -> String {
    let stated = all.iter().filter(|(_, value)| !value.is_empty());
    let stated: Vec<String> = stated
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    stated.join("; ")
}

/// A name that fits into its box.
fn shortened(name: &str) -> String {
    const FITS: usize = 25;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    let start: String = name.chars().take(FITS - 1).collect();
    format!("{start}…")
}

impl Arc {
    /// Down on the right of the boxes, up on their left.
    fn new(route: &RouteRow, from: usize, to: usize) -> Self {
        let apart = from.abs_diff(to);
        let bend = (BEND * (apart + 1)).min(FURTHEST);
        let (start, end) = (from * ROW + 28, to * ROW + 28);
        let (edge, out, label) = if to > from {
            (RIGHT, RIGHT + bend, RIGHT + bend * 3 / 4 + 9)
        } else {
            let out = LEFT - bend.min(LEFT - 12);
            (LEFT, out, LEFT - (LEFT - out) * 3 / 4 - 9)
        };
        // Arcs that leave and arrive at one box do not lie on each other.
        let (start, end) = match to.cmp(&from) {
            Ordering::Greater => (start + 6, end - 6),
            Ordering::Equal => (start - 8, end + 8),
            Ordering::Less => (start - 6, end + 6),
        };
        Self {
            line: format!("M{edge} {start} C{out} {start} {out} {end} {edge} {end}"),
            x: label.clamp(10, WIDTH - 10),
            y: usize::midpoint(start, end) + 4,
            label: format!("{}", route.open),
            open: route.open > 0,
        }
    }
}

/// The path of a task.
#[derive(Debug, Serialize)]
pub(super) struct PathPart {
    holder: Option<String>,
    steps: Vec<PathStep>,
    stops: Vec<PathStop>,
}

#[derive(Debug, Serialize)]
struct PathStep {
    package: String,
    from: String,
    to: String,
    state: String,
    tone: &'static str,
    at: When,
    times: String,
    words: String,
    gates: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct PathStop {
    at: When,
    text: String,
    times: String,
}

impl PathPart {
    /// `None` for a task that was never handed to an agent.
    pub(super) fn new(path: &TaskPath, now: Now<'_>) -> Option<Self> {
        if path.hops.is_empty() && path.stops.is_empty() {
            return None;
        }
        let steps = path.hops.iter().map(|hop| {
            let words = [hop.reason.as_deref(), hop.note.as_deref()];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            let mut times = format!("waited {}", span(hop.waited_seconds));
            if hop.taken_at.is_some() {
                times = format!("{times}, held {}", span(hop.held_seconds));
            }
            if let Some(fit) = hop.fit {
                times = format!("{times}, {fit} sure that it is the one for it");
            }
            if let Some(confidence) = hop.confidence {
                times = format!("{times}, {confidence} sure of the result");
            }
            PathStep {
                package: format!("{}.{}", hop.handoff_id, hop.hop),
                from: hop.from.clone(),
                to: hop.to.clone(),
                state: hop.state.replace('_', " "),
                tone: tone(&hop.state),
                at: When::new(hop.offered_at, now),
                times,
                words: words.join(": "),
                gates: hop
                    .gates
                    .iter()
                    .map(|gate| (gate.gate.clone(), gate.found.clone()))
                    .collect(),
            }
        });
        Some(Self {
            holder: path.holder.clone(),
            steps: steps.collect(),
            stops: path
                .stops
                .iter()
                .map(|stop| PathStop {
                    at: When::new(stop.at, now),
                    text: stop.text.clone(),
                    times: match &stop.by {
                        Some(by) => format!("{by} answered after {}", span(stop.held_seconds)),
                        None => format!("a person has it for {}", span(stop.held_seconds)),
                    },
                })
                .collect(),
        })
    }
}

fn tone(state: &str) -> &'static str {
    match state {
        "completed" | "accepted" => "ok",
        "declined" | "failed" | "timed_out" => "bad",
        _ => "line",
    }
}

fn span(seconds: u64) -> String {
    words::span(SignedDuration::from_secs(
        i64::try_from(seconds).unwrap_or(i64::MAX),
    ))
}

impl Page for AgentsPage {
    const TEMPLATE: &'static str = "pages/agents.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::transfer;
        let many = |count: usize| {
            let mut mesh = transfer::mesh();
            let first = mesh.participants[0].clone();
            mesh.participants.extend((0..count).map(|number| {
                crate::desk::transfer::ParticipantRow {
                    id: format!("an_agent_with_a_rather_long_name_{number}"),
                    ..first.clone()
                }
            }));
            mesh.mode = "reviewed".to_owned();
            mesh.contracts.clear();
            mesh.stopped = 0;
            mesh
        };
        let page = |meshes: &[Mesh]| Self::new(Chrome::sample("agents"), meshes);
        vec![page(&[transfer::mesh()]), page(&[many(60)]), page(&[])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arc_stays_in_the_picture_and_goes_down_on_the_right() {
        let route = RouteRow::default();
        for (from, to) in [(0, 1), (1, 0), (0, 39), (39, 0), (3, 3)] {
            let arc = Arc::new(&route, from, to);
            assert!(arc.x <= WIDTH, "{arc:?}");
            let edge = if to > from { RIGHT } else { LEFT };
            assert!(arc.line.starts_with(&format!("M{edge} ")), "{arc:?}");
        }
    }
}
