//! What the template of the search page names.

mod found;

use countersign_protocol::query::{Query, QueryError, Sort, parse};
use serde::Serialize;

use super::{
    search::Choice,
    view::{Now, When},
    visit::Chrome,
};
use crate::{
    desk::{Facet, IndexStatus, SavedSearch, SearchAnswer},
    render::words,
    templates::Page,
};
use found::{ChangesView, HitView, StoodView};

/// So much of a query is shown of what is wrong in it, before it and after it, in characters.
const AROUND: usize = 200;

/// Examples under the box, as question and query.
const EXAMPLES: &[(&str, &str)] = &[
    ("What changed since the last build?", "changed:>@last-build"),
    (
        "Show me the files with validation errors",
        "has:validation-error",
    ),
    (
        "High risk, waiting over an hour",
        "is:waiting age:>1h risk:high",
    ),
    (
        "Rejected last week",
        "decision:rejected after:last-week before:this-week show:decisions",
    ),
    ("Which agent keeps failing?", "is:failing group:agent"),
    (
        "How many did we approve yesterday?",
        "decision:approved after:yesterday before:today show:decisions show:count",
    ),
    (
        "Big images nobody has viewed",
        "viewed:nobody type:image sort:largest",
    ),
    (
        "Logs containing connection refused",
        "content:\"connection refused\" type:log",
    ),
];

#[derive(Debug, Serialize)]
pub(super) struct SearchPage {
    chrome: Chrome,
    q: String,
    error: Option<Wrong>,
    answer: Option<AnswerView>,
    /// Why the index is not complete, before anything was asked.
    index: Option<PartialView>,
    saved: Vec<Saved>,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Wrong {
    before: String,
    marked: String,
    after: String,
    message: String,
    hint: String,
}

#[derive(Debug, Serialize)]
struct Saved {
    name: String,
    query: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct Example {
    question: &'static str,
    query: &'static str,
    href: String,
}

#[derive(Debug, Serialize)]
struct AnswerView {
    query: String,
    pills: Vec<PillView>,
    as_text: String,
    question: bool,
    /// To search for the words of a question as words.
    as_words: String,
    left_over: Vec<String>,
    notes: Vec<NoteView>,
    heading: String,
    changes: Option<ChangesView>,
    /// The moments whose files were searched.
    stood: Vec<StoodView>,
    partial: Option<PartialView>,
    facets: Vec<FacetView>,
    groups: Vec<Group>,
    group_name: &'static str,
    hits: Vec<HitView>,
    sorts: Vec<Choosable>,
    relaxed: Vec<RelaxedView>,
    /// Files that may fit, of whose text not all was searched.
    unsearched: Option<Unsearched>,
    zone: Option<String>,
    next: Option<String>,
    first: Option<String>,
}

#[derive(Debug, Serialize)]
struct PillView {
    operator: String,
    value: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct NoteView {
    message: String,
    /// The text with the mistake mended.
    mended: Option<String>,
}

#[derive(Debug, Serialize)]
struct PartialView {
    why: String,
    done: u64,
    of: Option<u64>,
}

#[derive(Debug, Serialize)]
struct FacetView {
    title: &'static str,
    values: Vec<Choosable>,
}

#[derive(Debug, Serialize)]
struct Choosable {
    label: String,
    count: u64,
    href: String,
    current: bool,
}

#[derive(Debug, Serialize)]
struct Group {
    value: String,
    count: u64,
    href: String,
    percent: u64,
}

#[derive(Debug, Serialize)]
struct Unsearched {
    text: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct RelaxedView {
    without: String,
    total: u64,
    href: String,
}

/// The page of a text.
pub(super) fn link(text: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", text);
    format!("/search?{}", query.finish())
}

impl SearchPage {
    pub(super) fn new(
        chrome: Chrome,
        choice: &Choice,
        saved: &[SavedSearch],
        index: &IndexStatus,
    ) -> Self {
        Self {
            index: index.why.as_ref().map(|why| PartialView {
                why: words::sentence(why),
                done: index.done,
                of: Some(index.of).filter(|of| index.done < *of),
            }),
            chrome,
            q: choice.q.clone(),
            error: None,
            answer: None,
            saved: saved
                .iter()
                .map(|saved| Saved {
                    name: saved.name.clone(),
                    query: saved.query.clone(),
                    href: link(&saved.query),
                })
                .collect(),
            examples: EXAMPLES
                .iter()
                .map(|(question, query)| Example {
                    question,
                    query,
                    href: link(question),
                })
                .collect(),
        }
    }

    /// The text could not be read.
    pub(super) fn wrong(&mut self, text: &str, error: &QueryError) {
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let (start, end) = (error.place.start, error.place.end);
        self.error = Some(Wrong {
            before: words::end(part(0, start), AROUND),
            marked: words::beginning(part(start, end), AROUND),
            after: words::beginning(part(end, text.len()), AROUND),
            message: words::capital(&words::sentence(&error.message)),
            hint: words::capital(&words::sentence(&error.hint)),
        });
    }

    /// What was found.
    pub(super) fn answer(&mut self, choice: &Choice, answer: SearchAnswer, now: Now<'_>) {
        let reading = &answer.reading;
        // The desk printed it, so it can be read.
        let query = parse(&reading.query)
            .map(|parsed| parsed.query)
            .unwrap_or_default();
        let notes = reading.notes.iter().map(|note| NoteView {
            message: words::capital(&words::sentence(&note.message)),
            mended: note.instead.as_ref().and_then(|instead| {
                let before = choice.q.get(..note.place.start)?;
                let written = choice.q.get(note.place.start..note.place.end)?;
                let after = choice.q.get(note.place.end..)?;
                // An operator alone keeps the value behind it.
                let value = match (instead.strip_suffix(':'), written.split_once(':')) {
                    (Some(_), Some((_, value))) => value,
                    _ => "",
                };
                Some(link(&format!("{before}{instead}{value}{after}")))
            }),
        });
        let here = |sort: Option<Sort>, cursor: Option<&str>| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("q", &choice.q);
            if choice.verbatim == 1 {
                query.append_pair("verbatim", "1");
            }
            if let Some(sort) = sort {
                query.append_pair("sort", sort.word());
            }
            if let Some(zone) = &choice.tz {
                query.append_pair("tz", zone);
            }
            if let Some(cursor) = cursor {
                query.append_pair("cursor", cursor);
            }
            format!("/search?{}", query.finish())
        };
        let sorted = query.sort.or(choice.sort);
        let sorts = [
            Sort::Relevance,
            Sort::Newest,
            Sort::Oldest,
            Sort::Largest,
            Sort::Path,
        ];
        let listed = query.group.is_none() && !query.count && answer.total > 0;
        let sorts = sorts.into_iter().filter(|_| listed && query.sort.is_none());
        let sorts = sorts.map(|sort| Choosable {
            label: sort.word().to_owned(),
            count: 0,
            href: here(Some(sort), None),
            current: sorted == Some(sort),
        });
        let most = answer
            .groups
            .iter()
            .map(|group| group.count)
            .max()
            .unwrap_or(1)
            .max(1);
        let grouped = query.group.map_or("", |group| group.word());
        let groups = answer.groups.iter().map(|group| Group {
            value: group.value.clone(),
            count: group.count,
            percent: group.count * 100 / most,
            href: narrowed(
                &Query {
                    group: None,
                    ..query.clone()
                },
                grouped,
                &group.value,
            ),
        });
        self.answer = Some(AnswerView {
            pills: query.pills().into_iter().map(PillView::new).collect(),
            as_text: link(&reading.query),
            question: reading.question,
            as_words: {
                let mut words = form_urlencoded::Serializer::new(String::new());
                words
                    .append_pair("q", &choice.q)
                    .append_pair("verbatim", "1");
                format!("/search?{}", words.finish())
            },
            left_over: reading.left_over.clone(),
            notes: notes.collect(),
            heading: heading(&query, &answer),
            changes: answer
                .changes
                .as_ref()
                .map(|changes| ChangesView::new(changes, now)),
            stood: answer
                .stood
                .iter()
                .map(|stood| StoodView::new(stood, answer.stood.len() > 1))
                .collect(),
            partial: answer.partial.as_ref().map(|partial| PartialView {
                why: words::sentence(&partial.why),
                done: partial.done,
                of: partial.of,
            }),
            facets: answer
                .facets
                .iter()
                .filter(|facet| !facet.values.is_empty())
                .map(|facet| FacetView::new(facet, &query))
                .collect(),
            groups: groups.collect(),
            group_name: grouped,
            hits: answer
                .hits
                .iter()
                .map(|hit| HitView::new(hit, now))
                .collect(),
            sorts: sorts.collect(),
            relaxed: answer
                .relaxed
                .iter()
                .map(|relaxed| RelaxedView {
                    without: relaxed.without.clone(),
                    total: relaxed.total,
                    href: link(&relaxed.query),
                })
                .collect(),
            unsearched: (answer.unsearched > 0).then(|| Unsearched::new(answer.unsearched)),
            zone: reading.zone.clone(),
            next: answer
                .next_cursor
                .as_deref()
                .map(|cursor| here(choice.sort, Some(cursor))),
            first: choice.cursor.as_ref().map(|_| here(choice.sort, None)),
            query: reading.query.clone(),
        });
    }
}

impl Unsearched {
    fn new(count: u64) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let verb = if count == 1 { "fits" } else { "fit" };
        Self {
            text: format!(
                "{} {verb} otherwise, with text that was not searched.",
                words::count(count, "file")
            ),
            href: link("has:unsearched"),
        }
    }
}

impl PillView {
    fn new(pill: countersign_protocol::query::Pill) -> Self {
        let (operator, value) = match pill.text.split_once(':') {
            Some((operator, value))
                if operator
                    .bytes()
                    .all(|b| b.is_ascii_alphabetic() || b == b'-') =>
            {
                (format!("{operator}:"), value.to_owned())
            }
            _ => (String::new(), pill.text),
        };
        Self {
            operator,
            value,
            href: link(&pill.without.to_string()),
        }
    }
}

impl FacetView {
    fn new(facet: &Facet, query: &Query) -> Self {
        let own: Vec<String> = query.pills().into_iter().map(|pill| pill.text).collect();
        let values = facet.values.iter().map(|value| Choosable {
            label: value.value.clone(),
            count: value.count,
            href: narrowed(query, &facet.operator, &value.value),
            current: own.iter().any(|text| {
                text.strip_prefix(facet.operator.as_str())
                    .and_then(|rest| rest.strip_prefix(':'))
                    .is_some_and(|rest| rest.trim_matches('"') == value.value)
            }),
        });
        Self {
            title: match facet.operator.as_str() {
                "show" => "Show",
                "type" => "Type",
                "ws" => "Workspace",
                "agent" => "Agent",
                "by" => "Person",
                "is" | "has" => "State",
                "decision" => "Decision",
                "risk" => "Risk",
                "class" => "Data class",
                "ext" => "Ending",
                _ => "More",
            },
            values: values.collect(),
        }
    }
}

fn narrowed(query: &Query, operator: &str, value: &str) -> String {
    let narrowed = query.narrowed(operator, value);
    link(&narrowed.unwrap_or_else(|_| query.clone()).to_string())
}

/// `7 files changed since build 318`, `No result`, `At least 1,000 results`.
fn heading(query: &Query, answer: &SearchAnswer) -> String {
    let noun = query
        .show
        .map_or("result", |show| show.word().trim_end_matches('s'));
    let noun = if noun == "refused" {
        "refused delivery"
    } else {
        noun
    };
    let total = usize::try_from(answer.total).unwrap_or(usize::MAX);
    if let Some(changes) = &answer.changes {
        return format!(
            "{} changed since {}",
            words::count(total, "file"),
            changes.since
        );
    }
    // Where only files can be found, they are called so.
    let noun = if answer.stood.is_empty() {
        noun
    } else {
        "file"
    };
    let counted = match total {
        0 => format!("No {noun}"),
        1 => format!("1 {noun}"),
        _ if noun.ends_with('y') => format!("{total} {}ies", noun.trim_end_matches('y')),
        _ => words::count(total, noun),
    };
    if answer.exact || total == 0 {
        counted
    } else {
        format!("At least {counted}")
    }
}

impl Page for SearchPage {
    const TEMPLATE: &'static str = "pages/search.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        found::samples()
    }
}
