//! Runs a query on the index and says what was found.

use std::{collections::HashMap, path::Path, sync::Arc};

use countersign_protocol::{
    HandoffId, content,
    event::Location,
    names::joined,
    query::{Group, HitKind, Now, Query, Sort},
};
use countersign_web::desk::{
    Caller, Counted, DeskError, Facet, Hit, HitError, IndexStatus, MatchedLine, Partial,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{LedgerDesk, access::sees},
    Found, Page,
    conditions::{Reader, has_words, kind_of},
    facts::{Asker, risk, trigger},
    homes::{Folders, folders, naming},
    past,
};
use crate::{
    fs::Identity,
    ledger::{Card, State},
    search::{self, Answer, Ask, Document, IndexError, Order},
    workspace::Workspaces,
};

/// Values of a facet or groups that are told.
const MOST_VALUES: usize = 50;

impl LedgerDesk {
    /// Returns the user whose permissions on files count for `who`; `None` when none do.
    fn reads_as(&self, who: &Caller) -> Option<Identity> {
        let Caller::Agent(agent) = who else {
            return None;
        };
        // All workspaces know the users of the same agents.
        let workspace = self.workspaces.all().into_iter().next()?;
        workspace.settings.reader(&agent.agent)
    }

    pub(super) async fn find(
        &self,
        who: &Caller,
        query: &Query,
        page: Page<'_>,
        now: &Now,
    ) -> Result<Found, DeskError> {
        let asker = Asker { who, now };
        let mut reader = Reader {
            desk: self,
            asker,
            notes: Vec::new(),
        };
        let past = self.as_of(who, query, now)?;
        let filter = past.as_ref().map_or(&query.filter, |past| &past.rest);
        let condition = reader.condition(filter);
        let mut notes = reader.notes;
        let (mut stood, mut standing) = (Vec::new(), None);
        if let Some(past) = past {
            notes.extend(past.notes);
            (stood, standing) = (past.moments, Some(past.standing));
        }
        let skip = page
            .cursor
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or(0);
        let is_list = query.group.is_none() && !query.count;
        let served = self.workspaces.all().into_iter();
        let identity = self.reads_as(who);
        let ask = Ask {
            condition,
            about: query.about.clone(),
            kind: match &standing {
                Some(_) => Some(search::kind::FILE),
                None => kind_of(query.show),
            },
            workspaces: served
                .filter(|workspace| sees(who, &workspace.name))
                .map(|workspace| workspace.name.to_string())
                .collect(),
            reader: match &identity {
                None => search::Reader::Anything,
                Some(identity) => search::Reader::User(identity.uid()),
            },
            order: self.order(who, query),
            skip,
            limit: match (&query.group, query.count) {
                (Some(_), _) => usize::MAX,
                (None, true) => 0,
                (None, false) => page.limit,
            },
            count_all: !is_list,
            lines: is_list && page.limit > 0,
            past: standing.clone(),
        };
        let (search, workspaces) = (self.search.clone(), Arc::clone(&self.workspaces));
        // Agents wait for one another, so that they leave a processor to people.
        let turn = match who {
            Caller::Agent(_) => self.agents_ask.acquire().await.ok(),
            Caller::Person(_) => None,
        };
        let found = tokio::task::spawn_blocking(move || {
            let mut found = search.find(&ask)?;
            if let (Some(identity), Some(answer), None) = (&identity, &mut found, &ask.past) {
                // Modes of folders may have changed since the file was read.
                let before = answer.results.len();
                answer
                    .results
                    .retain(|one| is_open(&workspaces, &one.document, identity));
                answer.total -= (before - answer.results.len()) as u64;
            }
            Ok::<_, IndexError>(found)
        })
        .await;
        drop(turn);
        let found = found.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        let answer = match found {
            Ok(answer) => answer.unwrap_or_default(),
            Err(IndexError::TooSlow) => {
                return Err(DeskError::Invalid {
                    field: "q".to_owned(),
                    message: "This takes too long: name more letters that have to be there, or where to look (`path:`, `type:`)."
                        .to_owned(),
                });
            }
            Err(error) => return Err(DeskError::Unavailable(error.to_string())),
        };
        let groups = match query.group {
            Some(group) => self.groups(who, group, &answer, &now.zone),
            None => Vec::new(),
        };
        let shown = if is_list { answer.results.len() } else { 0 };
        let end = skip.saturating_add(shown);
        let is_more = is_list && page.limit > 0 && answer.total > end as u64;
        let status = self.search.progress();
        let partial = match &standing {
            Some(standing) => unread(&answer, standing),
            None => partial(&status),
        };
        let state = self.ledger.state();
        let homes = self.homes.at(&state, folders);
        Ok(Found {
            hits: answer
                .results
                .iter()
                .take(shown)
                .map(|one| {
                    let hit = hit(one, (&state, &homes), who);
                    match standing.as_ref().and_then(|all| all.get(one.document.key)) {
                        Some(version) => past::cited(hit, version),
                        None => hit,
                    }
                })
                .collect(),
            total: answer.total,
            exact: answer.is_exact,
            next_cursor: is_more.then(|| end.to_string()),
            facets: facets(&answer),
            groups,
            changes: None,
            stood,
            partial,
            unsearched: answer.unsearched,
            notes,
            seq: status.seq,
        })
    }

    fn order(&self, who: &Caller, query: &Query) -> Order {
        let by_row = |rank: &dyn Fn(&Card) -> Option<i64>| {
            let cards: Vec<_> = self.ledger.state().cards().cloned().collect();
            let ranks = cards
                .iter()
                .filter_map(|card| Some((card.id.0, rank(card)?)));
            Order::Card(ranks.collect())
        };
        match query.sort {
            None if has_words(query) => Order::Relevance,
            None | Some(Sort::Newest) => Order::Newest,
            Some(Sort::Relevance) => Order::Relevance,
            Some(Sort::Oldest) => Order::Oldest,
            Some(Sort::Largest) => Order::Largest,
            Some(Sort::Smallest) => Order::Smallest,
            Some(Sort::Path) => Order::Path,
            Some(Sort::Risk) => by_row(&|card| Some(self.row_of(card, who).risk.level as i64)),
            Some(Sort::Due) => {
                by_row(&|card| card.newest().accepted.due.map(|due| -due.as_microsecond()))
            }
            Some(Sort::Confidence) => by_row(&|card| {
                #[expect(clippy::cast_possible_truncation, reason = "0 to 1, in millionths")]
                let rank = |confidence: f64| (-confidence * 1e6) as i64;
                card.newest().accepted.confidence.map(rank)
            }),
        }
    }

    /// How many of the results have each value.
    fn groups(&self, who: &Caller, group: Group, answer: &Answer, zone: &TimeZone) -> Vec<Counted> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for result in &answer.results {
            let document = &result.document;
            let card = document
                .card
                .and_then(|id| self.ledger.state().card(HandoffId(id)).cloned());
            let of_card = |of: &dyn Fn(&Card) -> String| card.as_deref().map(of);
            let value = match group {
                Group::Agent => of_card(&|card| card.newest().accepted.from_agent.clone()),
                Group::Workspace => Some(document.workspace.clone()),
                Group::By => document.by.clone(),
                Group::Type => document.file_type.clone(),
                Group::Decision => of_card(&|card| card.state.name().replace('_', "-")),
                Group::Risk => of_card(&|card| risk(&self.row_of(card, who)).to_owned()),
                Group::Trigger => of_card(&|card| trigger(card.newest().accepted.trigger)),
                Group::Folder => {
                    let folder = document
                        .path
                        .rsplit_once('/')
                        .map_or("", |(folder, _)| folder);
                    Some(folder.to_owned())
                }
                Group::Handoff => of_card(&|card| card.id.to_string()),
                Group::Day => Timestamp::from_microsecond(document.at)
                    .ok()
                    .map(|at| at.to_zoned(zone.clone()).date().to_string()),
            };
            if let Some(value) = value {
                *counts.entry(value).or_default() += 1;
            }
        }
        counted(counts.into_iter().collect())
    }

    pub(super) fn how_far(&self) -> IndexStatus {
        let status = self.search.status();
        IndexStatus {
            state: status.state.name().to_owned(),
            why: status.why,
            done: status.done,
            of: status.of,
            documents: status.documents,
            bytes: status.bytes,
            seq: status.seq,
            reading: status.reading,
            cut: status.cut,
            unread: status.unread,
        }
    }
}

/// Checks whether a result that is a file can be read by the user `identity` now; all else is no file of the disk.
fn is_open(workspaces: &Workspaces, document: &Document, identity: &Identity) -> bool {
    if document.kind != search::kind::FILE {
        return true;
    }
    let Some(workspace) = workspaces.get(&document.workspace) else {
        return false;
    };
    let opened = identity.opens(workspace.dir(), Path::new(&document.path));
    opened.is_ok_and(|file| file.is_some())
}

fn counted(mut counts: Vec<(String, u64)>) -> Vec<Counted> {
    counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    counts.truncate(MOST_VALUES);
    let counted = counts.into_iter();
    counted
        .map(|(value, count)| Counted { value, count })
        .collect()
}

fn facets(answer: &Answer) -> Vec<Facet> {
    let named = |operator: &str, value: String| match (operator, value.as_str()) {
        // The kinds of documents, as `show:` names them.
        ("show", "refused") => value,
        ("show", _) => format!("{value}s"),
        _ => value,
    };
    let told = answer.spread.iter().map(|(operator, values)| Facet {
        operator: (*operator).to_owned(),
        values: counted(
            values
                .iter()
                .map(|(value, count)| (named(operator, value.clone()), *count))
                .collect(),
        ),
    });
    told.filter(|facet| !facet.values.is_empty()).collect()
}

fn partial(status: &search::Status) -> Option<Partial> {
    let why = status.why.clone()?;
    Some(Partial {
        why,
        done: status.done,
        of: (status.of > 0).then_some(status.of),
    })
}

/// What of the versions that stood could not be read for this answer.
fn unread(answer: &Answer, standing: &search::Standing) -> Option<Partial> {
    let of = standing.len() as u64;
    (answer.unread > 0).then(|| Partial {
        why: "the files as they stood then are still being read; ask again".to_owned(),
        done: of.saturating_sub(answer.unread),
        of: Some(of),
    })
}

fn hit(result: &search::Match, (state, homes): (&State, &Folders), who: &Caller) -> Hit {
    let document = &result.document;
    let kind = match document.kind.as_str() {
        "handoff" => HitKind::Handoff,
        "decision" => HitKind::Decision,
        "comment" => HitKind::Comment,
        "refused" => HitKind::Refused,
        "checkpoint" => HitKind::Checkpoint,
        _ => HitKind::File,
    };
    let card = match document.card {
        Some(id) => state.card(HandoffId(id)),
        None if kind == HitKind::File => naming(homes, state, &document.workspace, &document.path),
        None => None,
    };
    let card = card.filter(|card| sees(who, &card.workspace));
    let accepted = card.map(|card| &card.newest().accepted);
    let at = Timestamp::from_microsecond(document.at).unwrap_or(Timestamp::UNIX_EPOCH);
    let seq = document.seq.or_else(|| card.map(|card| card.newest().seq));
    let decision = card.and_then(|card| {
        card.decisions
            .iter()
            .find(|decision| Some(decision.seq) == document.seq)
    });
    let title = accepted.map_or_else(|| document.path.clone(), |accepted| accepted.title.clone());
    let is_of_person = matches!(kind, HitKind::Decision | HitKind::Comment);
    Hit {
        kind,
        workspace: document.workspace.clone(),
        path: Some(document.path.clone()).filter(|path| !path.is_empty()),
        folder: accepted.map(|accepted| accepted.at.folder.clone()),
        member: result.lines.iter().find_map(|line| match &line.place {
            Some(content::Place::Member { path }) => Some(path.clone()),
            _ => None,
        }),
        handoff: card.map(|card| card.id),
        revision: decision
            .map(|decision| decision.decided.revision)
            .or(accepted.map(|accepted| accepted.revision)),
        title,
        agent: accepted
            .map(|accepted| accepted.from_agent.clone())
            .or_else(|| document.by.clone().filter(|_| kind == HitKind::Checkpoint)),
        by: document.by.clone().filter(|_| is_of_person),
        state: match decision {
            Some(decision) => Some(decision.decided.outcome.word().to_owned()),
            None => card.map(|card| card.state.name().to_owned()),
        },
        change: None,
        renamed_from: None,
        size: document.size,
        at,
        seq: seq.unwrap_or_default(),
        lines: lines(result, kind),
        errors: errors(state, document, kind),
        note: result.note.clone(),
    }
}

fn lines(result: &search::Match, kind: HitKind) -> Vec<MatchedLine> {
    let field = match kind {
        HitKind::File => None,
        HitKind::Comment => Some("comment"),
        HitKind::Decision => Some("decision"),
        _ => Some("text"),
    };
    let told = result.lines.iter().map(|line| MatchedLine {
        number: field
            .is_none()
            .then_some(line.number)
            .filter(|_| has_lines(line.place.as_ref())),
        place: line.place.clone(),
        // The first line of what is kept is its title.
        field: field.map(|field| if line.number == 1 { "title" } else { field }.to_owned()),
        text: line.text.clone(),
        matches: line.matches.clone(),
    });
    told.collect()
}

/// Whether a reader of the file sees numbered lines there.
fn has_lines(place: Option<&content::Place>) -> bool {
    use content::Place;
    match place {
        None | Some(Place::Whole | Place::Member { .. }) => true,
        Some(
            Place::Page { .. }
            | Place::Row { .. }
            | Place::Slide { .. }
            | Place::Cell { .. }
            | Place::Header { .. }
            | Place::Part { .. },
        ) => false,
    }
}

fn errors(state: &State, document: &Document, kind: HitKind) -> Vec<HitError> {
    if kind != HitKind::Refused {
        return Vec::new();
    }
    let (folder, file) = document
        .path
        .rsplit_once('/')
        .unwrap_or(("", &document.path));
    let at = Location {
        workspace: document.workspace.clone(),
        folder: folder.to_owned(),
        file: file.to_owned(),
    };
    debug_assert_eq!(joined(folder, file), document.path);
    let violations = state
        .dead_letter(&at)
        .into_iter()
        .flat_map(|dead| &dead.violations);
    let told = violations.map(|one| HitError {
        message: one.message.clone(),
        pointer: one.pointer.clone(),
        line: one.line,
    });
    told.collect()
}
