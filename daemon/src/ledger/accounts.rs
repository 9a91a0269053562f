//! Disabled accounts, as the entries tell. An account itself stands beside the chain.

use std::collections::{BTreeMap, BTreeSet};

use countersign_protocol::{event::AccountChange, principal::Actor};

use super::{Card, CardVote, State};

/// The disabled accounts, now and at earlier entries.
#[derive(Clone, Debug, Default)]
pub(super) struct DisabledAccounts {
    now: BTreeSet<String>,
    /// The entries that disabled (`true`) or enabled an account, oldest first.
    history: BTreeMap<String, Vec<(u64, bool)>>,
    /// Who invited each guest: a guest may no more than their host.
    hosts: BTreeMap<String, String>,
}

impl DisabledAccounts {
    pub(super) fn apply(
        &mut self,
        (seq, by): (u64, &Actor),
        account: &str,
        change: &AccountChange,
    ) {
        let is_disabled = match change {
            AccountChange::Disabled => true,
            AccountChange::Enabled => false,
            AccountChange::Invited { .. } => {
                if let Actor::Person { id, .. } = by {
                    self.hosts.insert(account.to_owned(), id.clone());
                }
                return;
            }
            _ => return,
        };
        if is_disabled {
            self.now.insert(account.to_owned());
        } else {
            self.now.remove(account);
        }
        let history = self.history.entry(account.to_owned()).or_default();
        history.push((seq, is_disabled));
    }

    /// The account that decides whether `account` is disabled: for a guest that of their host.
    fn deciding<'a>(&'a self, account: &'a str) -> &'a str {
        self.hosts.get(account).map_or(account, String::as_str)
    }

    fn is_disabled(&self, account: &str) -> bool {
        self.now.contains(self.deciding(account))
    }

    fn was_disabled(&self, account: &str, before: u64) -> bool {
        let account = self.deciding(account);
        let history = self.history.get(account).into_iter().flatten();
        let earlier = history.take_while(|(seq, _)| *seq < before);
        earlier.last().is_some_and(|(_, disabled)| *disabled)
    }
}

impl State {
    /// Returns the ids of the people whose account is disabled.
    pub fn disabled_accounts(&self) -> &BTreeSet<String> {
        &self.disabled_accounts.now
    }

    /// Returns whether the account of the person `id` is disabled; of a guest, that of their host.
    pub fn is_disabled(&self, id: &str) -> bool {
        self.disabled_accounts.is_disabled(id)
    }

    /// Returns whether the account was disabled when the entry `before` was written. The answer stays the same when
    /// the account changes later.
    pub(super) fn was_disabled(&self, id: &str, before: u64) -> bool {
        self.disabled_accounts.was_disabled(id, before)
    }

    /// Returns the votes about the newest revision that count: those of people whose account is not disabled.
    pub fn counted_votes<'c>(&self, card: &'c Card) -> impl Iterator<Item = &'c CardVote> {
        let votes = card.votes.iter();
        votes.filter(|vote| !self.is_disabled(&vote.person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_when_accounts_were_disabled() {
        let mut accounts = DisabledAccounts::default();
        for (seq, change) in [
            (3, AccountChange::Made),
            (5, AccountChange::Disabled),
            (9, AccountChange::Enabled),
        ] {
            accounts.apply((seq, &Actor::Daemon), "kim", &change);
        }
        assert!(accounts.now.is_empty());
        let disabled_before = |seq| accounts.was_disabled("kim", seq);
        assert_eq!(
            [4, 5, 6, 9, 10].map(disabled_before),
            [false, false, true, true, false]
        );
        assert!(!accounts.was_disabled("sam", 10));
    }
}
