//! What a handoff states beside its words: models, tools, questions, a checklist.

use countersign_protocol::{
    handoff::Handoff,
    query::glob::{folded, name_pattern},
};
use serde_json::Value;
use tantivy::{
    DocSet as _, Searcher, TERMINATED,
    schema::{Field, IndexRecordOption},
};

use super::{Search, find::Name, live::guarded, schema::FAST_NAMES};

/// Something that a handoff may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The model of the agent, or one that it used.
    Model,
    /// A tool that it used.
    Tool,
    /// `question`: it asks something; `checklist`: it has one.
    Has,
}

impl Statement {
    /// The mark in the index, with what is stated.
    fn flag(self, what: &str) -> String {
        let name = match self {
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Has => "has",
        };
        format!("{name}:{}", folded(what))
    }
}

/// The marks of what `handoff` states.
pub(super) fn flags(handoff: &Handoff) -> Vec<String> {
    let document = &handoff.document;
    let provenance = &document["provenance"];
    let own = handoff.from_agent.stated.get("model");
    let used = [&provenance["model"]["model"]].into_iter();
    let routed = provenance["routes"].as_array().into_iter().flatten();
    let routed = routed.map(|route| &route["model"]);
    let models = own.into_iter().chain(used).chain(routed);
    let models = models.filter_map(Value::as_str);
    let tools = provenance["tools"].as_array().into_iter().flatten();
    let tools = tools.filter_map(|tool| tool.as_str().or(tool["name"].as_str()));
    let asks = !handoff.questions.is_empty()
        || handoff
            .requests
            .iter()
            .any(|request| request.kind.as_deref() == Some("question"));
    let checklist = document["quality_checklist"].as_array();
    let has_checklist = checklist.is_some_and(|list| !list.is_empty());
    let mut flags: Vec<String> = models
        .map(|model| Statement::Model.flag(model))
        .chain(tools.map(|tool| Statement::Tool.flag(tool)))
        .chain(asks.then(|| Statement::Has.flag("question")))
        .chain(has_checklist.then(|| Statement::Has.flag("checklist")))
        .collect();
    flags.sort();
    flags.dedup();
    flags
}

impl Search {
    /// Numbers of the handoffs whose newest revision states something called `name`. None while there is no index.
    pub fn cards_stating(&self, statement: Statement, name: &Name) -> Vec<u64> {
        let Some(live) = self.live() else {
            return Vec::new();
        };
        let pattern = name_pattern(&statement.flag(&name.0));
        let Ok(pattern) = regex::Regex::new(&pattern) else {
            return Vec::new();
        };
        let found = guarded(|| cards_with(&live.searcher(), live.fields.flags, &pattern));
        found.unwrap_or_else(|error| {
            self.rebuild(error.to_string());
            Vec::new()
        })
    }
}

/// Numbers of the handoffs that have a flag which fits.
fn cards_with(
    searcher: &Searcher,
    flags: Field,
    pattern: &regex::Regex,
) -> tantivy::Result<Vec<u64>> {
    let mut cards = Vec::new();
    for segment in searcher.segment_readers() {
        let Some(ids) = segment.fast_fields().column_opt::<u64>(FAST_NAMES.card)? else {
            continue;
        };
        let inverted = segment.inverted_index(flags)?;
        let mut terms = inverted.terms().stream()?;
        while terms.advance() {
            if !std::str::from_utf8(terms.key()).is_ok_and(|flag| pattern.is_match(flag)) {
                continue;
            }
            let info = terms.value().clone();
            let mut postings =
                inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if segment
                    .alive_bitset()
                    .is_none_or(|alive| alive.is_alive(doc))
                {
                    cards.extend(ids.first(doc));
                }
                doc = postings.advance();
            }
        }
    }
    Ok(cards)
}
