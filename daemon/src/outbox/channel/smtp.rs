//! Sessions with a mail server, kept for the next mail.
//!
//! lettre can keep sessions by itself, but it writes the end of a mail behind its body and leaves the algorithm of Nagle
//! on (RFC 896): each mail then waits forty milliseconds for an acknowledgement that the other side delays.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Tls},
        extension::ClientId,
        response::Response,
    },
};
use tokio::net::TcpStream;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(30);
/// Sessions that nobody used for so long are let go of.
const IDLE: Duration = Duration::from_secs(30);

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// The server is not reached.
    #[error("Connection error: {0}")]
    Connect(#[from] io::Error),
    /// The server, or what it is told, is at fault.
    #[error(transparent)]
    Smtp(#[from] Error),
}

/// The sessions with one server. Clones share them.
#[derive(Clone)]
pub(super) struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    host: String,
    port: u16,
    security: Tls,
    credentials: Option<Credentials>,
    hello: ClientId,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    idle: Vec<AsyncSmtpConnection>,
    /// How often a session was put back.
    uses: u64,
    /// Whether somebody looks after them.
    is_tended: bool,
}

impl Sessions {
    pub(super) fn new(
        (host, port): (String, u16),
        security: Tls,
        credentials: Option<Credentials>,
    ) -> Self {
        let inner = Inner {
            host,
            port,
            security,
            credentials,
            hello: ClientId::default(),
            kept: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Sends a mail, by a session that is there or else by a new one.
    pub(super) async fn send(&self, message: &Message) -> Result<Response, SendError> {
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let known = self.kept().idle.pop();
        if let Some(mut session) = known {
            match session.send(envelope, &bytes).await {
                // One that the server had closed meanwhile: a new one may do.
                Err(error) if is_stale(&error) => {}
                sent => return self.done(session, sent),
            }
        }
        let mut session = self.connect().await?;
        let sent = session.send(envelope, &bytes).await;
        self.done(session, sent)
    }

    fn done(
        &self,
        session: AsyncSmtpConnection,
        sent: Result<Response, Error>,
    ) -> Result<Response, SendError> {
        if sent.is_ok() && !session.has_broken() {
            self.keep(session);
        }
        Ok(sent?)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let Inner {
            host,
            port,
            security,
            hello,
            ..
        } = &*self.inner;
        let mut session = if let Tls::Wrapper(parameters) = security {
            // The library takes no stream of ours here, so these mails wait for the acknowledgement.
            let parameters = Some(parameters.clone());
            let server = (host.as_str(), *port);
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), hello, parameters, None)
                .await?
        } else {
            let stream = TcpStream::connect((host.as_str(), *port));
            let stream = tokio::time::timeout(CONNECT, stream)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            stream.set_nodelay(true)?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await?
        };
        if let Tls::Required(parameters) = security {
            session.starttls(parameters.clone(), hello).await?;
        }
        if let Some(credentials) = &self.inner.credentials {
            session.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(session)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        let kept = self.inner.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, session: AsyncSmtpConnection) {
        let mut kept = self.kept();
        kept.idle.push(session);
        kept.uses += 1;
        if !std::mem::replace(&mut kept.is_tended, true) {
            tokio::spawn(self.clone().tend());
        }
    }

    /// Lets go of all sessions once nobody used any for a while.
    async fn tend(self) {
        loop {
            let before = self.kept().uses;
            tokio::time::sleep(IDLE).await;
            let idle = {
                let mut kept = self.kept();
                if kept.uses != before {
                    continue;
                }
                kept.is_tended = false;
                std::mem::take(&mut kept.idle)
            };
            for mut session in idle {
                session.abort().await;
            }
            return;
        }
    }
}

/// Whether the connection was gone rather than the mail refused.
fn is_stale(error: &Error) -> bool {
    error.status().is_none() && !error.is_timeout() && !error.is_tls() && !error.is_client()
}
