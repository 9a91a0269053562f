//! One row of the table: a route, a request that a person may make there, and what each caller gets.

use crate::testing::{ALPHA, Ask, BETA, manifest};

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Nobody,
    /// The agent of the workspace of H-1.
    OwnAgent,
    /// The agent of another workspace.
    OtherAgent,
    /// Maya in her browser.
    Person,
}

impl Role {
    pub(super) const ALL: [Self; 4] =
        [Self::Nobody, Self::OwnAgent, Self::OtherAgent, Self::Person];

    pub(super) fn as_caller(self, ask: Ask) -> Ask {
        match self {
            Self::Nobody => ask,
            Self::OwnAgent => ask.bearer(ALPHA),
            Self::OtherAgent => ask.bearer(BETA),
            Self::Person => ask.maya(),
        }
    }
}

/// One route with a request that a person may make.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// As it is called in the OpenAPI document.
    pub(super) operation: Option<&'static str>,
    pub(super) body: Body,
    /// For each [`Role`].
    pub(super) statuses: [u16; 4],
    /// Whether it records something when it works.
    pub(super) records: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Body {
    None,
    Json(&'static str),
    Form(&'static str),
    Decision,
    DecisionForm,
    Batch,
    SeenForm,
}

impl Route {
    /// The request without a caller.
    pub(super) fn ask(&self) -> Ask {
        let ask = Ask::new(self.method, self.path);
        match self.body {
            Body::None => ask,
            Body::Json(text) => ask.json(text),
            Body::Form(text) => ask.form(text),
            Body::DecisionForm => ask.form(format!(
                "revision=2&manifest_sha256={}&answer=approve&note=",
                manifest(b"one\n2\n")
            )),
            Body::Batch => ask.form(format!(
                "other=H-1+2+{}&do=snooze&minutes=60",
                manifest(b"one\n2\n")
            )),
            Body::SeenForm => ask.form(format!(
                "revision=2&manifest_sha256={}",
                manifest(b"one\n2\n")
            )),
            Body::Decision => ask.json(format!(
                r#"{{"revision":2,"manifest_sha256":"{}","outcome":"approved"}}"#,
                manifest(b"one\n2\n")
            )),
        }
    }
}

pub(super) const fn get(path: &'static str, operation: &'static str, statuses: [u16; 4]) -> Route {
    Route {
        method: "GET",
        path,
        operation: Some(operation),
        body: Body::None,
        statuses,
        records: false,
    }
}

pub(super) const fn post(
    path: &'static str,
    operation: &'static str,
    body: Body,
    statuses: [u16; 4],
) -> Route {
    Route {
        method: "POST",
        path,
        operation: Some(operation),
        body,
        statuses,
        records: true,
    }
}

/// A page: for people only.
pub(super) const fn page(path: &'static str, status: u16) -> Route {
    Route {
        operation: None,
        ..get(path, "", [401, 403, 403, status])
    }
}

/// What it changes is no fact.
pub(super) const fn quiet(route: Route) -> Route {
    Route {
        records: false,
        ..route
    }
}

/// A form on a page: for people only, and it leads to another page.
pub(super) const fn form(path: &'static str, body: Body) -> Route {
    Route {
        operation: None,
        ..post(path, "", body, [401, 403, 403, 303])
    }
}
