//! Slows down who guesses tokens and passwords.

use std::{net::IpAddr, sync::Mutex};

use jiff::Timestamp;

/// How failures count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Names that are remembered at the same time. The one that failed longest ago gives way.
    slots: usize,
    /// Failures in a row before a name has to wait.
    burst: i64,
    /// Seconds after which one failure is forgotten.
    forget: i64,
}

impl Pace {
    /// For addresses. Those of this machine are never held back, see [`Attempts::failed_from`].
    pub(crate) const ADDRESS: Self = Self {
        slots: 256,
        burst: 10,
        forget: 6,
    };
    /// For accounts, from wherever the failures come: more than a thousand guesses a day are too many.
    pub(crate) const ACCOUNT: Self = Self {
        slots: 4_096,
        burst: 5,
        forget: 90,
    };
}

/// Failed attempts by name, of fixed size: no flood of names makes it grow.
///
/// Each slot holds the time at which all failures of the name are forgotten; a failure moves it on by
/// [`Pace::forget`].
#[derive(Debug)]
pub(crate) struct Attempts<K> {
    pace: Pace,
    slots: Mutex<Vec<(K, i64)>>,
}

impl<K: PartialEq> Attempts<K> {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            slots: Mutex::default(),
        }
    }

    /// Seconds that `name` still has to wait, when it failed too often.
    pub(crate) fn must_wait(&self, name: &K, now: Timestamp) -> Option<u64> {
        let slots = self.lock();
        let (_, clear_at) = slots.iter().find(|(known, _)| known == name)?;
        let over = clear_at - now.as_second() - (self.pace.burst - 1) * self.pace.forget;
        u64::try_from(over).ok().filter(|seconds| *seconds > 0)
    }

    /// Notes a failure of `name`.
    pub(crate) fn failed(&self, name: K, now: Timestamp) {
        let Pace {
            slots: most,
            burst,
            forget,
        } = self.pace;
        let now = now.as_second();
        let mut slots = self.lock();
        if let Some((_, clear_at)) = slots.iter_mut().find(|(known, _)| *known == name) {
            *clear_at = (*clear_at).clamp(now, now + burst * forget) + forget;
            return;
        }
        if slots.len() == most
            && let Some(oldest) = (0..most).min_by_key(|at| slots[*at].1)
        {
            slots.swap_remove(oldest);
        }
        slots.push((name, now + forget));
    }

    /// Forgets the failures of `name`: it was right this time.
    pub(crate) fn succeeded(&self, name: &K) {
        self.lock().retain(|(known, _)| known != name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(K, i64)>> {
        self.slots
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Attempts<IpAddr> {
    /// Notes a failure from `address`. All programs of this machine share the loopback addresses, and one bad
    /// token must not lock out the others.
    pub(crate) fn failed_from(&self, address: IpAddr, now: Timestamp) {
        if !address.to_canonical().is_loopback() {
            self.failed(address, now);
        }
    }
}

#[cfg(test)]
mod tests;
