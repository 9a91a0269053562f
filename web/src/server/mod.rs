//! The accept loop: how many may come, how slow they may be, and how it ends.
//!
//! `axum::serve` waits for ever for the end of a header, so one client with half-sent requests could
//! take every descriptor of the process, and intake would stand still. Here every wait has an end and
//! the number of connections leaves room for intake.

mod brought;
mod connection;
mod deadline;
mod seats;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use brought::Connection;
use ipnet::IpNet;
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

pub use brought::bring;
pub(crate) use seats::Known;
use seats::Seats;

/// Descriptors that are kept free for intake, the ledger and the watches.
const RESERVED_DESCRIPTORS: u64 = 64;
/// After a failed accept, in the worst case that long until the next.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// Interval between two evictions while a connection waits for a place.
const EVICTION_INTERVAL: Duration = Duration::from_millis(10);

/// What the clients of one listener may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time. One more takes the place of an idle one, or waits with those in the queue of the
    /// kernel.
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
    mut listeners: (TcpListener, Option<TcpListener>),
    router: Router,
    limits: Limits,
    cancel: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let seats = Seats::default();
    let mut number = 0;
    let addresses = Addresses::default();
    let tasks = TaskTracker::new();
    let hard = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            accepted = next(&mut listeners) => accepted,
        };
        let (stream, peer) = accepted;
        let address = peer.ip().to_canonical();
        let Some(counted) = addresses.enter(address, limits.most_from(address)) else {
            debug!(%address, "too many connections from one address");
            continue;
        };
        let place = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            place = place(&places, &seats) => place,
        };
        number += 1;
        let seated = seats.add(number);
        // Answers are written whole; waiting to fill a packet only makes them late.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let served = connection::serve(
            stream,
            peer,
            router.clone(),
            limits.clone(),
            Arc::clone(&seated.seat),
            (cancel.clone(), hard.clone()),
        );
        tasks.spawn(Connection::new(async move {
            served.await;
            drop((place, counted, seated));
        }));
    }
    drop(listeners);
    tasks.close();
    if timeout(limits.grace, tasks.wait()).await.is_err() {
        warn!(open = tasks.len(), "connections did not end in time");
        hard.cancel();
        tasks.wait().await;
    }
}

/// Accepts the next connection of any of the listeners.
async fn next((first, second): &mut (TcpListener, Option<TcpListener>)) -> (TcpStream, SocketAddr) {
    let mut back_off = Duration::from_millis(10);
    loop {
        let accepted = match second {
            None => first.accept().await,
            Some(second) => tokio::select! {
                accepted = first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
        };
        match accepted {
            Ok(accepted) => return accepted,
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

/// Waits for a place; while there is none, idle connections are closed one by one.
async fn place(places: &Arc<Semaphore>, seats: &Seats) -> OwnedSemaphorePermit {
    let mut waiting = pin!(Arc::clone(places).acquire_owned());
    loop {
        // A place that is free is taken at the first look.
        let waited = tokio::select! {
            biased;
            place = waiting.as_mut() => place,
            () = async { seats.evict(); sleep(EVICTION_INTERVAL).await } => continue,
        };
        match waited {
            Ok(place) => return place,
            // The semaphore is never closed; without a permit there is nothing to wait for either.
            Err(_) => return std::future::pending().await,
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
