//! Owners who wait for each other in a circle: each holds what the next one needs, and nobody gets anything by waiting.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{LockId, Table, is_same_owner};
use crate::principal::Actor;

impl Table {
    /// For each lock in line that is part of a circle, the owners along it, its own first. Only locks of workspaces
    /// that `counts` holds for are looked at.
    pub fn circles(&self, counts: &dyn Fn(&str) -> bool) -> BTreeMap<LockId, Vec<&Actor>> {
        let waiting: Vec<_> = self
            .with_lines()
            .filter(|workspace| counts(workspace))
            .flat_map(|workspace| self.waiting(workspace))
            .collect();
        let mut owners: Vec<&Actor> = Vec::new();
        let mut number = |owner| {
            let known = owners.iter().position(|other| is_same_owner(other, owner));
            known.unwrap_or_else(|| {
                owners.push(owner);
                owners.len() - 1
            })
        };
        let mut waits_for: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let mut lines = Vec::new();
        for lock in waiting {
            let me = number(&lock.owner);
            let ahead = self.ahead_of(lock);
            let before: BTreeSet<usize> = ahead
                .iter()
                .filter_map(|other| self.get(other.id))
                .map(|other| number(&other.owner))
                .collect();
            waits_for.entry(me).or_default().extend(&before);
            lines.push((lock.id, me, before));
        }
        let circle = |(id, me, before): (LockId, usize, BTreeSet<usize>)| {
            let way = way_back(&waits_for, &before, me)?;
            Some((id, way.into_iter().map(|at| owners[at]).collect()))
        };
        lines.into_iter().filter_map(circle).collect()
    }
}

/// The shortest way from one of `from` to `to`, with `to` at its beginning instead of its end.
fn way_back(
    waits_for: &BTreeMap<usize, BTreeSet<usize>>,
    from: &BTreeSet<usize>,
    to: usize,
) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, Option<usize>> = from.iter().map(|at| (*at, None)).collect();
    let mut line: VecDeque<usize> = from.iter().copied().collect();
    while let Some(at) = line.pop_front() {
        if at == to {
            let mut way = Vec::new();
            let mut step = came_from.get(&at).copied().flatten();
            while let Some(at) = step {
                way.push(at);
                step = came_from.get(&at).copied().flatten();
            }
            way.push(to);
            way.reverse();
            return Some(way);
        }
        for next in waits_for.get(&at).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(*next, Some(at));
                line.push_back(*next);
            }
        }
    }
    None
}
