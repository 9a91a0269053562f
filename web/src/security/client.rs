//! From where a request comes, and under which name it asks for us.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::Request;
use http::{Extensions, HeaderMap, HeaderName, StatusCode, header};

use crate::{
    error::Problem,
    settings::{PublicUrl, Settings},
};

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
    /// By which of our names.
    pub place: Place,
}

/// A kind of name under which we are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The public URL, a proxy, or every name where there is no own host.
    Public,
    /// The loopback address or `localhost`, without a proxy: programs use it, and browsers only to be sent on.
    Address,
    /// The host that nobody else has (`own_host`).
    Own,
}

impl Place {
    /// Returns the place of the request with these `extensions`.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let client = extensions.get::<Client>();
        client.map_or(Self::Public, |client| client.place)
    }
}

/// The scheme and host of the public URL. A page there is ours, also where a proxy asks us by another name.
#[derive(Clone, Debug)]
pub(crate) struct PublicOrigin(pub(crate) String);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Finds the [`Client`] and refuses names that are not ours: a page of another name that a resolver
/// points here (DNS rebinding) would be of the same origin as us.
pub(crate) fn check(settings: &Settings, request: &mut Request) -> Result<(), Problem> {
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.0.ip().to_canonical()
        });
    // A probe asks by an address that no list knows, and learns only whether the daemon lives.
    let probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    match find(settings, peer, request.headers()) {
        Ok(client) if authority_fits(request, &client) || probe => {
            request.extensions_mut().insert(client);
            if let Some(url) = &settings.public_url {
                request.extensions_mut().insert(PublicOrigin(url.origin()));
            }
        }
        Err(_) if probe => {}
        Ok(_) => return Err(misdirected("another name in the request line")),
        Err(host) => return Err(misdirected(&host)),
    }
    Ok(())
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
    let own = settings.own_host.as_ref();
    let is_own = own.is_some_and(|own| is_at(&host, &[&own.name], settings.port));
    let is_loopback = is_at(&host, &LOOPBACK, settings.port);
    if !by_public && !is_loopback && !is_own {
        return Err(host);
    }
    let names = [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO];
    let is_proxied = trusted && names.iter().any(|name| headers.contains_key(name));
    // Without proxies that we know, one of them may stand behind any request, and only it knows by which name.
    let is_ours = |url: &PublicUrl| is_at(&url.authority, &LOOPBACK, settings.port);
    let is_known = public.is_none_or(is_ours) || !settings.trusted_proxies.is_empty();
    let is_direct = !is_proxied && is_known;
    let place = match own {
        Some(_) if is_own => Place::Own,
        Some(_) if is_loopback && is_direct => Place::Address,
        _ => Place::Public,
    };
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
    Ok(Client {
        address,
        origin,
        place,
    })
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

/// Names of this machine in its loopback network.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Checks whether `host` is one of `names` with `port`.
fn is_at(host: &str, names: &[&str], port: u16) -> bool {
    names.iter().any(|name| {
        host.strip_prefix(name).is_some_and(|rest| {
            rest.strip_prefix(':')
                .is_some_and(|given| given == port.to_string())
                || (rest.is_empty() && port == 80)
        })
    })
}

#[cfg(test)]
mod tests;
