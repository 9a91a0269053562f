//! `countersign show`: what the review page says, as text.

use countersign_web::desk::{Resolution, Review, threads::Standing};
use serde_json::json;

use super::{
    Context,
    client::Client,
    exit::{Exit, Failure},
    output::{Cell, Style, Table, inert, inert_lines},
    target::TargetArg,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArg,
    /// Another revision than the newest
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let row = args.target.row(context, &client)?;
    let revision = args
        .revision
        .map_or_else(String::new, |revision| format!("?revision={revision}"));
    let review: Review = client.get(&format!("/api/v1/handoffs/{}/review{revision}", row.id))?;
    if context.out.json {
        let object = json!({ "review": review, "url": client.page(row.id) });
        context.out.object("show", object);
        return Ok(Exit::Done);
    }
    text(&review, &client, context);
    Ok(Exit::Done)
}

fn text(review: &Review, client: &Client, context: &mut Context) {
    let row = &review.row;
    let title = context.out.paint(Style::Strong, &inert(&row.title));
    context
        .out
        .line(&format!("{} revision {}  {title}", row.id, review.revision));
    let mut facts = Table::new(&["", ""]);
    let confidence = row
        .confidence
        .map(|stated| format!("{stated} stated, floor {}", row.floor));
    for (label, value) in [
        ("state", Some(row.state.replace('_', " "))),
        ("agent", Some(format!("{} ({})", row.agent, review.sender))),
        (
            "workspace",
            Some(format!("{}/{}", row.workspace, row.folder)),
        ),
        ("asked", Some(review.ask.clone())),
        ("why now", Some(row.why.clone())),
        ("risk", Some(row.risk.reasons.join("; "))),
        ("confidence", confidence),
        ("manifest", Some(review.manifest_sha256.to_string())),
        ("page", Some(client.page(row.id))),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.row(vec![Cell::new(label).style(Style::Faint), Cell::new(value)]);
        }
    }
    context.out.table(&facts);
    if let Some(summary) = &review.summary {
        context.out.line("");
        context.out.line(&inert_lines(summary));
    }
    if let Some(partial) = &row.partial {
        let folder = inert(&partial.seen.folder);
        context.out.line("");
        context.out.line(&format!(
            "{folder}/  {}, {} bytes",
            partial.words(),
            partial.bytes
        ));
        if let Some(end) = &review.partial_end {
            context.out.line(&inert_lines(end));
        }
    }
    if let Some(result) = &review.result {
        context.out.line("");
        let agent = inert(&result.agent);
        context
            .out
            .line(&format!("The result of {agent}, as it stated it"));
        context.out.line(&inert_lines(&result.document));
        for file in &result.files {
            let path = inert(&file.path);
            context
                .out
                .line(&format!("{}  {} bytes  {path}", file.sha256, file.size));
        }
    }
    for (label, lines) in [
        ("done", &review.completed),
        ("left", &review.remaining),
        ("asks", &review.questions),
        ("traps", &review.pitfalls),
    ] {
        if !lines.is_empty() {
            context.out.line("");
            for line in lines {
                context.out.line(&format!("{label}  {}", inert(line)));
            }
        }
    }
    files(review, context);
    checks(review, context);
    threads(review, context);
    if !review.effects.is_empty() {
        let mut effects = Table::new(&["", ""]);
        for effect in &review.effects {
            effects.row(vec![Cell::new(&effect.answer), Cell::new(&effect.text)]);
        }
        context.out.line("");
        context.out.table(&effects);
    }
    if let Some(decision) = &review.decision {
        context.out.line("");
        let word = decision.outcome.word();
        let by = inert(&decision.decided_by.display);
        context.out.line(&format!("{word} by {by}"));
        if let Some(comment) = &decision.comment {
            context.out.line(&inert_lines(comment));
        }
    }
}

fn threads(review: &Review, context: &mut Context) {
    for row in &review.threads {
        let path = row.place.path.as_deref().unwrap_or("the whole");
        let state = match (&row.resolved, row.now.standing) {
            (Some((by, _)), _) => format!("resolved by {}", inert(by)),
            (None, Standing::Here) => "open".to_owned(),
            (None, Standing::Changed) => "open, changed since".to_owned(),
            (None, Standing::Gone) => "open, gone since".to_owned(),
        };
        context.out.line("");
        context.out.line(&format!(
            "thread {}  {} {} (revision {}, {state})",
            row.thread,
            inert(path),
            row.place,
            row.revision
        ));
        for comment in &row.comments {
            let (by, text) = (inert(&comment.by), inert_lines(&comment.text));
            context.out.line(&format!("  {by}: {text}"));
        }
    }
}

/// What was checked, and by whom.
fn checks(review: &Review, context: &mut Context) {
    let mut table = Table::new(&["", ""]);
    for check in &review.checks {
        let (word, style) = match (check.ok, check.verified) {
            (false, _) => ("look", Style::Warning),
            (true, true) => ("checked", Style::Faint),
            (true, false) => ("claimed", Style::Faint),
        };
        let cells = vec![Cell::new(word).style(style), Cell::new(&check.text)];
        table.row(cells);
    }
    for one in &review.evidence {
        let (word, style) = match one.resolution {
            Resolution::Found => ("found", Style::Faint),
            Resolution::Linked => ("linked", Style::Faint),
            Resolution::Unconfirmed | Resolution::Unresolved => ("look", Style::Warning),
        };
        let leads = one.url.as_ref().map(|url| format!(" <{url}>"));
        let from = one.from.as_ref().map(|path| format!(" in {path}"));
        let (from, leads) = (from.unwrap_or_default(), leads.unwrap_or_default());
        let text = format!("{}{from}{leads}: {}", one.text, one.why);
        table.row(vec![Cell::new(word).style(style), Cell::new(text)]);
    }
    context.out.line("");
    context.out.table(&table);
}

fn files(review: &Review, context: &mut Context) {
    if review.files.is_empty() {
        return;
    }
    let mut table = Table::new(&["", "", "", ""]);
    for file in &review.files {
        let note = match (&file.from_path, file.declared, file.kept) {
            (Some(from), ..) => &format!("was {}", inert(from)),
            (None, false, _) => "not named in the handoff",
            (None, true, false) => "kept by digest only",
            (None, true, true) => "",
        };
        table.row(vec![
            Cell::new(file.change.word()),
            Cell::new(&file.path),
            Cell::new(file.size.to_string()),
            Cell::new(note).style(Style::Warning),
        ]);
    }
    context.out.line("");
    context.out.table(&table);
}
