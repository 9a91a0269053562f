//! Receivers of messages on loopback, by webhook and by mail, and senders with nothing around them for the floor.

use std::{
    io::{self, BufRead, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use super::{BenchError, system};
use crate::clock::SharedClock;

/// What webhooks of the bench are signed with.
pub(super) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// Longer than any answer takes on loopback.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message that was there whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When.
    pub(super) at: Duration,
    /// Its id, the same at every attempt; empty for a message of the floor.
    pub(super) id: String,
    /// Its length, head included.
    pub(super) bytes: usize,
}

/// What one connection does until its client leaves.
type Talk = fn(&TcpStream, &SharedClock, &Sender<Arrival>) -> io::Result<()>;

/// Takes webhooks.
pub(super) fn webhooks(clock: &SharedClock) -> Result<(SocketAddr, Receiver<Arrival>), BenchError> {
    listen(clock, take_posts)
}

/// Takes mail.
pub(super) fn mails(clock: &SharedClock) -> Result<(SocketAddr, Receiver<Arrival>), BenchError> {
    listen(clock, take_mails)
}

fn listen(clock: &SharedClock, talk: Talk) -> Result<(SocketAddr, Receiver<Arrival>), BenchError> {
    let failed = || system("listen on loopback");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
    let address = listener.local_addr().map_err(failed())?;
    let (sender, arrivals) = channel();
    let clock = clock.clone();
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let (clock, sender) = (clock.clone(), sender.clone());
            // A client that leaves ends the conversation.
            std::thread::spawn(move || drop(talk(&stream, &clock, &sender)));
        }
    };
    std::thread::Builder::new()
        .name("sink".to_owned())
        .spawn(accept)
        .map_err(system("start a thread"))?;
    Ok((address, arrivals))
}

/// Reads a line with its end; `None` at the end of the stream.
fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    Ok((input.read_line(&mut text)? > 0).then_some(text))
}

/// The value of a header, when the line is one of that name.
fn header<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (known, value) = line.split_once(':')?;
    known.eq_ignore_ascii_case(name).then(|| value.trim())
}

fn take_posts(
    stream: &TcpStream,
    clock: &SharedClock,
    arrivals: &Sender<Arrival>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (BufReader::new(stream), stream);
    let (mut length, mut id, mut bytes) = (0, String::new(), 0);
    while let Some(text) = line(&mut input)? {
        bytes += text.len();
        if let Some(stated) = header(&text, "content-length") {
            length = stated.parse().unwrap_or_default();
        } else if let Some(stated) = header(&text, "webhook-id") {
            stated.clone_into(&mut id);
        } else if text == "\r\n" {
            let body = io::copy(&mut (&mut input).take(length), &mut io::sink())?;
            let at = clock.monotonic();
            output.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            bytes += usize::try_from(body).unwrap_or_default();
            let id = std::mem::take(&mut id);
            if arrivals.send(Arrival { at, id, bytes }).is_err() {
                return Ok(());
            }
            (length, bytes) = (0, 0);
        }
    }
    Ok(())
}

fn take_mails(
    stream: &TcpStream,
    clock: &SharedClock,
    arrivals: &Sender<Arrival>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (BufReader::new(stream), stream);
    output.write_all(b"220 localhost\r\n")?;
    while let Some(command) = line(&mut input)? {
        let verb = command.get(..4).unwrap_or_default().to_ascii_uppercase();
        if verb == "QUIT" {
            return output.write_all(b"221 bye\r\n");
        }
        if verb != "DATA" {
            output.write_all(b"250 ok\r\n")?;
            continue;
        }
        output.write_all(b"354 go on\r\n")?;
        let (mut id, mut bytes) = (String::new(), 0);
        while let Some(text) = line(&mut input)? {
            if text == ".\r\n" {
                break;
            }
            bytes += text.len();
            if let Some(stated) = header(&text, "message-id") {
                stated.clone_into(&mut id);
            }
        }
        let at = clock.monotonic();
        output.write_all(b"250 taken\r\n")?;
        if arrivals.send(Arrival { at, id, bytes }).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A session with a mail server, kept for many mails.
pub(super) struct Mailer {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Mailer {
    /// Connects and says hello.
    pub(super) fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let input = BufReader::new(stream.try_clone()?);
        let mut me = Self { stream, input };
        me.answer()?;
        me.say(b"EHLO localhost\r\n")?;
        Ok(me)
    }

    fn answer(&mut self) -> io::Result<()> {
        line(&mut self.input)?
            .map(drop)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn say(&mut self, text: &[u8]) -> io::Result<()> {
        self.stream.write_all(text)?;
        self.answer()
    }

    /// Sends a mail of `body`, whose lines do not begin with a dot.
    pub(super) fn send(&mut self, body: &[u8]) -> io::Result<()> {
        self.say(b"MAIL FROM:<bench@example.org>\r\n")?;
        self.say(b"RCPT TO:<bench@example.org>\r\n")?;
        self.say(b"DATA\r\n")?;
        self.say(&[body, b"\r\n.\r\n"].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::receiver::Poster, clock::SystemClock};

    #[test]
    fn each_post_and_each_mail_arrives_once() {
        let clock = SystemClock::shared();
        let (address, arrivals) = webhooks(&clock).unwrap();
        let mut poster = Poster::to(address).unwrap();
        for body in [&b"{}"[..], b"", &[b'x'; 4_000]] {
            poster.post(body).unwrap();
            let arrival = arrivals.recv().unwrap();
            assert!(arrival.bytes > body.len() && arrival.id.is_empty());
        }
        let (address, arrivals) = mails(&clock).unwrap();
        let mut mailer = Mailer::to(address).unwrap();
        for id in ["<a@b>", "<c@d>"] {
            mailer
                .send(format!("Message-ID: {id}\r\n\r\nBody").as_bytes())
                .unwrap();
            assert_eq!(arrivals.recv().unwrap().id, id);
        }
    }
}
