//! Where the references of an agent lead: by what the operator configured, and by what checks found.

use std::collections::BTreeMap;

use countersign_protocol::{
    contract,
    dialect::{self, Format},
    handoff::Handoff,
    reference::{Reference, references},
};
use countersign_web::desk::{DeskError, EvidenceRef, Resolution};

use super::LedgerDesk;
use crate::{
    config::Resolver,
    ledger::{Card, Revision},
};

/// Files that are looked through for references, at most, and the largest of them in bytes.
const MOST_FILES: usize = 32;
const LARGEST: u64 = contract::MAX_BYTES as u64;
/// Longest words of a check about a reference, in characters.
const LONGEST_WORDS: usize = 200;
/// Most references in all.
const MOST: usize = 64;
/// So much of what a check said is looked through, in bytes.
const SAID: u64 = 64 * 1024;

impl LedgerDesk {
    /// All references of the document and of the JSON and YAML files that go with it, each once, in their order.
    pub(super) async fn evidence(
        &self,
        card: &Card,
        shown: &Revision,
        handoff: Option<&Handoff>,
    ) -> Result<Vec<EvidenceRef>, DeskError> {
        let document = handoff.map(|handoff| references(&handoff.document));
        let mut found: Vec<(Reference, Option<String>)> = document
            .into_iter()
            .flatten()
            .map(|reference| (reference, None))
            .collect();
        let entries = shown.accepted.manifest.entries.iter();
        let readable = entries
            .filter(|entry| entry.kept && entry.size <= LARGEST)
            .filter_map(|entry| Some((entry, format_of(&entry.path)?)));
        for (entry, format) in readable.take(MOST_FILES) {
            let Some(bytes) = self.bytes(entry.sha256, LARGEST).await? else {
                continue;
            };
            let Ok(document) = dialect::read(&bytes, format) else {
                continue;
            };
            for reference in references(&document.value) {
                if !found.iter().any(|(known, _)| *known == reference) {
                    found.push((reference, Some(entry.path.clone())));
                }
            }
        }
        found.truncate(MOST);
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let said = self.said_by_checks(card, shown).await?;
        let told = found.into_iter().map(|(reference, from)| EvidenceRef {
            from,
            ..resolved(&self.resolvers, card, shown, &reference, &said)
        });
        Ok(told.collect())
    }

    /// What those checks said that look for references, by name.
    async fn said_by_checks(
        &self,
        card: &Card,
        shown: &Revision,
    ) -> Result<BTreeMap<String, String>, DeskError> {
        let mut said = BTreeMap::new();
        let checked = card.checked(shown.accepted.revision);
        for result in checked.into_iter().flat_map(|checked| &checked.results) {
            let looks = self
                .resolvers
                .iter()
                .filter_map(|resolver| resolver.check.as_ref())
                .any(|check| check.value.as_str() == result.name);
            if !looks {
                continue;
            }
            let bytes = self.bytes(result.output_sha256, SAID).await?;
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            said.insert(result.name.clone(), text);
        }
        Ok(said)
    }
}

/// What a file is read as, by its name.
fn format_of(path: &str) -> Option<Format> {
    match path.rsplit_once('.')?.1 {
        "json" => Some(Format::Json),
        "yaml" | "yml" => Some(Format::Yaml),
        _ => None,
    }
}

/// What a check said of `reference` in a line of its own: that it found it, or in which words not.
fn said_of<'s>(said: &'s str, reference: &Reference) -> Option<Result<(), &'s str>> {
    said.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(reference.as_str())?;
        let words = rest.strip_prefix(char::is_whitespace)?.trim();
        if words == "found" {
            return Some(Ok(()));
        }
        let why = words.strip_prefix("missing")?;
        Some(Err(why.trim_start_matches([':', ' '])))
    })
}

fn resolved(
    resolvers: &[Resolver],
    card: &Card,
    shown: &Revision,
    reference: &Reference,
    said: &BTreeMap<String, String>,
) -> EvidenceRef {
    let told = |url, resolution, why: String| EvidenceRef {
        text: reference.as_str().to_owned(),
        from: None,
        url,
        resolution,
        why,
    };
    let unresolved = |why: String| told(None, Resolution::Unresolved, why);
    let Some((scheme, id)) = reference.parts() else {
        return unresolved("It has no scheme, such as `trace:`, that says what it is".to_owned());
    };
    let fits = |one: &&Resolver| one.scheme.value.as_str() == scheme;
    let Some(resolver) = resolvers.iter().find(fits) else {
        return unresolved(format!("Nothing here knows what `{scheme}:` refers to"));
    };
    let url = match &resolver.url {
        Some(template) => match template.value.address(id) {
            Some(url) => Some(url),
            None => return unresolved(format!("`{id}` is no name that could be looked up")),
        },
        None => None,
    };
    let Some(check) = &resolver.check else {
        let why = "Nothing has looked whether it is there".to_owned();
        return told(url, Resolution::Linked, why);
    };
    let check = check.value.as_str();
    let accepted = &shown.accepted;
    let Some(checked) = card.checked(accepted.revision) else {
        let why = if accepted.checks.iter().any(|owed| owed.name == check) {
            format!("The check {check} is not over")
        } else {
            format!("The check {check} does not look at this handoff")
        };
        return told(url, Resolution::Unconfirmed, why);
    };
    let own = said.get(check).and_then(|said| said_of(said, reference));
    match own {
        Some(Ok(())) => {
            let why = format!("The check {check} found it");
            return told(url, Resolution::Found, why);
        }
        Some(Err("")) => {
            let why = format!("The check {check} did not find it");
            return told(url, Resolution::Unconfirmed, why);
        }
        Some(Err(words)) => {
            let words: String = words.chars().take(LONGEST_WORDS).collect();
            let why = format!("The check {check} did not find it: {words}");
            return told(url, Resolution::Unconfirmed, why);
        }
        None => {}
    }
    match checked.results.iter().find(|result| result.name == check) {
        Some(result) if result.passed() => told(url, Resolution::Found, result.words()),
        Some(result) => told(url, Resolution::Unconfirmed, result.words()),
        None => {
            let why = format!("The check {check} does not look at this handoff");
            told(url, Resolution::Unconfirmed, why)
        }
    }
}
