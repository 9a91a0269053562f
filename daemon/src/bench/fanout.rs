//! W9: very many messages by one channel, each to a person of their own.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use serde::Serialize;

use super::{
    BenchError, agent,
    daemon::{Daemon, Settings},
    figures::{ratio, rounded},
    process,
    receiver::Poster,
    sink::{self, Arrival, Mailer},
    system,
};
use crate::clock::SharedClock;

/// What is set against what.
const COMPARES: &str = "floor: as many messages of the same length, over eight connections that are kept, with nothing around them; \
     ours: routed, written down, rendered, signed or put into parts, delivered, and each outcome recorded; \
     both from the first arrival to the last";
/// Part of the floor's rate that is aimed at.
const GOAL: f64 = 0.25;
/// So much more memory at the end than after the first quarter is still flat.
const FLAT: f64 = 1.25;
/// People who are asked about each handoff.
const PEOPLE: usize = 100;
/// Connections of the floor.
const CONNECTIONS: usize = 8;
/// When nothing arrives for so long, the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen of both channels.
#[derive(Clone, Debug, Serialize)]
pub struct Fanout {
    /// What is set against what.
    pub compares: &'static str,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// Webhooks.
    pub webhook: Channel,
    /// Mail.
    pub mail: Channel,
}

/// What was seen of one channel.
#[derive(Clone, Debug, Serialize)]
pub struct Channel {
    /// Messages that are owed.
    pub messages: usize,
    /// Messages that arrived.
    pub arrived: usize,
    /// Those that had arrived before, under the same id.
    pub again: usize,
    /// Length of one message.
    pub bytes: usize,
    /// Messages per second of the floor.
    pub floor: f64,
    /// Messages per second of ours.
    pub ours: f64,
    /// Ours to the floor.
    pub ratio: f64,
    /// Memory of the daemon after each quarter, in bytes (`VmRSS`).
    pub memory: Vec<u64>,
    /// Whether every message arrived, at the rate that is aimed at, with memory flat.
    pub met: bool,
}

/// Measures `count` messages by each channel in the folder `place`.
pub(super) fn measure(
    program: &Path,
    place: &Path,
    count: usize,
    clock: &SharedClock,
) -> Result<Fanout, BenchError> {
    let (address, arrivals) = sink::webhooks(clock)?;
    let webhook = ours(
        program,
        &place.join("webhook"),
        count,
        (
            &format!(
                "[[webhook]]\nname = \"way\"\nurl = \"http://{address}/\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n\
                 allow_private = true\nevents = []\n"
            ),
            "way",
        ),
        &arrivals,
        clock,
    )?;
    let post = |address| {
        let mut poster = Poster::to(address)?;
        Ok(move |body: &[u8]| poster.post(body))
    };
    let raw = floor(count, address, webhook.bytes, post, &arrivals)?;
    let webhook = webhook.beside(raw);

    let (address, arrivals) = sink::mails(clock)?;
    let port = address.port();
    let mail = ours(
        program,
        &place.join("mail"),
        count,
        (
            &format!(
                "[notify.email]\nsmtp = \"smtp://127.0.0.1:{port}\"\ntls = \"off\"\n\
                 from = \"Countersign <countersign@example.org>\"\n"
            ),
            "email",
        ),
        &arrivals,
        clock,
    )?;
    let send = |address| {
        let mut mailer = Mailer::to(address)?;
        Ok(move |body: &[u8]| mailer.send(body))
    };
    let raw = floor(count, address, mail.bytes, send, &arrivals)?;
    let mail = mail.beside(raw);
    Ok(Fanout {
        compares: COMPARES,
        goal: GOAL,
        webhook,
        mail,
    })
}

impl Channel {
    fn beside(self, floor: f64) -> Self {
        let ratio = ratio(self.ours, floor);
        let is_flat = match (self.memory.first(), self.memory.last()) {
            #[expect(clippy::cast_precision_loss, reason = "bytes of a process")]
            (Some(first), Some(last)) => *last as f64 <= *first as f64 * FLAT,
            _ => false,
        };
        Self {
            floor,
            ratio,
            met: self.arrived == self.messages && ratio >= GOAL && is_flat,
            ..self
        }
    }
}

/// The rules by which everybody is asked about everything, by one way.
fn rules(channel: &str, way: &str) -> String {
    let people = (0..PEOPLE).map(|number| {
        format!(
            "[[person]]\nid = \"p{number}\"\nemail = \"p{number}@example.org\"\nchannels = [\"{way}\"]\n"
        )
    });
    let members: Vec<String> = (0..PEOPLE).map(|number| format!("\"p{number}\"")).collect();
    let people: String = people.collect();
    format!(
        "{channel}{people}[[group]]\nid = \"all\"\nmembers = [{}]\n\
         [[route]]\nname = \"all\"\nto = [\"group:all\"]\n",
        members.join(", ")
    )
}

fn ours(
    program: &Path,
    place: &Path,
    count: usize,
    (channel, way): (&str, &str),
    arrivals: &Receiver<Arrival>,
    clock: &SharedClock,
) -> Result<Channel, BenchError> {
    let handoffs = count.div_ceil(PEOPLE);
    let messages = handoffs * PEOPLE;
    let workspace = place.join("workspace");
    let folders = agent::folders(&workspace, handoffs)?;
    let text = rules(channel, way);
    let settings = Settings {
        daemon: &text,
        ..Settings::default()
    };
    let daemon = Daemon::configured(program, &workspace, place.join("data"), settings, clock)?;
    agent::urgent(&folders)?;
    let mut ids = BTreeSet::new();
    let (mut first, mut last, mut again, mut bytes) = (None, Duration::ZERO, 0, 0);
    let mut memory = Vec::new();
    while ids.len() < messages {
        match arrivals.recv_timeout(PATIENCE) {
            Ok(arrival) => {
                first.get_or_insert(arrival.at);
                last = arrival.at;
                bytes = arrival.bytes;
                if !ids.insert(arrival.id) {
                    again += 1;
                } else if ids.len() % (messages / 4).max(1) == 0 {
                    memory.extend(process::memory(daemon.pid(), "VmRSS"));
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    daemon.end()?;
    let span = last.saturating_sub(first.unwrap_or_default());
    Ok(Channel {
        messages,
        arrived: ids.len(),
        again,
        bytes,
        floor: 0.0,
        ours: rate(ids.len(), span),
        ratio: 0.0,
        memory,
        met: false,
    })
}

fn rate(messages: usize, span: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let rate = ratio(messages as f64, span.as_secs_f64());
    rounded(rate)
}

/// Messages per second of senders that do nothing else, each over a connection of its own that `open` makes.
fn floor<S: FnMut(&[u8]) -> std::io::Result<()>>(
    count: usize,
    address: SocketAddr,
    bytes: usize,
    open: impl Fn(SocketAddr) -> std::io::Result<S> + Sync,
    arrivals: &Receiver<Arrival>,
) -> Result<f64, BenchError> {
    // Messages of the daemon that came twice are not of the floor.
    while arrivals.try_recv().is_ok() {}
    let each = count / CONNECTIONS;
    let body: Vec<u8> = b"A line of a message, as long as those of the others are.\r\n"
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect();
    std::thread::scope(|scope| {
        let send = || {
            let mut send = open(address)?;
            (0..each).try_for_each(|_| send(&body))
        };
        let senders: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(send)).collect();
        let ended = senders.into_iter().map(|sender| {
            let ended = sender.join();
            ended.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))
        });
        ended.collect::<std::io::Result<()>>()
    })
    .map_err(system("send the messages of the floor"))?;
    // A sender has its answer before the last arrival is told.
    let arrived = (0..each * CONNECTIONS).map_while(|_| arrivals.recv_timeout(PATIENCE).ok());
    let times: Vec<Duration> = arrived.map(|arrival| arrival.at).collect();
    let (first, last) = (times.iter().min(), times.iter().max());
    let span = last
        .zip(first)
        .map(|(last, first)| last.saturating_sub(*first));
    if times.len() < each * CONNECTIONS {
        return Err(BenchError::Floor(times.len()));
    }
    Ok(rate(times.len(), span.unwrap_or_default()))
}
