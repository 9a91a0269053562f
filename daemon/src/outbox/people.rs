//! By which way a person is told.

use super::{Inner, MAIL};
use crate::{
    config::{Channel, Person},
    ledger::State,
    message::{Notice, Owed, Recipient, Topic},
};

/// The lane and the address of a person: the first of their ways that works, else the first there is, where the
/// message waits until that works again. `None` for somebody who cannot be told.
pub(super) fn way(
    inner: &Inner,
    state: &State,
    person: &Person,
    topic: Option<Topic>,
) -> Option<(String, Recipient)> {
    let ways = ways(inner, state, person, topic);
    let works = |(lane, _): &&(String, Recipient)| state.receiver_disabled(lane).is_none();
    ways.iter().find(works).or(ways.first()).cloned()
}

/// The same message by the next way, after `failed` did not work for it.
pub(super) fn next_way(inner: &Inner, state: &State, failed: &Owed) -> Option<(String, Recipient)> {
    let person = inner.around.catalog.person(&failed.to.as_ref()?.id)?;
    let topic = failed.notice().and_then(Topic::of);
    let ways = ways(inner, state, person, topic);
    let at = ways.iter().position(|(lane, _)| *lane == failed.lane)?;
    ways.into_iter()
        .skip(at + 1)
        .find(|(lane, _)| state.receiver_disabled(lane).is_none())
}

/// All ways to a person that the configuration has, the best first, of those that they chose for `topic`.
fn ways(
    inner: &Inner,
    state: &State,
    person: &Person,
    topic: Option<Topic>,
) -> Vec<(String, Recipient)> {
    // A disabled account is told nothing.
    if state.is_disabled(person.id.as_str()) {
        return Vec::new();
    }
    let wish = topic.and_then(|topic| state.wish(person.id.as_str(), topic.name()));
    let chosen = |lane: &str| {
        wish.is_none_or(|wish| {
            let any = wish.ways.is_empty() && wish.collected;
            any || wish.ways.iter().any(|way| way == lane)
        })
    };
    let channels = person.channels.value.iter();
    let ways = channels.filter_map(|channel| {
        let lane = match channel.name.as_str() {
            "email" => MAIL,
            name => name,
        };
        let is_there = inner.receivers.iter().any(|one| one.name == lane);
        let wanted = lane != MAIL || !state.mail_stopped(person.id.as_str());
        let to = recipient(person, channel, lane == MAIL)?;
        (is_there && wanted && chosen(lane)).then(|| (lane.to_owned(), to))
    });
    ways.collect()
}

/// Returns why `person` is not told what `notice` says, if so: it is about a workspace that no role of theirs lets them
/// read. A person who is offered a workspace hears of the offer.
pub(super) fn unfit(inner: &Inner, person: &Person, notice: &Notice) -> Option<&'static str> {
    let workspace = notice.workspace.as_str();
    let now = inner.around.clock.now();
    let may_read = workspace.is_empty()
        || notice.offer.is_some()
        || inner
            .around
            .roster
            .may_enter(person.id.as_str(), workspace, now);
    (!may_read).then_some("the person has no role in the workspace")
}

fn recipient(person: &Person, channel: &Channel, by_mail: bool) -> Option<Recipient> {
    let known = person.email.as_ref().map(|email| email.value.as_str());
    let address = channel.address.as_deref();
    let email = address.or(known).filter(|_| by_mail);
    if by_mail && email.is_none() {
        return None;
    }
    Some(Recipient {
        id: person.id.value.to_string(),
        display: person.name.value.clone(),
        email: email.map(str::to_owned),
        address: address.filter(|_| !by_mail).map(str::to_owned),
        zone: person.time_zone.value.zone().iana_name().map(str::to_owned),
    })
}
