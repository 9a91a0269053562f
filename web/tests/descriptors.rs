//! No descriptor left: the server waits and goes on. A process of its own, since the limit is one of
//! the whole process.

use std::{fs::File, net::Ipv4Addr, time::Duration};

use axum::{Router, routing::get};
use countersign_web::server::{Limits, serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_accepted_yet_is_answered_later() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let limit = Rlimit {
        current: Some(256),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }

    let router = Router::new().route("/", get(async || "hello"));
    let cancel = CancellationToken::new();
    let server = tokio::spawn(serve(
        (listener, None),
        router,
        Limits::of_process(),
        cancel.clone(),
    ));
    let mut answer = String::new();
    let early = timeout(Duration::from_mins(1), client.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "nothing can be accepted: {answer}");
    taken.clear();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    cancel.cancel();
    server.await.unwrap();
}
