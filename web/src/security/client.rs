//! From where a request comes, and under which name it asks for us.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::{error::Problem, settings::Settings, state::AppState};

/// The other end of the connection. The server puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client behind the connection, after trusted proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// The scheme and host that it asked for, as in `Origin`.
    pub origin: String,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Finds the [`Client`] and refuses names that are not ours: a page of another name that a resolver
/// points here (DNS rebinding) would be of the same origin as us.
pub(crate) async fn check(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
    // A probe asks by an address that no list knows, and learns only whether the daemon lives.
    let probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    match find(&app.settings, peer, request.headers()) {
        Ok(client) if authority_fits(&request, &client) || probe => {
            request.extensions_mut().insert(client);
        }
        Err(_) if probe => {}
        Ok(_) => return misdirected("another name in the request line").into_response(),
        Err(host) => return misdirected(&host).into_response(),
    }
    next.run(request).await
}

/// A request line with a full URL has to name the same host (RFC 9112, section 3.2.2).
fn authority_fits(request: &Request, client: &Client) -> bool {
    request.uri().authority().is_none_or(|authority| {
        client
            .origin
            .split_once("://")
            .is_some_and(|(_, host)| authority.as_str().eq_ignore_ascii_case(host))
    })
}

fn misdirected(host: &str) -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown-host",
        "This name is not served here",
        format!("The request was for `{}`.", host.escape_debug()),
    )
    .hint("Use the address that `countersign open` prints, or set the public URL.")
}

/// The client of a request from `peer`, or the host name that is not ours.
fn find(settings: &Settings, peer: IpAddr, headers: &HeaderMap) -> Result<Client, String> {
    let trusted = settings.trusts(peer);
    let forwarded = |name: &HeaderName| {
        trusted
            .then(|| headers.get(name)?.to_str().ok())
            .flatten()
            .map(str::trim)
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next().map(|host| host.to_str()), hosts.next()) {
        (Some(Ok(host)), None) => host,
        (None, None) => return Err("no host at all".to_owned()),
        _ => return Err("a host that cannot be read".to_owned()),
    };
    let host = forwarded(&FORWARDED_HOST)
        .unwrap_or(host)
        .to_ascii_lowercase();
    let public = settings.public_url.as_ref();
    let by_public = public.is_some_and(|url| {
        let default = if url.https { ":443" } else { ":80" };
        host.strip_suffix(default).unwrap_or(&host) == url.authority
    });
    if !by_public && !is_loopback_name(&host, settings.port) {
        return Err(host);
    }
    let https = match forwarded(&FORWARDED_PROTO) {
        Some(proto) => proto.eq_ignore_ascii_case("https"),
        None => by_public && settings.https() && trusted,
    };
    let origin = match public {
        // A browser leaves out the default port; the public URL is written that way.
        Some(url) if by_public && (https || !url.https) => url.origin(),
        _ => format!("{}://{host}", if https { "https" } else { "http" }),
    };
    let address = trusted
        .then(|| client_address(settings, headers))
        .flatten()
        .unwrap_or(peer);
    Ok(Client { address, origin })
}

/// The last address of the list that is not a proxy of ours: those before it are only claims.
fn client_address(settings: &Settings, headers: &HeaderMap) -> Option<IpAddr> {
    headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.rsplit(','))
        .map_while(|address| address.trim().parse().ok())
        .find(|address: &IpAddr| !settings.trusts(address.to_canonical()))
        .map(|address| address.to_canonical())
}

fn is_loopback_name(host: &str, port: u16) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.strip_prefix(name).is_some_and(|rest| {
            rest.strip_prefix(':')
                .is_some_and(|given| given == port.to_string())
                || (rest.is_empty() && port == 80)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    fn settings(url: Option<&str>) -> Settings {
        Settings {
            public_url: url.map(|url| url.parse().unwrap()),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..Settings::local(7420, Arc::new(|| Timestamp::UNIX_EPOCH))
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn ask(
        url: Option<&str>,
        peer: &str,
        pairs: &[(&'static str, &str)],
    ) -> Option<(String, String)> {
        find(&settings(url), peer.parse().unwrap(), &headers(pairs))
            .ok()
            .map(|client| (client.address.to_string(), client.origin))
    }

    fn is(address: &str, origin: &str) -> (String, String) {
        (address.to_owned(), origin.to_owned())
    }

    #[test]
    fn only_our_names_with_our_port_are_served() {
        for good in [
            "localhost:7420",
            "LOCALHOST:7420",
            "127.0.0.1:7420",
            "[::1]:7420",
        ] {
            let origin = format!("http://{}", good.to_lowercase());
            assert_eq!(
                ask(None, "127.0.0.1", &[("host", good)]),
                Some(is("127.0.0.1", &origin))
            );
        }
        for bad in [
            "localhost",
            "localhost:7421",
            "localhost:07420",
            "evil.example:7420",
            "evil.example",
            "127.0.0.1.evil.example:7420",
            "localhost:7420.evil.example",
            "127.0.0.2:7420",
            "",
            "[::1]7420",
        ] {
            assert_eq!(ask(None, "127.0.0.1", &[("host", bad)]), None, "{bad}");
        }
        assert_eq!(ask(None, "127.0.0.1", &[]), None);
        let twice = [("host", "localhost:7420"), ("host", "localhost:7420")];
        let mut both = HeaderMap::new();
        for (name, value) in twice {
            both.append(name, value.parse().unwrap());
        }
        assert!(find(&settings(None), "127.0.0.1".parse().unwrap(), &both).is_err());
    }

    #[test]
    fn the_public_name_is_served_with_and_without_its_default_port() {
        let url = Some("https://review.example");
        for host in ["review.example", "review.example:443", "Review.Example"] {
            assert_eq!(
                ask(url, "10.0.0.1", &[("host", host)]),
                Some(is("10.0.0.1", "https://review.example"))
            );
        }
        assert_eq!(ask(url, "10.0.0.1", &[("host", "review.example:80")]), None);
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let url = Some("https://review.example");
        let forwarded = [
            ("host", "localhost:7420"),
            ("x-forwarded-for", "198.51.100.9, 203.0.113.5, 10.0.0.7"),
            ("x-forwarded-host", "review.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(
            ask(url, "10.0.0.1", &forwarded),
            Some(is("203.0.113.5", "https://review.example")),
            "what stands before the first strange address is only a claim"
        );
        assert_eq!(
            ask(url, "192.0.2.1", &forwarded),
            Some(is("192.0.2.1", "http://localhost:7420"))
        );
        let rebind = [
            ("host", "review.example"),
            ("x-forwarded-host", "evil.example"),
        ];
        assert_eq!(ask(url, "10.0.0.1", &rebind), None);
        let rubbish = [
            ("host", "review.example"),
            ("x-forwarded-for", "9.9.9.9, nonsense"),
        ];
        assert_eq!(ask(url, "10.0.0.1", &rubbish).unwrap().0, "10.0.0.1");
    }
}
