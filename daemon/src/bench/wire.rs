//! One connection that is kept, and no more around it than a request needs: HTTP to the daemon and to etcd,
//! and the protocol of Redis.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd},
};

/// A connection. What it stands for as a descriptor is readable when an answer has come.
pub(super) struct Wire {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    address: SocketAddr,
    /// Lines of the head that every request has.
    head: String,
}

impl Wire {
    /// Connects; `token` is shown with every request, if there is one.
    pub(super) fn to(address: SocketAddr, token: Option<&str>) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let input = BufReader::new(stream.try_clone()?);
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        Ok(Self {
            stream,
            input,
            address,
            head: token.unwrap_or_default(),
        })
    }

    /// Sends a request with a JSON body; gives status and body of the answer.
    pub(super) fn http(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<(u16, Vec<u8>)> {
        self.ask(method, path, body)?;
        self.answer()
    }

    /// Sends a request with a JSON body.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let (address, head, length) = (self.address, &self.head, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{head}content-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes())
    }

    /// Status and body of the answer to what was asked.
    pub(super) fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no answer: {line}")))?;
        let mut length = 0;
        let mut chunked = false;
        loop {
            line.clear();
            self.input.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            chunked |= name.eq_ignore_ascii_case("transfer-encoding")
                && value.trim().eq_ignore_ascii_case("chunked");
        }
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes)?;
        while chunked {
            line.clear();
            self.input.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            let start = bytes.len();
            bytes.resize(start + size + 2, 0);
            self.input.read_exact(&mut bytes[start..])?;
            bytes.truncate(start + size);
            chunked = size > 0;
        }
        Ok((status, bytes))
    }

    /// Sends a command of Redis (RESP2).
    pub(super) fn command(&mut self, words: &[&str]) -> io::Result<()> {
        let mut request = vec![format!("*{}\r\n", words.len())];
        request.extend(
            words
                .iter()
                .map(|word| format!("${}\r\n{word}\r\n", word.len())),
        );
        self.stream.write_all(request.concat().as_bytes())
    }

    /// The first line of the answer to a command.
    pub(super) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
