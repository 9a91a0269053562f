//! A browser that knows no more than one connection, and the bare server that is its floor.

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use super::{BenchError, system};
use crate::clock::SharedClock;

/// A browser with one connection, no more around it than the floor has.
pub(super) struct Client {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    address: SocketAddr,
    cookie: String,
    clock: SharedClock,
}

impl Client {
    pub(super) fn new(
        address: SocketAddr,
        cookie: String,
        clock: &SharedClock,
    ) -> Result<Self, BenchError> {
        let connect = || -> io::Result<(TcpStream, TcpStream)> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            let input = stream.try_clone()?;
            Ok((stream, input))
        };
        let (stream, input) = connect().map_err(system("connect on loopback"))?;
        Ok(Self {
            stream,
            input: BufReader::new(input),
            address,
            cookie,
            clock: Arc::clone(clock),
        })
    }

    /// The time until the first byte of the answer, and how many bytes its body has.
    pub(super) fn get(&mut self, path: &str) -> Result<(Duration, usize), BenchError> {
        self.ask(path).map_err(system("read a page"))
    }

    fn ask(&mut self, path: &str) -> io::Result<(Duration, usize)> {
        let (address, cookie) = (self.address, &self.cookie);
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\naccept: text/html\r\n\r\n"
        );
        let begun = self.clock.monotonic();
        self.stream.write_all(request.as_bytes())?;
        if self.input.fill_buf()?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let time = self.clock.monotonic().saturating_sub(begun);
        let mut status = String::new();
        self.input.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(status.trim().to_owned()));
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.input.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.input.read_exact(&mut body)?;
        Ok((time, length))
    }
}

/// The value of a query of an address, every byte of it encoded (RFC 3986, section 2.1).
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

/// A server that answers every request with the same bytes, and knows nothing else.
pub(super) fn bare(bytes: usize) -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(system("listen on loopback"))?;
    let address = listener
        .local_addr()
        .map_err(system("listen on loopback"))?;
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + bytes, b'x');
    std::thread::Builder::new()
        .name("floor".to_owned())
        .spawn(move || -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let mut input = BufReader::new(stream.try_clone()?);
            let mut line = String::new();
            while input.read_line(&mut line)? > 0 {
                if line == "\r\n" {
                    stream.write_all(&answer)?;
                }
                line.clear();
            }
            Ok(())
        })
        .map_err(system("start a thread"))?;
    Ok(address)
}
