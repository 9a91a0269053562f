//! How those who wait for the news are woken.
//!
//! A worker of the runtime that is woken by another thread wakes a second worker before it begins: there may be more
//! to do than it can see. On a machine with two cores that takes about as long as what it was woken for, and the
//! second one finds nothing. A worker that is woken by a descriptor begins at once. So whoever commits alone rings by
//! a descriptor, and a task that listens there wakes those who wait.

use std::{
    io::{self, PipeReader, PipeWriter, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{net::unix::pipe::Receiver, sync::watch};

use crate::store::StoreError;

/// The number of the newest entry, and who is told of it.
#[derive(Debug)]
pub(super) struct Bell {
    head: watch::Sender<u64>,
    cord: (PipeWriter, PipeReader),
    /// Whether somebody listens there.
    is_heard: AtomicBool,
}

impl Bell {
    pub(super) fn new(head: u64) -> Result<(Self, watch::Receiver<u64>), StoreError> {
        let failed = |error: io::Error| StoreError::Failed(format!("no descriptor: {error}"));
        let (end, cord) = io::pipe().map_err(failed)?;
        // Who commits never waits for those who listen.
        rustix::io::ioctl_fionbio(&cord, true).map_err(|error| failed(error.into()))?;
        let (head, seen) = watch::channel(head);
        let bell = Self {
            head,
            cord: (cord, end),
            is_heard: AtomicBool::new(false),
        };
        Ok((bell, seen))
    }

    /// The newest entry is `head`; who looks sees it when this returns. With `is_lone` those who wait are told through
    /// the descriptor.
    pub(super) fn ring(&self, head: u64, is_lone: bool) {
        if is_lone && self.is_heard.load(Ordering::SeqCst) {
            self.head.send_if_modified(|known| {
                *known = head;
                false
            });
            if (&self.cord.0).write(&[1]).is_ok() {
                return;
            }
        }
        self.head.send_replace(head);
    }
}

/// Listens until it is dropped.
pub(super) async fn hear(bell: Arc<Bell>) -> io::Result<()> {
    let cord = Receiver::from_owned_fd(bell.cord.1.try_clone()?.into())?;
    let listening = Listening::begin(bell);
    loop {
        cord.readable().await?;
        match cord.try_read(&mut [0; 64]) {
            Ok(_) => listening.0.head.send_modify(|_| {}),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

struct Listening(Arc<Bell>);

impl Listening {
    fn begin(bell: Arc<Bell>) -> Self {
        bell.is_heard.store(true, Ordering::SeqCst);
        Self(bell)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.is_heard.store(false, Ordering::SeqCst);
        // What was rung for and not heard any more.
        self.0.head.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_told_whether_or_not_somebody_listens() {
        let (bell, mut head) = Bell::new(3).unwrap();
        let bell = Arc::new(bell);
        bell.ring(4, true);
        assert!(head.has_changed().unwrap());
        assert_eq!(*head.borrow_and_update(), 4);
        let listener = tokio::spawn(hear(Arc::clone(&bell)));
        while !bell.is_heard.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        bell.ring(5, true);
        assert_eq!(*head.borrow(), 5, "who looks sees it at once");
        head.changed().await.unwrap();
        head.borrow_and_update();
        bell.ring(6, false);
        assert!(head.has_changed().unwrap());
        head.borrow_and_update();
        listener.abort();
        assert!(listener.await.unwrap_err().is_cancelled());
        assert!(!bell.is_heard.load(Ordering::SeqCst));
        head.borrow_and_update();
        bell.ring(7, true);
        assert!(head.has_changed().unwrap());
    }
}
