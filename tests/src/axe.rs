//! What axe-core finds on a page. It is installed below `target/` when it is missing, and never committed.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use crate::{repo, webdriver::Browser};

/// The release that is installed.
const RELEASE: &str = "axe-core@4.11.0";

/// WCAG 2.2 at level AA, and the best practices of axe.
const RUN: &str = "return axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', \
                   'wcag22aa', 'best-practice'] }).then(found => found.violations.flatMap(one => \
                   one.nodes.map(node => `${one.id}: ${node.target.join(' ')} ${node.failureSummary}`)));";

fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let folder = repo::root().join("target/axe");
        let script: PathBuf = folder.join("node_modules/axe-core/axe.min.js");
        if !script.is_file() {
            let installed = Command::new("npm")
                .args([
                    "install",
                    "--silent",
                    "--no-save",
                    "--ignore-scripts",
                    "--prefix",
                ])
                .arg(&folder)
                .arg(RELEASE)
                .status();
            assert!(
                installed.is_ok_and(|status| status.success()),
                "npm installs {RELEASE}"
            );
        }
        std::fs::read_to_string(script).expect("axe-core has its script")
    })
}

/// What is wrong with the page that `browser` shows, one line each.
pub fn violations(browser: &Browser) -> Vec<String> {
    browser.run(&format!("{}; return null;", source()));
    let found = browser.run(RUN);
    let lines = found.as_array().cloned().unwrap_or_default();
    let lines = lines
        .iter()
        .map(|line| line.as_str().unwrap_or_default().to_owned());
    lines.collect()
}
