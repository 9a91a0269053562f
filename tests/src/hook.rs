//! A receiver of webhooks on loopback that answers as badly as it is told, and notes all it got.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

/// The secret that [`Hook`] shares with the daemon.
pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A message that came.
#[derive(Clone, Debug)]
pub struct Got {
    /// Headers by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// The status it was answered with; 0 for a connection that was dropped.
    pub status: u16,
}

/// How a receiver answers: by the number of the request, from 0.
pub type Manner = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

#[derive(Default)]
struct Notes {
    got: Vec<Got>,
    /// How often each id was answered with 200.
    taken: BTreeMap<String, usize>,
    connections: usize,
    waiting: Vec<mpsc::Sender<()>>,
}

/// The receiver.
#[derive(Clone)]
pub struct Hook {
    /// Where it listens.
    pub address: SocketAddr,
    notes: Arc<Mutex<Notes>>,
    over: Arc<AtomicBool>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What stands before an answer that is held back until the receiver is told to go on.
pub const SLOWLY: &[u8] = b"SLOWLY";

/// An answer without a body.
pub fn answer(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

impl Hook {
    /// One that takes everything.
    pub fn kind() -> Self {
        Self::start(Arc::new(|_| answer("200 OK")))
    }

    /// One that answers by `manner`; an empty answer drops the connection.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let me = Self {
            address: listener.local_addr().expect("it listens"),
            notes: Arc::default(),
            over: Arc::default(),
        };
        let here = me.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if here.over.load(Ordering::SeqCst) {
                    return;
                }
                here.held().connections += 1;
                let (here, manner) = (here.clone(), Arc::clone(&manner));
                thread::spawn(move || here.serve(&stream, &manner));
            }
        });
        me
    }

    fn held(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that came so far.
    pub fn got(&self) -> Vec<Got> {
        self.held().got.clone()
    }

    /// Looks at all that came so far, without a copy.
    pub fn look<T>(&self, look: impl FnOnce(&[Got]) -> T) -> T {
        look(&self.held().got)
    }

    /// How many different messages were answered with 200, and how often one was that had been before.
    pub fn taken(&self) -> (usize, usize) {
        let notes = self.held();
        let all: usize = notes.taken.values().sum();
        (notes.taken.len(), all - notes.taken.len())
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.held().connections
    }

    /// Sends the answers that wait.
    pub fn go_on(&self) {
        self.held().waiting.clear();
    }

    /// The section of a configuration that sends here.
    pub fn section(&self, name: &str, more: &str) -> String {
        let address = self.address;
        format!(
            "[[webhook]]\nname = \"{name}\"\nurl = \"http://{address}/{name}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n\
             allow_private = true\n{more}\n"
        )
    }

    fn serve(&self, stream: &TcpStream, manner: &Manner) -> Option<()> {
        let mut input = BufReader::new(stream.try_clone().ok()?);
        let mut output = stream;
        loop {
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            input.read_line(&mut line).ok().filter(|read| *read > 0)?;
            loop {
                let mut line = String::new();
                input.read_line(&mut line).ok().filter(|read| *read > 0)?;
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    break;
                };
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            let length = headers
                .get("content-length")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            let mut body = vec![0; length];
            input.read_exact(&mut body).ok()?;
            let (answer, until) = {
                let mut notes = self.held();
                let answer = manner(notes.got.len());
                let slow = answer.strip_prefix(SLOWLY).map(<[u8]>::to_vec);
                let (send, until) = mpsc::channel();
                if slow.is_some() {
                    notes.waiting.push(send);
                }
                let answer = slow.unwrap_or(answer);
                let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).parse();
                let status = status.unwrap_or(0);
                if status == 200 {
                    let id = headers.get("webhook-id").cloned().unwrap_or_default();
                    *notes.taken.entry(id).or_default() += 1;
                }
                notes.got.push(Got {
                    headers,
                    body,
                    status,
                });
                (answer, until)
            };
            // Whoever sends too is dropped at once, unless the answer is a slow one.
            let _: Result<(), _> = until.recv();
            if answer.is_empty() {
                return None;
            }
            output.write_all(&answer).ok()?;
        }
    }

    /// Takes no more connections.
    pub fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}
