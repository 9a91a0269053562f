//! Connections that are served by whoever brings news for them.
//!
//! A task of the runtime that is woken by another thread waits for a worker to wake up, which takes about as long as
//! what it has to do. So who has news may bring it: the connections that it wakes are served at once, on the thread
//! that brings it, and only what else it wakes is left to the runtime. A connection is served by one thread at a time,
//! whichever it is, and nobody can tell the difference. See `docs/decisions/0035-brought-news.md`.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use tokio::runtime::Handle;

/// Connections that are served by who brings news; the others of very many are the runtime's.
const MOST: usize = 4;

thread_local! {
    /// What was woken by news that this thread brings at the moment.
    static WOKEN: RefCell<Option<Vec<Arc<dyn Serve>>>> = const { RefCell::new(None) };
}

/// Lets `news` wake connections, and serves the first few of them before it returns. The caller holds no lock that a
/// request waits for other than by way of the runtime.
pub fn bring(runtime: &Handle, news: impl FnOnce()) {
    WOKEN.set(Some(Vec::new()));
    let brought = catch_unwind(AssertUnwindSafe(news));
    let woken = WOKEN.take().unwrap_or_default();
    let _entered = runtime.enter();
    for (at, one) in woken.into_iter().enumerate() {
        if at < MOST {
            one.serve();
        } else {
            one.leave();
        }
    }
    if let Err(defect) = brought {
        std::panic::resume_unwind(defect);
    }
}

trait Serve: Send + Sync {
    /// Goes on with it in this thread, unless another one is at it.
    fn serve(self: Arc<Self>);
    /// Leaves it to the runtime.
    fn leave(&self);
}

type Held<F> = Option<Pin<Box<F>>>;

struct Shared<F> {
    /// `None` once it is over.
    work: Mutex<Held<F>>,
    task: AtomicWaker,
}

impl<F: Future<Output = ()> + Send + 'static> Shared<F> {
    fn go_on(self: &Arc<Self>, mut work: MutexGuard<'_, Held<F>>) -> Poll<()> {
        let Some(future) = work.as_mut() else {
            return Poll::Ready(());
        };
        let waker = Waker::from(Arc::clone(self));
        let went = future.as_mut().poll(&mut Context::from_waker(&waker));
        if went.is_ready() {
            *work = None;
        }
        went
    }
}

impl<F: Future<Output = ()> + Send + 'static> Serve for Shared<F> {
    fn serve(self: Arc<Self>) {
        let work = match self.work.try_lock() {
            Ok(work) => work,
            // Woken while it is at it, the runtime comes back to it.
            Err(TryLockError::WouldBlock) => return self.leave(),
            Err(TryLockError::Poisoned(_)) => return,
        };
        // A defect ends this connection, and nothing of whoever brings the news.
        let went = catch_unwind(AssertUnwindSafe(|| self.go_on(work)));
        if !matches!(went, Ok(Poll::Pending)) {
            self.leave();
        }
    }

    fn leave(&self) {
        self.task.wake();
    }
}

impl<F: Future<Output = ()> + Send + 'static> Wake for Shared<F> {
    fn wake(self: Arc<Self>) {
        let left = WOKEN.with_borrow_mut(|woken| match woken {
            Some(woken) => {
                woken.push(self);
                None
            }
            None => Some(self),
        });
        if let Some(me) = left {
            me.leave();
        }
    }
}

/// The task of a connection.
pub(super) struct Connection<F>(Arc<Shared<F>>);

impl<F: Future<Output = ()> + Send + 'static> Connection<F> {
    pub(super) fn new(work: F) -> Self {
        Self(Arc::new(Shared {
            work: Mutex::new(Some(Box::pin(work))),
            task: AtomicWaker::new(),
        }))
    }
}

impl<F: Future<Output = ()> + Send + 'static> Future for Connection<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.task.register(cx.waker());
        match self.0.work.lock() {
            Ok(work) => self.0.go_on(work),
            // A defect was met by who brought news.
            Err(_) => Poll::Ready(()),
        }
    }
}

impl<F> Drop for Connection<F> {
    fn drop(&mut self) {
        // What still holds a waker holds nothing of the connection.
        *self.0.work.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;

    use super::*;

    /// Counts news; one number is a defect to it.
    async fn listener(mut head: watch::Receiver<u64>, told: Arc<AtomicUsize>) {
        while head.changed().await.is_ok() {
            assert_ne!(*head.borrow_and_update(), 13, "a defect");
            told.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn tell(head: &watch::Sender<u64>, news: u64) {
        head.send_replace(news);
    }

    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_brings_news_serves_the_first_few_before_it_goes_on() {
        let (head, seen) = watch::channel(0);
        let all: Vec<_> = (0..MOST + 2)
            .map(|_| Arc::<AtomicUsize>::default())
            .collect();
        let count = || {
            all.iter()
                .map(|one| one.load(Ordering::SeqCst))
                .sum::<usize>()
        };
        for one in &all {
            let work = listener(seen.clone(), Arc::clone(one));
            tokio::spawn(Connection::new(work));
        }
        // Each has its turn once, and waits then.
        tokio::task::yield_now().await;
        let runtime = Handle::current();
        bring(&runtime, || tell(&head, 1));
        assert_eq!(count(), MOST, "the runtime had no turn yet");
        until(|| count() == MOST + 2).await;
        // What is told otherwise is told by the runtime.
        head.send_replace(2);
        assert_eq!(count(), MOST + 2);
        until(|| count() == 2 * (MOST + 2)).await;
    }

    #[tokio::test]
    async fn a_connection_ends_for_the_runtime_too() {
        let (head, seen) = watch::channel(0);
        let told = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(Connection::new(listener(seen, Arc::clone(&told))));
        tokio::task::yield_now().await;
        bring(&Handle::current(), || drop(head));
        task.await.unwrap();
        assert_eq!(told.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_defect_ends_its_connection_alone() {
        let (head, seen) = watch::channel(0);
        let (told, other) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let task = tokio::spawn(Connection::new(listener(seen.clone(), told)));
        let sound = {
            let other = Arc::clone(&other);
            async move {
                let mut seen = seen;
                while seen.changed().await.is_ok() {
                    other.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let kept = tokio::spawn(Connection::new(sound));
        tokio::task::yield_now().await;
        bring(&Handle::current(), || tell(&head, 13));
        task.await.unwrap();
        assert!(!kept.is_finished());
        assert_eq!(other.load(Ordering::SeqCst), 1);
        drop(head);
        kept.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_dropped_is_let_go_of_though_its_waker_is_held() {
        let (head, seen) = watch::channel(0);
        let held = Arc::new(());
        let work = {
            let held = Arc::clone(&held);
            async move {
                let mut seen = seen;
                while seen.changed().await.is_ok() {}
                drop(held);
            }
        };
        let task = tokio::spawn(Connection::new(work));
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&held), 1);
        bring(&Handle::current(), || tell(&head, 1));
    }
}
