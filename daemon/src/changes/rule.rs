//! Which files a rule watches.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use countersign_protocol::{Digest, names};

use crate::{
    config::{Raise, Trigger, TriggerKind},
    policy::work::Globs,
    walk,
};

/// A rule of the configuration.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) raise: Raise,
    /// A change is told so long after the last one.
    pub(super) quiet: Duration,
    names: Vec<String>,
    files: Globs,
    workspaces: Option<Globs>,
}

impl Rule {
    /// The rule that a trigger is, if it watches files.
    pub(super) fn of(trigger: &Trigger) -> Option<Self> {
        let raise = trigger.raise.as_ref()?.value;
        let workspaces = &trigger.scope.workspace;
        (trigger.kind.value == TriggerKind::FileChanged).then(|| Self {
            name: trigger.name.value.to_string(),
            raise,
            quiet: trigger.quiet.value.0,
            names: trigger.names.clone(),
            files: Globs::new(&trigger.names),
            workspaces: (!workspaces.is_empty()).then(|| Globs::new(workspaces)),
        })
    }

    pub(super) fn is_about(&self, workspace: &str) -> bool {
        let is_listed = |globs: &Globs| globs.matches(workspace);
        self.workspaces.as_ref().is_none_or(is_listed)
    }

    /// Whether it watches the file at `path`, which is none of those that we write.
    pub(super) fn watches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.files.matches(path)
            && !names::is_own_file(name)
            && !path
                .strip_prefix(names::LOCKS)
                .is_some_and(|rest| rest.starts_with('/'))
            && !walk::is_skipped(path.as_ref())
    }

    /// Files and folders of which all that it watches is one or lies below one.
    pub(super) fn roots(&self) -> BTreeSet<PathBuf> {
        let roots = self.names.iter().filter(|name| !name.starts_with('!'));
        let roots: BTreeSet<PathBuf> = roots.map(|name| root_of(name)).collect();
        let is_inner = |root: &PathBuf| {
            let mut above = root.ancestors().skip(1);
            above.any(|one| roots.contains(one))
        };
        roots
            .iter()
            .filter(|root| !is_inner(root))
            .cloned()
            .collect()
    }

    /// What the keys of its values begin with.
    pub(super) fn prefix(&self, workspace: &str) -> String {
        format!("{workspace}/{}/", self.name)
    }

    /// Tells the rule from itself with other names.
    pub(super) fn digest(&self) -> String {
        Digest::of(self.names.join("\n").as_bytes()).to_string()
    }
}

/// The longest path without a wildcard that a pattern of gitignore(5) is bound to.
fn root_of(pattern: &str) -> PathBuf {
    let rooted = pattern.trim_end_matches('/');
    // Without a slash in it, a pattern holds in every folder.
    if !rooted.contains('/') {
        return PathBuf::new();
    }
    let parts = rooted.split('/').filter(|part| !part.is_empty());
    parts
        .take_while(|part| !part.contains(['*', '?', '[', '\\']))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_looked_for_only_where_it_can_match() {
        for (pattern, root) in [
            ("docs/runbook.md", "docs/runbook.md"),
            ("/docs/runbook.md", "docs/runbook.md"),
            ("/runbook.md", "runbook.md"),
            ("deploy/", ""),
            ("/deploy/", "deploy"),
            ("deploy/**/*.yaml", "deploy"),
            ("deploy/v?/x", "deploy"),
            ("**/x", ""),
            ("runbook.md", ""),
            ("*.md", ""),
        ] {
            assert_eq!(root_of(pattern), PathBuf::from(root), "{pattern}");
        }
    }
}
