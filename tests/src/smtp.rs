//! A mail server on loopback that answers as badly as it is told, and keeps all mail it took.
//!
//! It speaks as much of RFC 5321 as a client needs: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, RSET, NOOP, QUIT.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use mail_parser::MessageParser;
use rustls::{ServerConnection, StreamOwned};

use crate::certificates::Authority;

/// What it does with a mail that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Takes it.
    Take,
    /// Says this, for example `451 try later`.
    Say(&'static str),
    /// Cuts the connection without a word.
    Cut,
    /// Says something that is no answer.
    Babble,
    /// Takes it, but says so only when the sink is told to go on.
    Wait,
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// With STARTTLS; without it no mail is taken.
    StartTls,
    /// From the first byte.
    Tls,
}

/// A mail that was sent to it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The receiver of the envelope.
    pub to: String,
    /// Headers and body as they came.
    pub text: String,
    /// What was done with it.
    pub manner: Manner,
    /// Whether it came through TLS.
    pub secured: bool,
    /// Who signed in, with the password.
    pub signed_in: Option<(String, String)>,
}

impl Mail {
    /// A header by name, unfolded and decoded; empty when there is none.
    ///
    /// # Panics
    /// When the mail cannot be read.
    pub fn header(&self, name: &str) -> String {
        let unfolded = self.text.replace("\r\n ", " ").replace("\r\n\t", " ");
        let (head, _) = unfolded.split_once("\r\n\r\n").unwrap_or((&unfolded, ""));
        let named = |line: &str| {
            let (known, value) = line.split_once(':')?;
            known
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        };
        head.split("\r\n").find_map(named).unwrap_or_default()
    }

    /// The subject, the text part and the HTML part, as a mail program reads them.
    ///
    /// # Panics
    /// When the mail cannot be read, or lacks a part.
    pub fn parts(&self) -> (String, String, String) {
        let parsed = MessageParser::default().parse(self.text.as_bytes());
        let parsed = parsed.expect("a mail program can read it");
        let text = |part: Option<std::borrow::Cow<'_, str>>| part.expect("a part").into_owned();
        (
            parsed.subject().unwrap_or_default().to_owned(),
            text(parsed.body_text(0)),
            text(parsed.body_html(0)),
        )
    }

    /// The first link in the text part that has `part` in it.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&self, part: &str) -> String {
        let (_, text, _) = self.parts();
        let found = text.split_whitespace().find(|word| word.contains(part));
        found
            .unwrap_or_else(|| panic!("no link with {part}:\n{text}"))
            .to_owned()
    }
}

/// How it treats a mail, by the number of the mail, from 0.
pub type Manners = Arc<dyn Fn(usize) -> Manner + Send + Sync>;

#[derive(Default)]
struct Notes {
    mails: Vec<Mail>,
    waiting: Vec<mpsc::Sender<()>>,
}

/// The server.
#[derive(Clone)]
pub struct Smtp {
    /// Where it listens.
    pub address: SocketAddr,
    notes: Arc<Mutex<Notes>>,
    over: Arc<AtomicBool>,
    security: Security,
    authority: Option<Authority>,
    manners: Manners,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    /// One that takes every mail in the clear.
    pub fn kind() -> Self {
        Self::start(Security::None, None, Arc::new(|_| Manner::Take))
    }

    /// One that behaves by `manners`; `authority` is needed for TLS.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn start(security: Security, authority: Option<Authority>, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let me = Self {
            address: listener.local_addr().expect("it listens"),
            notes: Arc::default(),
            over: Arc::default(),
            security,
            authority,
            manners,
        };
        let here = me.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if here.over.load(Ordering::SeqCst) {
                    return;
                }
                let here = here.clone();
                thread::spawn(move || {
                    // A client that goes away is no failure of a server.
                    let _ = here.welcome(stream);
                });
            }
        });
        me
    }

    /// The section of a configuration that sends here.
    pub fn section(&self, more: &str) -> String {
        let port = self.address.port();
        let (scheme, tls) = match self.security {
            Security::None => ("smtp", "tls = \"off\"\n"),
            Security::StartTls => ("smtp", ""),
            Security::Tls => ("smtps", ""),
        };
        let ca = self
            .authority
            .as_ref()
            .map_or_else(String::new, |authority| {
                format!("ca = \"{}\"\n", authority.ca.display())
            });
        format!(
            "[notify.email]\nsmtp = \"{scheme}://localhost:{port}\"\n\
             from = \"Countersign <countersign@example.org>\"\n{tls}{ca}{more}\n"
        )
    }

    fn held(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every mail that came whole, also those that were not taken.
    pub fn all(&self) -> Vec<Mail> {
        self.held().mails.clone()
    }

    /// The mails that it took.
    pub fn taken(&self) -> Vec<Mail> {
        let mut mails = self.all();
        mails.retain(|mail| matches!(mail.manner, Manner::Take | Manner::Wait));
        mails
    }

    /// Answers what waits for an answer.
    pub fn go_on(&self) {
        self.held().waiting.clear();
    }

    /// Waits until `count` mails were taken.
    pub fn takes(&self, count: usize) -> Vec<Mail> {
        crate::wait::until(&format!("{count} mails"), || {
            let taken = self.taken();
            (taken.len() >= count).then_some(taken)
        })
    }

    /// How often each id came.
    pub fn ids(&self) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for mail in self.all() {
            *ids.entry(mail.header("message-id")).or_default() += 1;
        }
        ids
    }

    /// Takes no more connections.
    pub fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }

    fn secured(&self, stream: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let authority = self.authority.as_ref().expect("TLS needs an authority");
        let server = ServerConnection::new(Arc::clone(&authority.server));
        Ok(StreamOwned::new(server.map_err(io::Error::other)?, stream))
    }

    fn welcome(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let whole = stream.try_clone()?;
        if self.security == Security::Tls {
            let mut session =
                Session::new(self, BufReader::new(self.secured(stream)?), whole, true);
            session.say("220 localhost ESMTP")?;
            return session.talk().map(drop);
        }
        let clear = Duplex(stream.try_clone()?);
        let mut session = Session::new(self, BufReader::new(clear), whole, false);
        session.say("220 localhost ESMTP")?;
        if session.talk()? {
            let secured = BufReader::new(self.secured(stream.try_clone()?)?);
            Session::new(self, secured, stream, true).talk()?;
        }
        Ok(())
    }
}

/// A stream as something to read and to write.
struct Duplex(TcpStream);

impl Read for Duplex {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One conversation.
struct Session<'a, S: Read + Write> {
    sink: &'a Smtp,
    stream: BufReader<S>,
    whole: TcpStream,
    is_secured: bool,
    signed_in: Option<(String, String)>,
    to: String,
}

impl<'a, S: Read + Write> Session<'a, S> {
    fn new(sink: &'a Smtp, stream: BufReader<S>, whole: TcpStream, is_secured: bool) -> Self {
        Self {
            sink,
            stream,
            whole,
            is_secured,
            signed_in: None,
            to: String::new(),
        }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        stream.flush()
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// Answers until the client leaves; true when it wants TLS first.
    fn talk(&mut self) -> io::Result<bool> {
        while let Some(line) = self.line()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let must_secure = self.sink.security != Security::None && !self.is_secured;
            match verb.to_uppercase().as_str() {
                "EHLO" if must_secure => self.say("250-localhost\r\n250 STARTTLS")?,
                "EHLO" => self.say("250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN")?,
                "STARTTLS" => {
                    self.say("220 go ahead")?;
                    return Ok(true);
                }
                _ if must_secure => self.say("530 5.7.0 STARTTLS first")?,
                "AUTH" => self.sign_in(rest)?,
                "MAIL" | "RSET" | "NOOP" => self.say("250 ok")?,
                "RCPT" => {
                    rest.trim_start_matches("TO:")
                        .trim_matches(['<', '>', ' '])
                        .clone_into(&mut self.to);
                    self.say("250 ok")?;
                }
                "DATA" => {
                    self.say("354 go on")?;
                    if !self.data()? {
                        return Ok(false);
                    }
                }
                "QUIT" => {
                    self.say("221 bye")?;
                    return Ok(false);
                }
                _ => self.say("502 5.5.1 what?")?,
            }
        }
        Ok(false)
    }

    fn sign_in(&mut self, rest: &str) -> io::Result<()> {
        let given = rest.split_once(' ').map_or("", |(_, given)| given);
        let decoded = crate::http::decoded(given);
        let words: Vec<&str> = decoded.split('\0').collect();
        if let [_, name, password] = words[..] {
            self.signed_in = Some((name.to_owned(), password.to_owned()));
        }
        if password_is_right(self.signed_in.as_ref()) {
            self.say("235 2.7.0 welcome")
        } else {
            self.say("535 5.7.8 wrong")
        }
    }

    /// Reads a mail and does with it what the sink is told; false when the conversation is over.
    fn data(&mut self) -> io::Result<bool> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            if line == ".\r\n" {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
        let (manner, until) = {
            let mut notes = self.sink.held();
            let manner = (self.sink.manners)(notes.mails.len());
            notes.mails.push(Mail {
                to: self.to.clone(),
                text,
                manner: manner.clone(),
                secured: self.is_secured,
                signed_in: self.signed_in.clone(),
            });
            let (send, until) = mpsc::channel();
            if manner == Manner::Wait {
                notes.waiting.push(send);
            }
            (manner, until)
        };
        match manner {
            Manner::Take => self.say("250 2.0.0 taken")?,
            Manner::Say(text) => self.say(text)?,
            Manner::Babble => self.say("<html>this is no mail server</html>")?,
            Manner::Cut => {
                self.whole.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Manner::Wait => {
                // The other end is dropped when the sink goes on.
                let _ = until.recv();
                self.say("250 2.0.0 taken, late")?;
            }
        }
        Ok(true)
    }
}

/// The password that the sink takes.
pub const PASSWORD: &str = "correct horse";

fn password_is_right(given: Option<&(String, String)>) -> bool {
    given.is_some_and(|(_, password)| password == PASSWORD)
}
