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
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn after_a_burst_an_address_waits_and_then_may_again() {
        let attempts = Attempts::new(Pace::ADDRESS);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..Pace::ADDRESS.burst - 1 {
            attempts.failed(address, at(100));
            assert_eq!(attempts.must_wait(&address, at(100)), None);
        }
        attempts.failed(address, at(100));
        assert_eq!(attempts.must_wait(&address, at(100)), Some(6));
        assert_eq!(attempts.must_wait(&address, at(106)), None);
        assert_eq!(
            attempts.must_wait(&"192.0.2.2".parse().unwrap(), at(100)),
            None
        );
    }

    #[test]
    fn guessing_for_ever_costs_no_more_than_a_burst_and_no_memory() {
        let attempts = Attempts::new(Pace::ADDRESS);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..10_000 {
            attempts.failed(address, at(100));
        }
        assert!(attempts.must_wait(&address, at(100)).unwrap() <= 12);
        for number in 0..10_000_u32 {
            attempts.failed(IpAddr::from(number.to_be_bytes()), at(200));
        }
        assert_eq!(attempts.lock().len(), Pace::ADDRESS.slots);
    }

    #[test]
    fn programs_of_this_machine_do_not_lock_out_each_other() {
        let attempts = Attempts::new(Pace::ADDRESS);
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let address = address.parse().unwrap();
            for _ in 0..100 {
                attempts.failed_from(address, at(100));
            }
            assert_eq!(attempts.must_wait(&address, at(100)), None);
        }
    }

    #[test]
    fn who_knows_the_password_in_the_end_need_not_wait_the_next_time() {
        let attempts = Attempts::new(Pace::ACCOUNT);
        let maya = "maya".to_owned();
        for _ in 0..Pace::ACCOUNT.burst {
            attempts.failed(maya.clone(), at(100));
        }
        assert_eq!(attempts.must_wait(&maya, at(100)), Some(90));
        assert_eq!(attempts.must_wait(&maya, at(190)), None);
        attempts.succeeded(&maya);
        attempts.failed(maya.clone(), at(190));
        assert_eq!(attempts.must_wait(&maya, at(190)), None);
    }
}
