//! The page between an answer and its record: the person shows once more that it is them. It carries the answer, word
//! for word, and posts it again with a passkey or a password.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use countersign_protocol::{HandoffId, decision::Outcome};
use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{
    sign_in::{busy, slow_down, was_wrong},
    visit::{Chrome, Visit},
};
use crate::{
    desk::{
        Answer, Answered, DeskError,
        access::{SignInError, Visitor},
        step_up::{Proof, Ways},
    },
    error::Problem,
    render::words,
    security::{self, Origin, Shown},
    state::AppState,
    templates::Page,
};

/// What is known of the page that posts.
pub(super) struct OfPage {
    from: Visitor,
    origin: String,
    session: String,
}

impl FromRequestParts<AppState> for OfPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let security::From(from) = security::From::from_request_parts(parts, app).await?;
        let Origin(origin) = Origin::from_request_parts(parts, app).await?;
        let Shown(session) = Shown::from_request_parts(parts, app).await?;
        Ok(Self {
            from,
            origin,
            session: session.unwrap_or_default(),
        })
    }
}

impl OfPage {
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// What the form shows besides the session: a passkey, else a password.
    pub(super) fn proof(&self, said: String, password: String) -> Proof {
        if !said.is_empty() {
            let origin = self.origin.clone();
            Proof::Passkey { said, origin }
        } else if !password.is_empty() {
            Proof::Password(password)
        } else {
            Proof::Session(self.session.clone())
        }
    }

    /// Does `work` with a `proof`, which is counted when it is wrong.
    pub(super) async fn count<T>(
        &self,
        visit: &Visit,
        proof: &Proof,
        work: impl Future<Output = Result<T, SignInError>>,
    ) -> Result<Result<T, SignInError>, Problem> {
        let app = &visit.app;
        // Only this person is here, so that guesses of others at the sign-in do not count.
        let name = &format!("{}\0signed in", visit.person.id);
        let is_guess = matches!(proof, Proof::Password(_));
        if is_guess {
            slow_down(app, &self.from, name)?;
        }
        let done = work.await;
        match &done {
            Err(SignInError::Refused) if is_guess => was_wrong(app, &self.from, name.clone()),
            Err(SignInError::Busy) => return Err(busy()),
            Ok(_) if is_guess => app.sign_ins.succeeded(name),
            _ => {}
        }
        Ok(done)
    }
}

/// An answer with what was shown for it.
pub(super) struct Asking<'a> {
    visit: &'a Visit,
    id: HandoffId,
    /// The form, without what is secret in it.
    fields: Vec<(String, String)>,
    answer: Answer,
    proof: Proof,
}

/// What became of it.
pub(super) enum Given {
    /// The desk has said what it says to an answer.
    Answered(Result<Answered, DeskError>),
    /// The page that asks.
    Asked(Response),
}

impl<'a> Asking<'a> {
    pub(super) fn read(
        visit: &'a Visit,
        id: HandoffId,
        page: &OfPage,
        fields: Vec<(String, String)>,
        answer: Answer,
    ) -> Self {
        let (mut said, mut password) = (String::new(), String::new());
        let mut kept = Vec::new();
        for (name, value) in fields {
            match name.as_str() {
                "said" => said = value,
                "password" => password = value,
                "csrf" => {}
                _ => kept.push((name, value)),
            }
        }
        Self {
            visit,
            id,
            fields: kept,
            answer,
            proof: page.proof(said, password),
        }
    }

    /// Gives the answer, or asks for what is missing.
    pub(super) async fn decide(self, page: &OfPage) -> Result<Given, Problem> {
        let desk = &self.visit.app.desk;
        let (who, answer) = (&self.visit.person, self.answer.clone());
        let work = desk.decide_confirmed(who, self.id, answer, self.proof.clone());
        let wrong = match page.count(self.visit, &self.proof, work).await? {
            Ok(answered) => return Ok(Given::Answered(Ok(answered))),
            Err(SignInError::Desk(DeskError::StepUp(_))) => None,
            Err(SignInError::Desk(DeskError::Invalid { field, message })) if field == "passkey" => {
                Some(message)
            }
            Err(SignInError::Desk(error)) => return Ok(Given::Answered(Err(error))),
            Err(error) => Some(words::capital(&error.to_string())),
        };
        self.ask(page, wrong).await.map(Given::Asked)
    }

    async fn ask(self, page: &OfPage, error: Option<String>) -> Result<Response, Problem> {
        let (visit, id) = (self.visit, self.id);
        let desk = &visit.app.desk;
        let row = desk.row(&visit.caller(), id).await?;
        let ways = desk.ways_to_confirm(&visit.person, id, &self.answer, page.origin());
        let ways = WaysView::from(ways.await?);
        let status = match error {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        let page = StepUpPage {
            chrome: visit.chrome("queue").await?,
            id: id.to_string(),
            title: row.title,
            revision: self.answer.revision,
            manifest: self.answer.manifest_sha256.to_string(),
            answer: match self.answer.outcome {
                Outcome::Edited => "approve it with your edit",
                _ => "approve it",
            },
            note: self.answer.comment,
            fields: self.fields,
            ways,
            name: visit.person.id.clone(),
            error,
        };
        Ok((status, visit.render(&page)?).into_response())
    }
}

/// What can be shown.
#[derive(Debug, Serialize)]
struct WaysView {
    passkey: Option<String>,
    password: bool,
    provider: bool,
    start_link: bool,
}

impl From<Ways> for WaysView {
    fn from(ways: Ways) -> Self {
        Self {
            passkey: ways.passkey,
            password: ways.password,
            provider: ways.provider && !ways.password,
            start_link: ways.start_link && !ways.password,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StepUpPage {
    chrome: Chrome,
    id: String,
    title: String,
    revision: u32,
    manifest: String,
    answer: &'static str,
    note: Option<String>,
    fields: Vec<(String, String)>,
    ways: WaysView,
    name: String,
    error: Option<String>,
}

impl Page for StepUpPage {
    const TEMPLATE: &'static str = "pages/step-up.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        use crate::showcase::sample;
        let page = |ways, error: Option<&str>| Self {
            chrome: Chrome::sample("queue"),
            id: "H-1".to_owned(),
            title: sample::HOSTILE.to_owned(),
            revision: 2,
            manifest: "a".repeat(64),
            answer: "approve it",
            note: Some(sample::HOSTILE.to_owned()),
            fields: vec![("answer".to_owned(), "approve".to_owned())],
            ways: WaysView::from(ways),
            name: "maya".to_owned(),
            error: error.map(str::to_owned),
        };
        let by_key = Ways {
            passkey: Some(r#"{"challenge":"YQ"}"#.to_owned()),
            password: true,
            ..Ways::default()
        };
        let anew = Ways {
            provider: true,
            start_link: true,
            ..Ways::default()
        };
        vec![
            page(by_key.clone(), None),
            page(by_key, Some("The signature is not of this passkey")),
            page(anew, None),
            page(Ways::default(), None),
        ]
    }
}
