//! A receiver on loopback that answers as it is told, and notes everything it got.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> String {
        let found = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = found.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Notes {
    connections: usize,
    got: Vec<Got>,
    answers: VecDeque<Vec<u8>>,
}

/// The receiver. With no answer left it says 200.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    notes: Arc<Mutex<Notes>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let me = Self {
            address: listener.local_addr().unwrap(),
            notes: Arc::default(),
        };
        let here = me.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                here.held().connections += 1;
                tokio::spawn(here.clone().serve(stream));
            }
        });
        me
    }

    fn held(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the next request with these bytes; none at all is a reset.
    pub(super) fn answers(&self, answer: &str) {
        self.held().answers.push_back(answer.as_bytes().to_vec());
    }

    /// Answers the next request with a status and headers.
    pub(super) fn says(&self, status: &str, headers: &str) {
        self.answers(&format!(
            "HTTP/1.1 {status}\r\ncontent-length: 0\r\n{headers}\r\n"
        ));
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.held().got.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.held().connections
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                    break end + 4;
                }
                match stream.read_buf(&mut bytes).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut got = Got {
                head,
                body: Vec::new(),
            };
            let length: usize = got.header("content-length").parse().unwrap_or(0);
            while bytes.len() < end + length {
                match stream.read_buf(&mut bytes).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
            got.body = bytes[end..end + length].to_vec();
            bytes.drain(..end + length);
            let answer = {
                let mut notes = self.held();
                notes.got.push(got);
                notes.answers.pop_front()
            };
            let usual = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
            let answer = answer.unwrap_or(usual);
            if answer.is_empty() || stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}
