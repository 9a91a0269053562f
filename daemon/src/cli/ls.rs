//! `countersign ls`: the queue.

use countersign_web::desk::{HandoffRow, Queue, QueueView, RiskLevel};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    client::{Client, encode},
    exit::{Exit, Failure},
    output::{Cell, Style, Table, ago, span},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which part of the queue
    #[arg(long, value_enum, default_value_t)]
    view: View,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Where the last page ended
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum View {
    /// Waits for a person
    #[default]
    Turn,
    /// Waits for others
    Team,
    /// Waits for an agent
    Agents,
    /// Put off
    Snoozed,
    /// Decided
    Decided,
}

impl View {
    fn name(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Team => "team",
            Self::Snoozed => "snoozed",
            Self::Agents => "agents",
            Self::Decided => "decided",
        }
    }

    fn queue(self) -> QueueView {
        match self {
            Self::Turn => QueueView::Turn,
            Self::Team => QueueView::Team,
            Self::Snoozed => QueueView::Snoozed,
            Self::Agents => QueueView::Agents,
            Self::Decided => QueueView::Decided,
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let client = Client::find(context)?;
    let cursor = args
        .cursor
        .as_deref()
        .map_or_else(String::new, |cursor| format!("&cursor={}", encode(cursor)));
    let queue: Queue = client.get(&format!(
        "/api/v1/handoffs?view={}&limit={}{cursor}",
        args.view.name(),
        args.limit
    ))?;
    if context.out.json {
        let items: Vec<_> = queue
            .rows
            .iter()
            .map(|row| {
                let mut item = json!(row);
                item["url"] = Value::from(client.page(row.id));
                item
            })
            .collect();
        let object = json!({
            "items": items,
            "counts": queue.counts,
            "dead_letters": queue.dead_letters.len(),
            "next_cursor": queue.next_cursor,
        });
        context.out.object("ls", object);
        return Ok(Exit::Done);
    }
    if queue.rows.is_empty() && context.out.terminal {
        context.out.remark(match args.view.queue() {
            QueueView::Turn => "nothing waits for you",
            QueueView::Team => "nobody else is asked",
            QueueView::Snoozed => "nothing is put off",
            QueueView::Agents => "nothing waits for an agent",
            QueueView::Decided => "nothing is decided yet",
        });
    } else {
        let now = context.clock.now();
        context.out.table(&table(&queue.rows, now));
    }
    if !queue.dead_letters.is_empty() {
        let count = super::validate::count(queue.dead_letters.len(), "delivery");
        let count = count.replace("deliverys", "deliveries");
        let text = format!("{count} refused: {}/dead-letters", client.url());
        context.out.remark(&text);
    }
    if let Some(cursor) = &queue.next_cursor {
        let view = args.view.name();
        let more = format!("more with `countersign ls --view {view} --cursor {cursor}`");
        context.out.hint(&more);
    }
    Ok(Exit::Done)
}

fn table(rows: &[HandoffRow], now: Timestamp) -> Table {
    let mut table = Table::new(&["due", "risk", "id", "title", "agent", "waiting", ""]);
    for row in rows {
        let due = match row.due_at {
            None => Cell::new(""),
            Some(due) if due <= now => {
                let late = format!("{} late", ago(due, now));
                Cell::two(late, due.to_string()).style(Style::Error)
            }
            Some(due) => Cell::two(span(due.as_second() - now.as_second()), due.to_string()),
        };
        let risk = match row.risk.level {
            RiskLevel::Low => Cell::new("low"),
            RiskLevel::Medium => Cell::two("med", "medium"),
            RiskLevel::High => Cell::new("high").style(Style::Warning),
        };
        let note = if row.stalled {
            "agent silent"
        } else if row.changed_since_my_review {
            "changed"
        } else {
            ""
        };
        table.row(vec![
            due,
            risk,
            Cell::new(row.id.to_string()).style(Style::Strong),
            Cell::new(&row.title),
            Cell::new(&row.agent),
            Cell::two(ago(row.handed_over_at, now), row.handed_over_at.to_string()),
            Cell::new(note),
        ]);
    }
    table
}
