//! Slows down who guesses tokens.

use std::{net::IpAddr, sync::Mutex};

use jiff::Timestamp;

/// Addresses that are remembered at the same time. The one that failed longest ago gives way.
const SLOTS: usize = 256;
/// Failures in a row before an address has to wait.
const BURST: i64 = 10;
/// Seconds after which one failure is forgotten.
const FORGET_SECONDS: i64 = 6;

/// Failed attempts by address, of fixed size: no flood of addresses makes it grow.
///
/// Each slot holds the time at which all failures of the address are forgotten; a failure moves it
/// on by [`FORGET_SECONDS`]. Loopback addresses are never held back, since all programs of this
/// machine share them and one bad token must not lock out the others.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Vec<(IpAddr, i64)>>);

impl Attempts {
    /// Seconds that `address` still has to wait, when it failed too often.
    pub(crate) fn must_wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        let slots = self.lock();
        let (_, clear_at) = slots.iter().find(|(known, _)| *known == address)?;
        let over = clear_at - now.as_second() - (BURST - 1) * FORGET_SECONDS;
        u64::try_from(over).ok().filter(|seconds| *seconds > 0)
    }

    /// Notes a failure of `address`.
    pub(crate) fn failed(&self, address: IpAddr, now: Timestamp) {
        if address.to_canonical().is_loopback() {
            return;
        }
        let now = now.as_second();
        let mut slots = self.lock();
        if let Some((_, clear_at)) = slots.iter_mut().find(|(known, _)| *known == address) {
            *clear_at = (*clear_at).clamp(now, now + BURST * FORGET_SECONDS) + FORGET_SECONDS;
            return;
        }
        if slots.len() == SLOTS
            && let Some(oldest) = (0..SLOTS).min_by_key(|at| slots[*at].1)
        {
            slots.swap_remove(oldest);
        }
        slots.push((address, now + FORGET_SECONDS));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(IpAddr, i64)>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
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
        let attempts = Attempts::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..BURST - 1 {
            attempts.failed(address, at(100));
            assert_eq!(attempts.must_wait(address, at(100)), None);
        }
        attempts.failed(address, at(100));
        assert_eq!(attempts.must_wait(address, at(100)), Some(6));
        assert_eq!(attempts.must_wait(address, at(106)), None);
        assert_eq!(
            attempts.must_wait("192.0.2.2".parse().unwrap(), at(100)),
            None
        );
    }

    #[test]
    fn guessing_for_ever_costs_no_more_than_a_burst_and_no_memory() {
        let attempts = Attempts::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..10_000 {
            attempts.failed(address, at(100));
        }
        assert!(attempts.must_wait(address, at(100)).unwrap() <= 12);
        for number in 0..10_000_u32 {
            attempts.failed(IpAddr::from(number.to_be_bytes()), at(200));
        }
        assert_eq!(attempts.lock().len(), SLOTS);
    }

    #[test]
    fn programs_of_this_machine_do_not_lock_out_each_other() {
        let attempts = Attempts::default();
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let address = address.parse().unwrap();
            for _ in 0..100 {
                attempts.failed(address, at(100));
            }
            assert_eq!(attempts.must_wait(address, at(100)), None);
        }
    }
}
