//! `countersign search`: ask, and see how it was read and what was found.

use std::ffi::OsString;

use countersign_protocol::query::HitKind;
use countersign_web::desk::{Hit, SearchAnswer, Unmatched};
use serde_json::json;

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, inert},
};

/// The command.
const NAME: &str = "search";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A query or a question; several words need no quotes
    #[arg(required_unless_present = "unmatched")]
    text: Vec<String>,
    /// Take the words as words, even where they could be a question
    #[arg(long)]
    verbatim: bool,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// The time zone that days are counted in, such as `Europe/Zagreb`; else yours in the configuration
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Where the last page ended
    #[arg(long)]
    cursor: Option<String>,
    /// List the questions that no rule understood
    #[arg(long, conflicts_with_all = ["text", "verbatim", "cursor", "tz"])]
    unmatched: bool,
}

/// Puts the options of `countersign search` before its words, wherever they were typed. Words may begin with a hyphen,
/// as in `-is:closed`, so that clap could not tell the two apart. An unknown option with two hyphens stays one, and is
/// refused; behind `--` everything is a word.
pub(super) fn options_first(arguments: Vec<OsString>, tree: clap::Command) -> Vec<OsString> {
    if !arguments.iter().any(|one| one == NAME) {
        return arguments;
    }
    let mut tree = tree;
    tree.build();
    let Some(search) = tree.find_subcommand(NAME) else {
        return arguments;
    };
    let takes_value = |argument: &str| -> Option<bool> {
        let long = argument.strip_prefix("--");
        let short = argument
            .strip_prefix('-')
            .filter(|rest| rest.chars().count() == 1);
        let known = search.get_arguments().find(|known| match long {
            Some(long) => known.get_long() == Some(long.split('=').next().unwrap_or(long)),
            None => {
                short.is_some() && known.get_short() == short.and_then(|rest| rest.chars().next())
            }
        })?;
        Some(known.get_action().takes_values() && !argument.contains('='))
    };
    let mut left = arguments.into_iter();
    let mut before: Vec<OsString> = left.next().into_iter().collect();
    // What stands before the command are options for all commands, and their values.
    loop {
        let Some(argument) = left.next() else {
            return before;
        };
        let is_it = argument == NAME;
        let text = argument.to_string_lossy().into_owned();
        before.push(argument);
        if is_it {
            break;
        }
        if !text.starts_with('-') {
            before.extend(left);
            return before;
        }
        if takes_value(&text) == Some(true) {
            before.extend(left.next());
        }
    }
    let mut words = Vec::new();
    while let Some(argument) = left.next() {
        let text = argument.to_string_lossy().into_owned();
        if text == "--" {
            words.extend(left);
            break;
        }
        match takes_value(&text) {
            Some(with_value) => {
                before.push(argument);
                if with_value {
                    before.extend(left.next());
                }
            }
            None if text.starts_with("--") => before.push(argument),
            None => words.push(argument),
        }
    }
    if !words.is_empty() {
        before.push("--".into());
        before.extend(words);
    }
    before
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    if args.unmatched {
        return unmatched(&client, context);
    }
    let cursor = args
        .cursor
        .as_deref()
        .map_or_else(String::new, |cursor| format!("&cursor={}", encode(cursor)));
    let zone = args
        .tz
        .as_deref()
        .map_or_else(String::new, |zone| format!("&tz={}", encode(zone)));
    let answer: SearchAnswer = client.get(&format!(
        "/api/v1/search?q={}&verbatim={}&limit={}{cursor}{zone}",
        encode(&args.text.join(" ")),
        args.verbatim,
        args.limit
    ))?;
    if context.out.json {
        context.out.object("search", json!({ "answer": answer }));
        return Ok(Exit::Done);
    }
    let read = &answer.reading;
    let query = if read.query.is_empty() {
        "everything"
    } else {
        &read.query
    };
    context.out.remark(&format!("read as  {}", inert(query)));
    if let Some(zone) = &read.zone {
        context.out.remark(&format!("days in {}", inert(zone)));
    }
    for stood in &answer.stood {
        context.out.remark(&format!(
            "{} as it stood at {} (e{})",
            inert(&stood.workspace),
            inert(&stood.label),
            stood.seq
        ));
    }
    if !read.left_over.is_empty() {
        let words = read.left_over.join(", ");
        context
            .out
            .remark(&format!("not understood, ranks only: {}", inert(&words)));
    }
    for note in &read.notes {
        context.out.hint(&inert(&note.message));
    }
    if let Some(partial) = &answer.partial {
        context
            .out
            .hint(&format!("this answer is not complete: {}", partial.why));
    }
    if answer.unsearched > 0 {
        context.out.hint(&format!(
            "{} files fit otherwise and have text that was not searched: `countersign search has:unsearched`",
            answer.unsearched
        ));
    }
    let now = context.clock.now();
    if !answer.groups.is_empty() {
        let mut table = Table::new(&["", "count"]);
        for group in &answer.groups {
            table.row(vec![
                Cell::new(&group.value),
                Cell::new(group.count.to_string()),
            ]);
        }
        context.out.table(&table);
    } else if answer.hits.is_empty() {
        context.out.line(&answer.total.to_string());
    } else {
        let mut table = Table::new(&["kind", "handoff", "what", "by", "when", "entry"]);
        for hit in &answer.hits {
            table.row(row(hit, now));
            let lines = hit.lines.iter().map(|line| {
                let text = format!("{}: {}", line.label(), line.text);
                text.trim_start_matches(": ").to_owned()
            });
            for text in lines.chain(hit.note.clone()) {
                let faint = Cell::new(text).style(Style::Faint);
                let empty = || Cell::new("");
                table.row(vec![empty(), empty(), faint, empty(), empty(), empty()]);
            }
        }
        context.out.table(&table);
    }
    for relaxed in &answer.relaxed {
        context.out.hint(&format!(
            "{} without `{}`: `countersign search '{}'`",
            relaxed.total,
            inert(&relaxed.without),
            inert(&relaxed.query)
        ));
    }
    if let Some(cursor) = &answer.next_cursor {
        context.out.hint(&format!("more with `--cursor {cursor}`"));
    }
    Ok(Exit::Done)
}

fn row(hit: &Hit, now: jiff::Timestamp) -> Vec<Cell> {
    let kind = match hit.kind {
        HitKind::File => hit
            .change
            .map_or("file", countersign_web::desk::Change::word),
        kind => kind.noun(),
    };
    let what = hit.path.as_ref().unwrap_or(&hit.title);
    let by = hit.by.as_ref().or(hit.agent.as_ref());
    vec![
        Cell::new(kind),
        Cell::new(hit.handoff.map_or_else(String::new, |id| id.to_string())).style(Style::Strong),
        Cell::new(what),
        Cell::new(by.map_or("", String::as_str)),
        Cell::two(ago(hit.at, now), hit.at.to_string()),
        Cell::new(match hit.seq {
            0 => String::new(),
            seq => format!("e{seq}"),
        })
        .style(Style::Faint),
    ]
}

fn unmatched(client: &Client, context: &mut Context) -> Result<Exit, Failure> {
    let questions: Vec<Unmatched> = client.get("/api/v1/search/unmatched")?;
    if context.out.json {
        context
            .out
            .object("search", json!({ "unmatched": questions }));
        return Ok(Exit::Done);
    }
    if questions.is_empty() {
        context.out.remark("every question was understood");
        return Ok(Exit::Done);
    }
    let now = context.clock.now();
    let mut table = Table::new(&["times", "asked", "question"]);
    for question in &questions {
        table.row(vec![
            Cell::new(question.count.to_string()),
            Cell::two(ago(question.at, now), question.at.to_string()),
            Cell::new(&question.question),
        ]);
    }
    context.out.table(&table);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_follow_words() {
        for (typed, ordered) in [
            ("search is:snoozed --json", "search --json -- is:snoozed"),
            (
                "search a --limit 3 b --tz=UTC -is:closed",
                "search --limit 3 --tz=UTC -- a b -is:closed",
            ),
            ("--json search a", "--json search -- a"),
            ("--config search search a", "--config search search -- a"),
            ("search a -- --json", "search -- a --json"),
            ("search --unmatched", "search --unmatched"),
            ("search agnet --jsn", "search --jsn -- agnet"),
            ("ls search --json", "ls search --json"),
        ] {
            let arguments = format!("countersign {typed}");
            let arguments = arguments.split(' ').map(OsString::from).collect();
            let found = options_first(arguments, super::super::tree());
            let found: Vec<_> = found.iter().map(|one| one.to_string_lossy()).collect();
            assert_eq!(found.join(" "), format!("countersign {ordered}"));
        }
    }
}
