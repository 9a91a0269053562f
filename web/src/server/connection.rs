//! One connection: HTTP/1.1 with a deadline on every wait.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::debug;

use super::{
    Limits,
    deadline::{BodyDeadline, WriteDeadline},
    seats::Seat,
};
use crate::{live::Stopping, security::Peer};

/// Time for the end of an answer to a client that must leave.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(100);
/// The most that the header of a request may take, in bytes.
const HEADER_BYTES: usize = 32 * 1024;
/// The most fields that the header of a request may have.
const HEADER_FIELDS: usize = 64;

/// Serves one connection until it ends, its client is too slow, or `hard`. From `soft` on it takes no
/// new request and its live streams end. When its seat must be left it ends with the answer that is on its way.
pub(super) async fn serve<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    seat: Arc<Seat>,
    (soft, hard): (CancellationToken, CancellationToken),
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stopping = Stopping(soft.clone());
    let (begins, ends) = (Arc::clone(&seat), Arc::clone(&seat));
    let service = router.map_request(move |request: Request<Incoming>| {
        begins.note(true);
        let mut request = request.map(|body| Body::new(BodyDeadline::new(body, limits.body)));
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(stopping.clone());
        request.extensions_mut().insert(begins.known.clone());
        request
    });
    let service = service.map_response(move |response| {
        ends.note(false);
        response
    });
    let stream = TokioIo::new(WriteDeadline::new(stream, limits.stall));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .max_buf_size(HEADER_BYTES)
            .max_headers(HEADER_FIELDS)
            .serve_connection(stream, TowerToHyperService::new(service))
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = seat.leave.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = hard.cancelled() => Ok(()),
                // Half a header, or a body that does not come.
                () = sleep(LEAVE_TIMEOUT), if !seat.is_known() => Ok(()),
            }
        }
        () = soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = hard.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, %peer, "a connection ended early");
    }
}
