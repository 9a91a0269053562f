//! A receiver of notices on loopback, and a sender that keeps its connection. As little HTTP as will
//! do, for the floor only.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use super::{BenchError, system};
use crate::clock::SharedClock;

/// Longer than any answer takes on loopback.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a receiver for one connection. It gives the moment at which each notice was there whole.
pub(super) fn start(clock: SharedClock) -> Result<(SocketAddr, Receiver<Duration>), BenchError> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(system("listen on loopback"))?;
    let address = listener
        .local_addr()
        .map_err(system("listen on loopback"))?;
    let (arrived, arrivals) = channel();
    std::thread::Builder::new()
        .name("receiver".to_owned())
        .spawn(move || {
            if let Ok((stream, _)) = listener.accept() {
                // The sender is gone when the run is over.
                let _ = receive(stream, &clock, &arrived);
            }
        })
        .map_err(system("start a thread"))?;
    Ok((address, arrivals))
}

fn receive(
    mut stream: TcpStream,
    clock: &SharedClock,
    arrived: &Sender<Duration>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream.try_clone()?);
    loop {
        let length = body_length(&mut input)?;
        std::io::copy(&mut (&mut input).take(length), &mut std::io::sink())?;
        let now = clock.monotonic();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        if arrived.send(now).is_err() {
            return Ok(());
        }
    }
}

/// Reads a head up to its empty line; the length that it states.
fn body_length(input: &mut impl std::io::BufRead) -> std::io::Result<u64> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or_default();
        }
    }
}

/// A connection that is kept.
pub(super) struct Poster {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Poster {
    /// Connects to the receiver at `address`.
    pub(super) fn to(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let input = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, input })
    }

    /// Posts `body` and waits for the answer.
    pub(super) fn post(&mut self, body: &[u8]) -> std::io::Result<()> {
        let head = format!(
            "POST /notice HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        let length = body_length(&mut self.input)?;
        std::io::copy(&mut (&mut self.input).take(length), &mut std::io::sink())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn each_post_arrives_once_over_one_connection() {
        let (address, arrivals) = start(SystemClock::shared()).unwrap();
        let mut sender = Poster::to(address).unwrap();
        for body in [&b"{}"[..], b"", &[b'x'; 4_000]] {
            sender.post(body).unwrap();
        }
        drop(sender);
        assert_eq!(arrivals.iter().count(), 3);
    }
}
