//! Where the references of an agent lead: by what the operator configured, and by what checks found.

use countersign_protocol::{
    handoff::Handoff,
    reference::{Reference, references},
};
use countersign_web::desk::{EvidenceRef, Resolution};

use crate::{
    config::Resolver,
    ledger::{Card, Revision},
};

/// All references of the document, in their order.
pub(super) fn evidence(
    resolvers: &[Resolver],
    card: &Card,
    shown: &Revision,
    handoff: &Handoff,
) -> Vec<EvidenceRef> {
    references(&handoff.document)
        .iter()
        .map(|reference| resolved(resolvers, card, shown, reference))
        .collect()
}

fn resolved(
    resolvers: &[Resolver],
    card: &Card,
    shown: &Revision,
    reference: &Reference,
) -> EvidenceRef {
    let told = |url, resolution, why: String| EvidenceRef {
        text: reference.as_str().to_owned(),
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
    match checked.results.iter().find(|result| result.name == check) {
        Some(result) if result.passed() => told(url, Resolution::Found, result.words()),
        Some(result) => told(url, Resolution::Unconfirmed, result.words()),
        None => {
            let why = format!("The check {check} does not look at this handoff");
            told(url, Resolution::Unconfirmed, why)
        }
    }
}
