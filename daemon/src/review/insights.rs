//! What a lead wants to know, folded from the entries. Only what was recorded is counted: risk is what
//! the rules set when they asked, and nothing is assessed anew.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use countersign_protocol::{decision::Outcome, event::Event, principal::Actor};
use countersign_web::desk::{
    Caller, DeskError,
    insights::{
        AgeRow, AgentRow, CalibrationRow, DayRow, Insights, InsightsDesk, LookRow, WeekRow,
    },
};
use jiff::{SignedDuration, Timestamp};

use super::{LedgerDesk, access::sees, row::is_waiting, service::quantiles};
use crate::ledger::{Card, State};

/// The upper ends of how long something waits, in seconds.
const AGES: [u64; 4] = [900, 3_600, 14_400, 86_400];
/// The upper ends of how long people look, in seconds.
const LOOKS: [u64; 5] = [10, 30, 60, 300, 900];
/// Agents that are named; those with most handoffs.
const AGENTS: usize = 8;
/// Days that are shown.
const DAYS: i64 = 14;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The longest time that is looked back on, in weeks.
const MOST_WEEKS: u32 = 52;

/// `ends` and one more, for what is over the last.
fn spans(ends: &[u64]) -> impl Iterator<Item = (u64, Option<u64>)> {
    let from = std::iter::once(0).chain(ends.iter().copied());
    let to = ends.iter().copied().map(Some).chain([None]);
    from.zip(to)
}

fn place(ends: &[u64], length: u64) -> usize {
    ends.iter().take_while(|end| **end <= length).count()
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    // A clock that was set back makes nothing quicker than at once.
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default()
}

/// The risk that the rules set for each revision.
fn risks(card: &Card) -> HashMap<u32, &str> {
    let routed = card.moves.iter().filter_map(|one| match &one.event {
        Event::Routed(routed) => Some((routed.revision, routed.risk.as_str())),
        _ => None,
    });
    routed.collect()
}

/// What is counted, by what.
struct Counts {
    since: Timestamp,
    now: Timestamp,
    all: Vec<u64>,
    promised: Vec<u64>,
    weeks: Vec<(Timestamp, Vec<u64>)>,
    agents: BTreeMap<String, (usize, usize)>,
    ages: Vec<[usize; 3]>,
    stated: Vec<(f64, usize, usize)>,
    looks: Vec<[usize; 2]>,
    days: Vec<DayRow>,
}

impl Counts {
    fn new(now: Timestamp, weeks: u32) -> Self {
        let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
        let weeks: Vec<_> = (0..i64::from(weeks))
            .rev()
            .map(|week| (ago(7 * (week + 1)), Vec::new()))
            .collect();
        Self {
            since: weeks.first().map_or(now, |(from, _)| *from),
            now,
            all: Vec::new(),
            promised: Vec::new(),
            weeks,
            agents: BTreeMap::new(),
            ages: vec![[0; 3]; AGES.len() + 1],
            stated: vec![(0.0, 0, 0); 10],
            looks: vec![[0; 2]; LOOKS.len() + 1],
            days: (0..DAYS)
                .rev()
                .map(|day| DayRow {
                    from: ago(day + 1),
                    came: 0,
                    decided: 0,
                })
                .collect(),
        }
    }

    fn day(&mut self, at: Timestamp) -> Option<&mut DayRow> {
        self.days
            .iter_mut()
            .find(|day| day.from < at && at <= day.from + DAY)
    }

    fn add(&mut self, card: &Card) {
        let risks = risks(card);
        for (service, revision) in card.service.iter().zip(&card.revisions) {
            let accepted = &revision.accepted;
            if let Some(day) = self.day(service.handed_over) {
                day.came += 1;
            }
            let risk = risks.get(&accepted.revision).copied().unwrap_or("low");
            let decision = card.decision(accepted.revision);
            let by_person = decision.filter(|one| matches!(one.actor, Actor::Person { .. }));
            if let Some(decision) = by_person.filter(|one| one.at >= self.since) {
                let took = seconds(service.handed_over, decision.at);
                self.all.push(took);
                let due = service.due.map(|due| seconds(service.handed_over, due));
                self.promised.extend(due);
                let week = self
                    .weeks
                    .iter_mut()
                    .rfind(|(from, _)| *from <= decision.at);
                if let Some((_, week)) = week {
                    week.push(took);
                }
                if let Some(day) = self.day(decision.at) {
                    day.decided += 1;
                }
                let approved = decision.decided.outcome == Outcome::Approved;
                if let Some(stated) = accepted.confidence {
                    let (sum, good, of) = &mut self.stated[tenth(stated)];
                    *sum += stated;
                    *good += usize::from(approved);
                    *of += 1;
                }
                if accepted.revision == 1 {
                    let agent = self.agents.entry(accepted.from_agent.clone()).or_default();
                    agent.0 += usize::from(approved);
                    agent.1 += 1;
                }
                if let Some(seen) = service.seen.filter(|_| approved) {
                    let at = place(&LOOKS, seconds(seen, decision.at));
                    self.looks[at][usize::from(risk == "high")] += 1;
                }
            }
        }
        if is_waiting(card) {
            let newest = card.newest();
            let risk = risks.get(&newest.accepted.revision).copied();
            let level = match risk {
                Some("high") => 2,
                Some("medium") => 1,
                _ => 0,
            };
            self.ages[place(&AGES, seconds(newest.at, self.now))][level] += 1;
        }
    }

    fn rows(self) -> Insights {
        let mut agents: Vec<_> = self
            .agents
            .into_iter()
            .map(|(agent, (first_time, of))| AgentRow {
                agent,
                first_time,
                of,
            })
            .collect();
        agents.sort_by_key(|row| std::cmp::Reverse(row.of));
        agents.truncate(AGENTS);
        // Shares are compared by cross multiplication.
        agents.sort_by(|a, b| (b.first_time * a.of).cmp(&(a.first_time * b.of)));
        Insights {
            since: self.since,
            until: self.now,
            took: quantiles(self.all),
            promised: quantiles(self.promised).map(|all| all.p50),
            weeks: self
                .weeks
                .into_iter()
                .map(|(from, took)| WeekRow {
                    from,
                    decided: took.len(),
                    took: quantiles(took),
                })
                .collect(),
            agents,
            ages: spans(&AGES)
                .zip(self.ages)
                .map(|((from, to), [low, medium, high])| AgeRow {
                    from,
                    to,
                    low,
                    medium,
                    high,
                })
                .collect(),
            calibration: self
                .stated
                .into_iter()
                .filter(|(_, _, of)| *of > 0)
                .map(|(sum, approved, of)| CalibrationRow {
                    stated: sum / count(of),
                    approved,
                    of,
                })
                .collect(),
            looks: spans(&LOOKS)
                .zip(self.looks)
                .map(|((from, to), [others, high])| LookRow {
                    from,
                    to,
                    others,
                    high,
                })
                .collect(),
            days: self.days,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer handoffs than 2^52"
)]
fn count(number: usize) -> f64 {
    number as f64
}

/// Which tenth a stated confidence is in, from 0.
fn tenth(stated: f64) -> usize {
    (1..10)
        .filter(|end| stated >= f64::from(*end) / 10.0)
        .count()
}

fn fold(state: &State, who: &Caller, now: Timestamp, weeks: u32) -> Insights {
    let mut counts = Counts::new(now, weeks);
    for card in state.cards().filter(|card| sees(who, &card.workspace)) {
        counts.add(card);
    }
    counts.rows()
}

#[async_trait]
impl InsightsDesk for LedgerDesk {
    async fn insights(&self, who: &Caller, weeks: u32) -> Result<Insights, DeskError> {
        if !(1..=MOST_WEEKS).contains(&weeks) {
            return Err(DeskError::Invalid {
                field: "weeks".to_owned(),
                message: format!("Look back on 1 to {MOST_WEEKS} weeks."),
            });
        }
        // A copy is cheap, and commits do not wait for the count.
        let state = self.ledger.state().clone();
        let (who, now) = (who.clone(), self.clock.now());
        let counted = tokio::task::spawn_blocking(move || fold(&state, &who, now, weeks));
        counted
            .await
            .map_err(|error| DeskError::Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
