//! What goes wrong over HTTP: one type for pages and API (RFC 9457).
//!
//! A handler gives back a [`Problem`] and knows nothing of its looks. The edge in [`crate::routes`]
//! writes it as `application/problem+json` below `/api/` and as a page everywhere else.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use axum::response::{IntoResponse, Response};
use countersign_protocol::{access::Permission, problem::Refusal};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::desk::{DeskError, SearchError, locks::LocksError};

/// A problem. It is a pointer, so that the good results around it stay small.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

/// What a problem says: message, cause and hint are separate.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The HTTP status.
    pub status: StatusCode,
    /// The last part of the type URI, in kebab case.
    pub kind: &'static str,
    /// One sentence that is the same for every problem of this kind.
    pub title: String,
    /// One sentence about this very case.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Extension members (RFC 9457, section 3.2).
    pub more: Map<String, Value>,
    /// Headers that the status asks for, for example `Allow` or `Retry-After`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem without hint, members or headers.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            kind,
            title: title.into(),
            detail: detail.into(),
            hint: None,
            more: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// The same problem with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with an extension member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The same problem with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Nobody is signed in.
    pub fn sign_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign-in",
            "Sign in first",
            "This needs a person who is signed in, or a token.",
        )
        .hint("Run `countersign open` on the machine of the daemon and follow the link.")
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"countersign\""),
        )
    }

    /// The bearer token is not known, expired or taken back (RFC 6750, section 3.1).
    pub fn bad_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "bad-token",
            "The token is not valid",
            "It is unknown, expired or was taken back.",
        )
        .hint("Ask the operator for a new one.")
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"countersign\", error=\"invalid_token\""),
        )
    }

    /// Only a person may do this.
    pub fn people_only() -> Self {
        Self::forbidden("Only a person may do this; a token of an agent is not enough.")
    }

    /// The caller is known and may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not-allowed",
            "This is not allowed",
            detail,
        )
    }

    /// The roles of the caller are not enough.
    fn may_not(
        permission: Permission,
        workspace: Option<String>,
        roles: &[String],
        detail: String,
    ) -> Self {
        let has = match (roles, &workspace) {
            ([], Some(name)) => format!("You have no role in `{name}`."),
            ([], None) => "You have no role for what belongs to no workspace.".to_owned(),
            (roles, Some(name)) => format!("Your role in `{name}`: {}.", roles.join(", ")),
            (roles, None) => format!("Your role: {}.", roles.join(", ")),
        };
        let enough: Vec<_> = permission.roles().iter().map(|role| role.name()).collect();
        let mut problem = Self::forbidden(detail)
            .hint(format!(
                "{has} It takes `{permission}`, which the role {} has. Roles are given in the \
                 configuration of the daemon; ask whoever runs it.",
                enough.join(" or ")
            ))
            .with("permission", permission.name())
            .with("roles", json!(roles));
        if let Some(name) = workspace {
            problem = problem.with("workspace", name);
        }
        problem
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing here",
            format!("{what} was not found."),
        )
    }

    /// The request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
            detail,
        )
    }

    /// A field breaks a rule. `field` is its form name or JSON pointer.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "A field breaks a rule",
            message.clone(),
        )
        .with("errors", json!([{ "pointer": field, "message": message }]))
    }

    /// The JSON document for the resource at `instance`.
    pub fn document(&self, instance: &str) -> Value {
        let mut document = Map::new();
        document.insert(
            "type".to_owned(),
            format!("urn:countersign:problem:{}", self.kind).into(),
        );
        document.insert("title".to_owned(), self.title.clone().into());
        document.insert("status".to_owned(), self.status.as_u16().into());
        document.insert("detail".to_owned(), self.detail.clone().into());
        document.insert("instance".to_owned(), instance.into());
        if let Some(hint) = &self.hint {
            document.insert("hint".to_owned(), hint.clone().into());
        }
        for (name, value) in &self.more {
            document.entry(name).or_insert_with(|| value.clone());
        }
        Value::Object(document)
    }
}

impl Deref for Problem {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let message = format!("{error}.");
        match error {
            DeskError::NotFound(what) => Self::not_found(what),
            DeskError::NotAllowed(why) => Self::forbidden(format!("{why}.")),
            DeskError::MayNot {
                permission,
                workspace,
                roles,
            } => Self::may_not(permission, workspace, &roles, message),
            DeskError::StepUp(id) => Self::new(
                StatusCode::FORBIDDEN,
                "step-up",
                "This takes you, and not a program in your name",
                message,
            )
            .hint(format!(
                "Open `/h/{id}` in a browser: it asks for a passkey or your password. No token and no command does it."
            ))
            .with("handoff_id", id.to_string()),
            DeskError::Stale {
                id,
                revision,
                manifest_sha256,
                answered,
            } => Self::new(
                StatusCode::CONFLICT,
                "stale",
                "There is something newer than what you answered",
                message,
            )
            .hint("Look at the newest revision and answer again. Nothing was recorded.")
            .with("handoff_id", id.to_string())
            .with("revision", revision)
            .with("manifest_sha256", manifest_sha256.to_string())
            .with("answered", answered),
            DeskError::Conflict { id, why } => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Somebody was faster, or nobody is asked",
                format!("{id} {why}."),
            )
            .with("handoff_id", id.to_string()),
            DeskError::Overtaken(why) => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "It does not stand as it would have to",
                format!("{why}."),
            ),
            DeskError::Invalid { field, message } => Self::invalid(field, message),
            DeskError::Refused(refusal) => Self::from(refusal),
            DeskError::Unavailable(why) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "It cannot be recorded now",
                format!("{why}."),
            )
            .hint("Nothing was changed. Try again in a moment.")
            .header(header::RETRY_AFTER, HeaderValue::from_static("5")),
        }
    }
}

impl From<LocksError> for Problem {
    fn from(error: LocksError) -> Self {
        let message = format!("{error}.");
        let conflict = |kind, title| Self::new(StatusCode::CONFLICT, kind, title, message.clone());
        match error {
            LocksError::Desk(error) => error.into(),
            LocksError::Taken { by, .. } => conflict("locked", "It is locked by somebody else")
                .hint("Wait in line with `wait_seconds`, or ask again later.")
                .with("by", json!(by)),
            LocksError::Over { .. } => conflict("lock-over", "This lock is no more")
                .hint("Stop writing what it was on, and ask for a new one."),
            LocksError::Stale { fence, .. } => conflict("stale-fence", "The token is an old one")
                .hint("Stop writing what the lock is on; somebody else may have it by now.")
                .with("fence", json!(fence)),
            LocksError::TooMany(_) => conflict("too-many-locks", "These are too many locks")
                .hint("Let go of some first; a folder or a glob is one lock."),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query(error) => Self::new(
                StatusCode::BAD_REQUEST,
                "query",
                "The query cannot be read",
                format!("At character {}: {}.", error.place.start + 1, error.message),
            )
            .hint(error.hint)
            .with("place", json!(error.place)),
            SearchError::Zone(name) => Self::new(
                StatusCode::BAD_REQUEST,
                "query",
                "The time zone is not known",
                format!("There is no time zone `{name}`."),
            )
            .hint("Name one as in `Europe/Zagreb`, or leave it out."),
            SearchError::Desk(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status =
            StatusCode::from_u16(refusal.kind.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        let detail = refusal.violations.first().map_or_else(
            || refusal.kind.title().to_owned(),
            |first| first.message.clone(),
        );
        Self::new(status, refusal.kind.name(), refusal.kind.title(), detail)
            .with("code", refusal.kind.name())
            .with("valid", false)
            .with("errors", json!(refusal.violations))
    }
}

impl IntoResponse for Problem {
    /// Status and headers; the edge writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
