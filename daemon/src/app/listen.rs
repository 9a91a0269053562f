//! The sockets of the daemon.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::AppError;

/// Times to look for a port that is free for both families.
const MAX_TRIES: usize = 16;

/// Listens at `address`, and at the same port of the other loopback address: a browser tries both for a name under
/// `localhost`, and whoever listened there would get what is meant for us.
pub(super) async fn bind(
    address: SocketAddr,
) -> Result<(TcpListener, Option<TcpListener>), AppError> {
    let failed = |address| move |source| AppError::Listen { address, source };
    let other: Option<IpAddr> = match address.ip() {
        IpAddr::V4(ip) if ip == Ipv4Addr::LOCALHOST => Some(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip == Ipv6Addr::LOCALHOST => Some(Ipv4Addr::LOCALHOST.into()),
        _ => None,
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let listener = TcpListener::bind(address).await.map_err(failed(address))?;
        let Some(other) = other else {
            return Ok((listener, None));
        };
        let port = listener.local_addr().map_err(failed(address))?.port();
        let other = SocketAddr::new(other, port);
        match TcpListener::bind(other).await {
            Ok(second) => return Ok((listener, Some(second))),
            // A machine without the other family has nobody there either.
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
                return Ok((listener, None));
            }
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                return Ok((listener, None));
            }
            // Another port may be free for both, where any will do.
            Err(_) if address.port() == 0 && tries < MAX_TRIES => {}
            Err(source) => return Err(failed(other)(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_listens_at_the_port_of_the_other_family() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (first, second) = bind(any).await.unwrap();
        let Some(second) = second else {
            return;
        };
        let port = first.local_addr().unwrap().port();
        assert_eq!(second.local_addr().unwrap().port(), port);
        drop(first);
        let taken = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
        assert!(matches!(taken, Err(AppError::Listen { address, .. }) if address.is_ipv6()));
    }
}
