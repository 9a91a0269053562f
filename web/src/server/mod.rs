//! The accept loop: how many may come, how slow they may be, and how it ends.
//!
//! `axum::serve` waits for ever for the end of a header, so one client with half-sent requests could
//! take every descriptor of the process, and intake would stand still. Here every wait has an end and
//! the number of connections leaves room for intake.

mod brought;
mod connection;
mod deadline;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use brought::Connection;
use ipnet::IpNet;
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

pub use brought::bring;

/// Descriptors that are kept free for intake, the ledger and the watches.
const RESERVED_DESCRIPTORS: u64 = 64;
/// After a failed accept, in the worst case that long until the next.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// What the clients of one listener may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time. More wait in the queue of the kernel.
    pub connections: usize,
    /// Connections at the same time from one address. More are closed at once.
    pub per_address: usize,
    /// Addresses for which `per_address` does not hold: trusted proxies. Loopback is always exempt.
    pub exempt: Vec<IpNet>,
    /// From the first look at a connection, or the end of an answer, to the end of the next header.
    pub header: Duration,
    /// From the end of the header to the end of the body.
    pub body: Duration,
    /// How long a client may take nothing of an answer that is ready.
    pub stall: Duration,
    /// From the soft stop, which ends idle connections and live streams, to the hard one.
    pub grace: Duration,
}

impl Limits {
    /// The defaults, made smaller where this process may open few files.
    pub fn of_process() -> Self {
        Self {
            connections: connections_for(getrlimit(Resource::Nofile).current),
            per_address: 16,
            exempt: Vec::new(),
            header: Duration::from_secs(10),
            body: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }

    /// A fair number of live streams for people, and for agents: a quarter of all connections.
    pub fn streams(&self) -> usize {
        (self.connections / 4).max(1)
    }

    fn most_from(&self, address: IpAddr) -> usize {
        let exempt = self.exempt.iter().any(|net| net.contains(&address));
        if address.is_loopback() || exempt {
            usize::MAX
        } else {
            self.per_address
        }
    }
}

/// Each connection may open one file while it is answered, so it counts twice.
fn connections_for(descriptors: Option<u64>) -> usize {
    let free = descriptors
        .unwrap_or(u64::MAX)
        .saturating_sub(RESERVED_DESCRIPTORS);
    usize::try_from(free / 2)
        .unwrap_or(usize::MAX)
        .clamp(4, 256)
}

/// Serves `router` until `cancel`, then stops softly and after [`Limits::grace`] hard. Never ends by
/// itself: an accept that fails is logged and tried again.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    limits: Limits,
    cancel: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Addresses::default();
    let tasks = TaskTracker::new();
    let hard = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            accepted = next(&mut listener, &places) => accepted,
        };
        let (stream, peer, place) = accepted;
        let address = peer.ip().to_canonical();
        let Some(counted) = addresses.enter(address, limits.most_from(address)) else {
            debug!(%address, "too many connections from one address");
            continue;
        };
        // Answers are written whole; waiting to fill a packet only makes them late.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let served = connection::serve(
            stream,
            peer,
            router.clone(),
            limits.clone(),
            cancel.clone(),
            hard.clone(),
        );
        tasks.spawn(Connection::new(async move {
            served.await;
            drop((place, counted));
        }));
    }
    drop(listener);
    tasks.close();
    if timeout(limits.grace, tasks.wait()).await.is_err() {
        warn!(open = tasks.len(), "connections did not end in time");
        hard.cancel();
        tasks.wait().await;
    }
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &mut TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let mut back_off = Duration::from_millis(10);
    loop {
        // The semaphore is never closed; without a permit there is nothing to wait for either.
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                // EMFILE, ENFILE, ENOBUFS: it passes when something is closed.
                warn!(%error, "cannot accept a connection");
                sleep(back_off).await;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Open connections by address.
#[derive(Clone, Debug, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One counted connection; dropping it gives the place back.
#[derive(Debug)]
struct Counted {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Counted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted {
            addresses: self.clone(),
            address,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
