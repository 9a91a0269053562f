//! How those who wait for the news are woken.

use std::sync::OnceLock;

use tokio::sync::watch;

/// Lets what it is given wake those who wait, and sees to it that they hear soon.
type Bringer = Box<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// The number of the newest entry, and who is told of it.
pub(super) struct Bell {
    head: watch::Sender<u64>,
    bringer: OnceLock<Bringer>,
}

impl Bell {
    pub(super) fn new(head: u64) -> (Self, watch::Receiver<u64>) {
        let (head, seen) = watch::channel(head);
        let bringer = OnceLock::new();
        (Self { head, bringer }, seen)
    }

    /// Lets `bringer` tell of commits that come alone. Only the first one is taken.
    pub(super) fn bring_by(&self, bringer: Bringer) {
        let _ = self.bringer.set(bringer);
    }

    /// The newest entry is `head`. With `is_lone` those who wait may be served before this returns.
    pub(super) fn ring(&self, head: u64, is_lone: bool) {
        let mut ring = || {
            self.head.send_replace(head);
        };
        match self.bringer.get().filter(|_| is_lone) {
            Some(bring) => bring(&mut ring),
            None => ring(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn what_came_alone_is_brought_and_everybody_is_told_of_all() {
        let (bell, mut head) = Bell::new(3);
        bell.ring(4, true);
        assert_eq!(*head.borrow_and_update(), 4);
        let brought = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&brought);
        bell.bring_by(Box::new(move |ring| {
            ring();
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        bell.ring(5, false);
        assert_eq!(brought.load(Ordering::SeqCst), 0);
        assert_eq!(*head.borrow_and_update(), 5);
        bell.ring(6, true);
        assert_eq!(brought.load(Ordering::SeqCst), 1);
        assert!(head.has_changed().unwrap());
        assert_eq!(*head.borrow_and_update(), 6);
    }
}
