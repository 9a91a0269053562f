//! Raw sockets and pipes against the accept loop.

use std::net::Ipv4Addr;

use axum::{
    Extension,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use tokio::time::Instant;

use super::*;
use crate::testing::{OPERATOR, Showcase, settings};

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn limits() -> Limits {
    Limits {
        connections: 2,
        ..Limits::of_process()
    }
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/big", get(async || vec![b'x'; 1 << 20]))
        .route("/echo", post(async |body: Bytes| body))
        .route("/live", get(async || Body::from_stream(begun())))
}

/// Says that it began, and never ends.
fn begun() -> impl Stream<Item = Result<&'static str, io::Error>> {
    stream::iter([Ok("hello")]).chain(stream::pending())
}

/// A client on a pipe in memory, so that a paused clock moves only when nothing else can.
struct Pipe {
    client: DuplexStream,
    soft: CancellationToken,
    hard: CancellationToken,
}

fn pipe() -> Pipe {
    let (client, server) = duplex(64);
    let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
    let served = connection::serve(
        server,
        PEER,
        router(),
        limits(),
        Arc::default(),
        (soft.clone(), hard.clone()),
    );
    tokio::spawn(served);
    Pipe { client, soft, hard }
}

/// Everything until the other end closes.
async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        text.push(char::from(byte[0]));
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_header_that_never_ends_is_cut_off() {
    let mut pipe = pipe();
    pipe.client
        .write_all(b"GET / HTTP/1.1\r\nhost: lo")
        .await
        .unwrap();
    let before = Instant::now();
    assert!(!rest(pipe.client).await.contains("200"));
    assert!(before.elapsed() >= limits().header);
}

#[tokio::test(start_paused = true)]
async fn a_header_that_drips_is_cut_off() {
    let pipe = pipe();
    let (reader, mut writer) = tokio::io::split(pipe.client);
    tokio::spawn(async move {
        writer.write_all(b"GET / HTTP/1.1\r\n").await?;
        loop {
            writer.write_all(b"a: b\r\n").await?;
            sleep(Duration::from_secs(1)).await;
        }
        #[expect(unreachable_code, reason = "names the type of the error")]
        io::Result::Ok(())
    });
    assert!(!rest(reader).await.contains("200"));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let silent = pipe();
    assert_eq!(rest(silent.client).await, "");
    let mut kept = pipe();
    kept.client.write_all(HELLO).await.unwrap();
    assert!(answer(&mut kept.client).await.starts_with("HTTP/1.1 200"));
    kept.client.write_all(HELLO).await.unwrap();
    assert!(answer(&mut kept.client).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(kept.client).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_cut_off() {
    let mut pipe = pipe();
    let head = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf";
    pipe.client.write_all(head).await.unwrap();
    let text = rest(pipe.client).await;
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let mut pipe = pipe();
    pipe.client
        .write_all(b"GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    sleep(limits().stall * 2).await;
    let text = rest(pipe.client).await;
    assert!(
        text.len() < 1024,
        "only what was in the pipe: {}",
        text.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_soft_stop_ends_what_is_idle_and_a_hard_one_the_rest() {
    let mut idle = pipe();
    idle.client.write_all(HELLO).await.unwrap();
    answer(&mut idle.client).await;
    let before = Instant::now();
    idle.soft.cancel();
    assert_eq!(rest(idle.client).await, "");
    assert_eq!(before.elapsed(), Duration::ZERO);

    let mut busy = pipe();
    busy.client
        .write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    answer(&mut busy.client).await;
    busy.soft.cancel();
    let more = timeout(Duration::from_mins(1), busy.client.read_u8()).await;
    assert_eq!(more.unwrap().unwrap(), b'\r', "the end of the first chunk");
    let more = timeout(Duration::from_mins(1), rest(&mut busy.client)).await;
    assert!(more.is_err(), "it is still being answered");
    busy.hard.cancel();
    let text = rest(busy.client).await;
    assert!(!text.contains("\r\n0\r\n"), "cut off, not ended: {text:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_two_servers_could_read_differently_is_not_read_as_two() {
    let with = |fields: &str, body: &str| {
        format!("POST /echo HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n\r\n{body}")
    };
    let smuggled = "0\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for request in [
        with("content-length: 6\r\ntransfer-encoding: chunked", smuggled),
        with("transfer-encoding: chunked\r\ncontent-length: 6", smuggled),
        with("content-length: 5\r\ncontent-length: 6", "hello!"),
        with("content-length: +5", "hello"),
        with("transfer-encoding: chunked, identity", smuggled),
        with("transfer-encoding : chunked", smuggled),
        "GET / HTTP/1.1\r\nhost: localhost\r\n folded: x\r\n\r\n".to_owned(),
    ] {
        let mut pipe = pipe();
        // It may close before it has read all.
        let _ = pipe.client.write_all(request.as_bytes()).await;
        let text = rest(pipe.client).await;
        let answers = text.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{request:?} was read as two: {text}");
        // RFC 9112, section 6.1: refuse it, or take the chunks and close.
        let safe = text.starts_with("HTTP/1.1 400") || text.contains("connection: close");
        assert!(safe, "{request:?}: {text}");
    }
}

/// A request with a session that is not answered.
async fn held(Extension(known): Extension<Known>) -> &'static str {
    known.set();
    std::future::pending().await
}

#[tokio::test]
async fn more_than_the_cap_wait_for_requests_of_people() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let router = router().route("/held", get(held));
    let server = tokio::spawn(serve((listener, None), router, limits(), cancel.clone()));
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /held HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        open.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    third.write_all(HELLO).await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(100), third.read(&mut byte)).await;
    assert!(early.is_err(), "it waits");
    drop(open.pop());
    assert!(answer(&mut third).await.starts_with("HTTP/1.1 200"));
    cancel.cancel();
    drop(open);
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn idle_connections_give_their_places_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let server = tokio::spawn(serve((listener, None), router(), limits(), cancel.clone()));
    let mut answered = TcpStream::connect(address).await.unwrap();
    answered.write_all(HELLO).await.unwrap();
    answer(&mut answered).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(&HELLO[..10]).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(HELLO).await.unwrap();
        assert!(answer(&mut next).await.starts_with("HTTP/1.1 200"));
        open.push(next);
    }
    assert_eq!(rest(answered).await, "");
    assert_eq!(rest(half).await, "");
    cancel.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_live_streams_without_cutting_them() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let settings = crate::Settings {
        port: address.port(),
        ..settings()
    };
    let router = Showcase::small().router_with(settings);
    let server = tokio::spawn(serve((listener, None), router, limits(), cancel.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {OPERATOR}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains("\"seq\":4}") {
        text.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    cancel.cancel();
    let end = rest(stream).await;
    assert!(end.ends_with("\r\n0\r\n\r\n"), "{end:?}");
    server.await.unwrap();
}

#[test]
fn one_address_gets_so_many_connections_and_no_more() {
    let addresses = Addresses::default();
    let (one, other) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    let first = addresses.enter(one.into(), 2).unwrap();
    let _second = addresses.enter(one.into(), 2).unwrap();
    assert!(addresses.enter(one.into(), 2).is_none());
    assert!(addresses.enter(other.into(), 2).is_some());
    drop(first);
    assert!(addresses.enter(one.into(), 2).is_some());
    assert_eq!(addresses.0.lock().unwrap().len(), 1);
}

#[test]
fn loopback_and_proxies_are_not_counted() {
    let limits = Limits {
        exempt: vec!["10.0.0.0/8".parse().unwrap()],
        ..limits()
    };
    for (address, most) in [
        ("127.0.0.1", usize::MAX),
        ("::1", usize::MAX),
        ("10.1.2.3", usize::MAX),
        ("192.0.2.1", 16),
        ("2001:db8::1", 16),
    ] {
        assert_eq!(
            limits.most_from(address.parse().unwrap()),
            most,
            "{address}"
        );
    }
}

#[test]
fn intake_keeps_its_descriptors() {
    for (descriptors, connections) in [
        (Some(64), 4),
        (Some(256), 96),
        (Some(1024), 256),
        (None, 256),
    ] {
        assert_eq!(connections_for(descriptors), connections);
    }
}
