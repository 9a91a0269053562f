//! How many children run at a time, and who waits.

use std::sync::{Condvar, Mutex, PoisonError};

/// Who wants a file read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A person waits for the page.
    Person,
    /// The index; it leaves the last place to persons.
    Background,
}

#[derive(Debug, Default)]
struct Taken {
    running: usize,
    waiting: usize,
}

/// The places.
#[derive(Debug)]
pub(super) struct Slots {
    places: usize,
    may_wait: usize,
    taken: Mutex<Taken>,
    freed: Condvar,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(super) fn new(places: usize, may_wait: usize) -> Self {
        Self {
            places: places.max(1),
            may_wait,
            taken: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place; `None` when too many wait already. Every child ends in bounded time, so every
    /// wait does.
    pub(super) fn take(&self, urgency: Urgency) -> Option<Slot<'_>> {
        let places = match urgency {
            Urgency::Person => self.places,
            Urgency::Background => (self.places - 1).max(1),
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.running >= places && taken.waiting >= self.may_wait {
            return None;
        }
        taken.waiting += 1;
        while taken.running >= places {
            taken = self
                .freed
                .wait(taken)
                .unwrap_or_else(PoisonError::into_inner);
        }
        taken.waiting -= 1;
        taken.running += 1;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running -= 1;
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_leaves_a_place_and_the_queue_is_bounded() {
        let slots = Slots::new(2, 0);
        let first = slots.take(Urgency::Background).expect("a place");
        assert!(slots.take(Urgency::Background).is_none());
        let second = slots.take(Urgency::Person).expect("the last place");
        assert!(slots.take(Urgency::Person).is_none());
        drop(first);
        assert!(slots.take(Urgency::Background).is_none(), "a person reads");
        drop(second);
        assert!(slots.take(Urgency::Background).is_some());
    }

    #[test]
    fn who_waits_gets_the_place_that_is_freed() {
        let slots = Slots::new(1, 1);
        let held = slots.take(Urgency::Person).expect("a place");
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take(Urgency::Background).is_some());
            drop(held);
            assert!(waiter.join().unwrap());
        });
    }
}
