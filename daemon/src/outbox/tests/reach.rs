//! Where a webhook never goes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;

use super::receiver::Receiver;
use crate::{
    egress::{Http, Lookup, system_lookup},
    outbox::{
        channel::Outcome,
        http::{post, send},
    },
};

/// A name that means one address after the other, as often as it is asked.
fn changing(addresses: Vec<SocketAddr>) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let at = count.fetch_add(1, Ordering::SeqCst);
        let found = addresses[at.min(addresses.len() - 1)];
        Box::pin(async move { Ok(vec![found]) })
    });
    (lookup, asked)
}

async fn knocks(http: &Http, url: &str) -> Outcome {
    match post(http, &url.parse().unwrap(), "text/plain", Vec::new()) {
        Ok(request) => send(request, Timestamp::UNIX_EPOCH).await,
        Err(outcome) => outcome,
    }
}

#[tokio::test]
async fn nothing_inside_the_house_is_ever_connected_to() {
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let http = Http::new(false, system_lookup()).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        let outcome = knocks(&http, &format!("http://{host}:{port}/")).await;
        let refused =
            matches!(&outcome, Outcome::Retry { said, .. } if said.contains("inside your house"));
        assert!(refused, "{host}: {outcome:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_does_not_get_in() {
    let receiver = Receiver::start().await;
    // An address for documentation is not public either; one that is would be knocked at.
    let (lookup, asked) = changing(vec![receiver.address]);
    let http = Http::new(false, lookup).unwrap();
    for _ in 0..3 {
        knocks(&http, "http://rebind.example/").await;
    }
    assert_eq!(receiver.connections(), 0);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        3,
        "every connection asks anew"
    );

    // What was found is what is connected to: the second answer is never asked for.
    let (lookup, asked) = changing(vec![receiver.address, "127.0.0.1:1".parse().unwrap()]);
    let allowed = Http::new(true, lookup).unwrap();
    let url = format!("http://rebind.example:{}/", receiver.address.port());
    assert!(matches!(knocks(&allowed, &url).await, Outcome::Sent { .. }));
    assert_eq!(
        (receiver.connections(), asked.load(Ordering::SeqCst)),
        (1, 1)
    );
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (front, back) = (Receiver::start().await, Receiver::start().await);
    let http = Http::new(true, system_lookup()).unwrap();
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        front.says(status, &format!("location: http://{}/\r\n", back.address));
        let outcome = knocks(&http, &format!("http://{}/", front.address)).await;
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{status}: {outcome:?}"
        );
    }
    assert_eq!(back.connections(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let receiver = Receiver::start().await;
    let http = Http::new(true, system_lookup()).unwrap();
    let body = "x".repeat(200_000);
    receiver.answers(&format!(
        "HTTP/1.1 500 No\r\ncontent-length: 100000000\r\n\r\n{body}"
    ));
    let outcome = knocks(&http, &format!("http://{}/", receiver.address)).await;
    let Outcome::Retry { said, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        said.starts_with("500 xxx") && said.chars().count() < 250,
        "{said}"
    );
}
