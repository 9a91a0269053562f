//! Events and numbers, for those who watch over the program.

use async_trait::async_trait;
use countersign_protocol::{access::Permission, log::LogLine};
use countersign_web::desk::{Caller, DeskError, ObserveDesk, Person, observe::LogQuery};

use super::{LedgerDesk, access::may_know};

/// Entries that are looked at in one go, however few of them are wanted.
const PAGE: usize = 1_000;

#[async_trait]
impl ObserveDesk for LedgerDesk {
    async fn log(
        &self,
        who: &Caller,
        query: &LogQuery,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<LogLine>, u64), DeskError> {
        let mut lines = Vec::new();
        let mut after = after;
        loop {
            let entries = self.ledger.entries(after, PAGE).await;
            let entries = entries.map_err(|error| DeskError::Unavailable(error.to_string()))?;
            let state = self.ledger.state();
            for entry in &entries {
                after = entry.body.seq;
                if matches!(who, Caller::Agent(_)) && entry.body.event.stays_at_desk() {
                    continue;
                }
                let line = state.log_line(&entry.body, entry.hash);
                if may_know(who, line.workspace.as_deref()) && query.wants(&line) {
                    lines.push(line);
                }
                if lines.len() >= limit {
                    return Ok((lines, after));
                }
            }
            if entries.is_empty() {
                return Ok((lines, after));
            }
        }
    }

    async fn metrics(&self, who: Option<&Person>) -> Result<String, DeskError> {
        let caller = who.map(|person| Caller::Person(person.clone()));
        if let Some(caller) = &caller {
            self.check_anywhere(caller, Permission::Activity)?;
        }
        let text = self.gauges.read().await.map_err(DeskError::Unavailable)?;
        Ok(match caller {
            Some(caller) => visible_lines(&text, &|workspace| {
                caller.may(Permission::Activity, workspace)
            }),
            None => text,
        })
    }
}

/// The lines of metrics about workspaces, or about none, for which `may` holds.
fn visible_lines(text: &str, may: &dyn Fn(Option<&str>) -> bool) -> String {
    let is_visible = |line: &&str| {
        // What a number is says nothing about anybody.
        line.starts_with('#') || may(workspace_of(line))
    };
    let lines = text.split_inclusive('\n').filter(is_visible);
    lines.collect()
}

/// The label `workspace` of a line; names of workspaces have no characters that would be escaped.
fn workspace_of(line: &str) -> Option<&str> {
    let (labels, _) = line.split_once('}')?;
    let (_, from) = labels.split_once("workspace=\"")?;
    let (name, _) = from.split_once('"')?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_those_of_workspaces_that_one_may_know() {
        let text = "# HELP a Things\na{workspace=\"alpha\"} 1\na{state=\"x\",workspace=\"beta\"} 2\nb{stage=\"y\"} 3\nc 4\nd{workspace=\"\"} 5\n";
        let alone = visible_lines(text, &|workspace| workspace == Some("alpha"));
        assert_eq!(alone, "# HELP a Things\na{workspace=\"alpha\"} 1\n");
        assert_eq!(visible_lines(text, &|_| true), text);
        let none = visible_lines(text, &|workspace| workspace.is_none());
        assert!(
            !none.contains("alpha") && none.contains("c 4\nd{"),
            "{none}"
        );
    }
}
