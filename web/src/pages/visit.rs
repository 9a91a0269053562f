//! A person who looks at a page.

use std::collections::BTreeMap;

use axum::{extract::FromRequestParts, response::Html};
use countersign_protocol::access::{Access, Grant, Permission};
use http::request::Parts;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::view::{Now, PersonView};
use crate::{
    desk::{Caller, Frame, Person, Queue},
    error::Problem,
    security::{Csrf, Misplaced, Nonce, Origin, Shared, SignedIn, session},
    state::AppState,
    templates::Page,
};

/// What every page needs of its request.
#[derive(Clone)]
pub(super) struct Visit {
    /// Desk and settings.
    pub(super) app: AppState,
    /// Who looks.
    pub(super) person: Person,
    zone: TimeZone,
    csrf: String,
    nonce: String,
    origin: String,
    is_shared: bool,
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let SignedIn(person) = SignedIn::from_request_parts(parts, app).await?;
        let Csrf(csrf) = Csrf::from_request_parts(parts, app).await?;
        let Nonce(nonce) = Nonce::from_request_parts(parts, app).await?;
        let Origin(origin) = Origin::from_request_parts(parts, app).await?;
        Ok(Self {
            app: app.clone(),
            zone: zone_of(&person, parts, app),
            person,
            csrf,
            nonce,
            origin,
            is_shared: parts.extensions.get::<Shared>().is_some(),
        })
    }
}

/// The time zone that the configuration states of a person, else that of the browser, else UTC.
fn zone_of(person: &Person, parts: &Parts, app: &AppState) -> TimeZone {
    let of_browser = || TimeZone::get(session::zone(&parts.headers)?).ok();
    let zone = app.desk.zone(&person.id).or_else(of_browser);
    zone.unwrap_or(TimeZone::UTC)
}

impl Visit {
    /// The person as the desk wants it.
    pub(super) fn caller(&self) -> Caller {
        Caller::Person(self.person.clone())
    }

    /// For the forms of its pages.
    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The scheme and host under which the browser knows us.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The name of the time zone of the person.
    pub(super) fn zone(&self) -> Option<String> {
        self.zone.iana_name().map(str::to_owned)
    }

    /// The time of this visit, as its person reads it.
    pub(super) fn now(&self) -> Now<'_> {
        Now::new((self.app.settings.now)(), &self.zone)
    }

    /// The frame of a page, with counts from the desk.
    pub(super) async fn chrome(&self, section: &'static str) -> Result<Chrome, Problem> {
        let frame = self.app.desk.frame(&self.caller()).await?;
        Ok(self.framed(section, frame))
    }

    /// The frame of a page that asked for the queue itself.
    pub(super) fn chrome_of(&self, section: &'static str, queue: &Queue) -> Chrome {
        let frame = Frame {
            turn: queue.counts.turn,
            dead: queue.dead_letters.len(),
            locks: queue.locks,
            seq: queue.seq,
        };
        self.framed(section, frame)
    }

    fn framed(&self, section: &'static str, frame: Frame) -> Chrome {
        Chrome {
            nonce: self.nonce.clone(),
            csrf: self.csrf.clone(),
            moves_to: None,
            is_shared: self.is_shared,
            person: Some(PersonView::new(&self.person)),
            section,
            turn: frame.turn,
            dead: frame.dead,
            locks: frame.locks,
            seq: frame.seq,
            rights: Rights::new(&self.person.access),
        }
    }

    /// Renders a page.
    pub(super) fn render<P: Page>(&self, page: &P) -> Result<Html<String>, Problem> {
        self.app.render(page)
    }
}

/// The frame around every page.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Chrome {
    /// For the script elements of this answer.
    pub(super) nonce: String,
    /// For the forms of this page.
    pub(super) csrf: String,
    /// Whether servers at other ports get the session of this browser.
    pub(super) is_shared: bool,
    /// What a script asks for at the own host, where the browser knows it.
    pub(super) moves_to: Option<String>,
    /// Who is signed in.
    pub(super) person: Option<PersonView>,
    /// Which part of the navigation this is.
    pub(super) section: &'static str,
    /// Handoffs that need a person.
    pub(super) turn: usize,
    /// Deliveries that could not be read.
    pub(super) dead: usize,
    /// Locks that are held.
    pub(super) locks: usize,
    /// The ledger entry that this page shows.
    pub(super) seq: u64,
    /// What the person may do, for what is offered on the page.
    pub(super) rights: Rights,
}

/// Names of permissions, by workspace. Templates ask it by the macro `may`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Rights {
    /// Held somewhere at all.
    anywhere: Vec<&'static str>,
    /// Whether it is somebody from outside, who sees one card.
    outside: bool,
    /// Held for what belongs to no workspace, and in those that are not named.
    elsewhere: Vec<&'static str>,
    /// Held in a workspace.
    named: BTreeMap<String, Vec<&'static str>>,
}

impl Rights {
    fn new(access: &Access) -> Self {
        let names = |grant: &Grant| grant.may.iter().map(Permission::name).collect();
        // Somebody from outside sees no page but those of one card.
        if let Some((_, grant)) = access.card() {
            return Self {
                elsewhere: names(grant),
                outside: true,
                ..Self::default()
            };
        }
        let anywhere = Permission::all().filter(|one| access.may_somewhere(*one));
        Self {
            anywhere: anywhere.map(Permission::name).collect(),
            outside: false,
            elsewhere: names(access.grant(None)),
            named: access
                .named()
                .map(|(name, grant)| (name.to_owned(), names(grant)))
                .collect(),
        }
    }
}

/// The frame of a page that anybody may open. Its forms work for whoever is signed in, too.
pub(super) struct Bare(pub(super) Chrome);

impl FromRequestParts<AppState> for Bare {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Csrf(csrf) = Csrf::from_request_parts(parts, app).await?;
        let nonce = Nonce::from_request_parts(parts, app).await?;
        let asked = parts.extensions.get::<Misplaced>().cloned();
        Ok(Self(Chrome {
            csrf,
            moves_to: asked.map(|Misplaced(asked)| asked),
            is_shared: parts.extensions.get::<Shared>().is_some(),
            ..Chrome::bare(&nonce)
        }))
    }
}

impl Chrome {
    /// For a page that says nothing about the work, since nobody may be signed in.
    pub(super) fn bare(nonce: &Nonce) -> Self {
        Self {
            nonce: nonce.0.clone(),
            ..Self::default()
        }
    }

    /// For tests of templates that anybody may open.
    #[cfg(test)]
    pub(super) fn bare_sample() -> Self {
        Self::bare(&Nonce("0".repeat(32)))
    }

    /// For tests of templates.
    #[cfg(test)]
    pub(super) fn sample(section: &'static str) -> Self {
        use countersign_protocol::access::Role;

        Self {
            nonce: "0".repeat(32),
            csrf: "1".repeat(64),
            moves_to: None,
            is_shared: false,
            person: Some(PersonView::new(&Person {
                id: "local:maya".to_owned(),
                display: "Maya Okafor".to_owned(),
                method: countersign_protocol::principal::Method::Web,
                access: Access::default(),
            })),
            section,
            turn: 3,
            dead: 1,
            locks: 3,
            seq: 42,
            rights: Rights::new(&Access::everywhere(&Role::ALL)),
        }
    }
}
