//! What a handler takes from a request. Each rejection is a [`Problem`] that a person can read.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;

use super::{
    client::{Client, Place},
    csrf, device,
    identity::Identity,
    session,
};
use crate::{
    desk::{Caller, Person, access::Visitor},
    error::Problem,
    state::AppState,
};

/// The nonce that scripts and styles of this answer carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(pub String);

/// A person who is signed in. Nobody gets the page that says how to; an agent is refused.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Person);

/// A person or an agent. Nobody is told to sign in.
#[derive(Clone, Debug)]
pub struct Signed(pub Caller);

/// The token for the hidden field `csrf` of a form, or the header `X-CSRF-Token`. Empty for a caller
/// without a session, who needs none.
#[derive(Clone, Debug)]
pub struct Csrf(pub String);

impl<S: Sync> FromRequestParts<S> for Nonce {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts
            .extensions
            .get()
            .cloned()
            .unwrap_or(Self(String::new())))
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Identity>() {
            Some(identity) => Ok(Self(identity.caller.clone())),
            None => Err(Problem::sign_in()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Signed::from_request_parts(parts, state).await?.0 {
            Caller::Person(person) => Ok(Self(person)),
            Caller::Agent(_) => Err(Problem::people_only()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Csrf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let session = parts
            .extensions
            .get::<Identity>()
            .and_then(|identity| identity.session.as_deref());
        Ok(Self(session.map(csrf::token).unwrap_or_default()))
    }
}

/// The scheme and host under which a browser knows us, as in `Origin`.
#[derive(Clone, Debug)]
pub struct Origin(pub String);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let client = parts.extensions.get::<Client>();
        Ok(Self(
            client
                .map(|client| client.origin.clone())
                .unwrap_or_default(),
        ))
    }
}

/// Where the request comes from.
#[derive(Clone, Debug)]
pub struct From(pub Visitor);

impl FromRequestParts<AppState> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        Ok(Self(session::visitor(app, parts)))
    }
}

/// What the browser shows of the accounts that were signed in in it.
pub(crate) struct Devices {
    app: AppState,
    place: Place,
    headers: HeaderMap,
}

impl Devices {
    /// Returns the number of this browser, when `account` was signed in in it.
    pub(crate) fn number(&self, account: &str) -> Option<&str> {
        device::number(&self.app.settings, self.place, &self.headers, account)
    }
}

impl FromRequestParts<AppState> for Devices {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        Ok(Self {
            app: app.clone(),
            place: Place::of(&parts.extensions),
            headers: parts.headers.clone(),
        })
    }
}

/// The secret of the session that was shown; absent for bearer tokens.
#[derive(Clone, Debug)]
pub struct Shown(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Identity>();
        Ok(Self(identity.and_then(|identity| identity.session.clone())))
    }
}

/// Parts of the path. What does not parse names no resource.
#[derive(Clone, Debug)]
pub struct PathOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::not_found(format!("`{}`", parts.uri.path()))
                .with("cause", rejection.body_text())),
        }
    }
}

/// The query.
#[derive(Clone, Debug)]
pub struct QueryOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// A form. The token was checked before; `T` need not name it.
#[derive(Clone, Debug)]
pub struct FormOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormOf<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(body_problem(rejection.status(), rejection.body_text())),
        }
    }
}

/// A JSON body: `application/json`, UTF-8, at most as deep as `serde_json` allows (128), and with
/// the fields of `T`.
#[derive(Clone, Debug)]
pub struct JsonOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonOf<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // Anything else could come from a plain form of another site without asking first.
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| {
                let essence = text.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/json")
            });
        if !json {
            return Err(body_problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body has to be `application/json`.".to_owned(),
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => body_problem(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The request is too large. Large files go through the folder of the workspace, or `[limits] delivery` allows more."
                        .to_owned(),
                ),
                status => body_problem(status, rejection.body_text()),
            })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let inner = error.inner();
            if inner.is_data() {
                let pointer = pointer(error.path());
                Problem::invalid(pointer, inner.to_string())
            } else {
                Problem::bad_request(format!("The body is not JSON: {inner}."))
                    .with("line", inner.line())
                    .with("column", inner.column())
            }
        })?;
        match reader.end() {
            Ok(()) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request(format!(
                "The body is not JSON: {error}."
            ))),
        }
    }
}

/// The JSON pointer (RFC 6901) of a place.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut text, segment| {
        match segment {
            Segment::Seq { index } => {
                text.push('/');
                text.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                text.push('/');
                text.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        text
    })
}

fn body_problem(status: StatusCode, detail: String) -> Problem {
    let (kind, title) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "Something is over its size limit"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "The body has another media type"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid", "A field breaks a rule"),
        _ => ("bad-request", "The request cannot be understood"),
    };
    Problem::new(status, kind, title, detail)
}
