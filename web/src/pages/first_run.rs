//! What the queue shows before anything was ever handed over: what is ready, and the next five minutes.

use serde::Serialize;

use crate::desk::Health;

#[derive(Debug, Serialize)]
pub(super) struct FirstRun {
    places: Vec<Place>,
    /// The lines that hand the first thing over, for a shell.
    lines: Option<String>,
}

/// A workspace, and whether it is heard when something is written in it.
#[derive(Debug, Serialize)]
struct Place {
    name: String,
    path: String,
    /// `ok` or `warn`.
    tone: &'static str,
    state: String,
    trouble: Option<String>,
}

impl FirstRun {
    pub(super) fn new(health: &Health) -> Self {
        let places = health.workspaces.iter().map(|one| Place {
            name: one.name.clone(),
            path: one.path.clone(),
            tone: if one.trouble.is_some() || one.mode == "offline" {
                "warn"
            } else {
                "ok"
            },
            state: one.mode.clone(),
            trouble: one.trouble.clone(),
        });
        let first = health.workspaces.first();
        Self {
            places: places.collect(),
            lines: first.map(|one| lines(&one.path)),
        }
    }
}

/// A whole handoff for a shell: a file under another name, then a rename.
fn lines(path: &str) -> String {
    let path = path.replace('\'', "'\\''");
    format!(
        "cd '{path}'\n\
         printf '%s' '{{\"handoff_version\": \"1.0\", \"from_agent\": \"me\", \"task\": \"Try it out\"}}' > handoff.tmp\n\
         mv handoff.tmp handoff.json"
    )
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn the_lines_hold_for_a_folder_of_any_name() {
        let text = lines("/srv/it's here");
        assert!(text.starts_with("cd '/srv/it'\\''s here'\n"), "{text}");
        let document = text
            .split("'%s' '")
            .nth(1)
            .unwrap()
            .split("' >")
            .next()
            .unwrap();
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        assert_eq!(document["handoff_version"], "1.0");
    }
}
