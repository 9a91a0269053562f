//! Messages of the desk in memory: one receiver, one message, and a link for each answer to the first card.

use async_trait::async_trait;
use countersign_protocol::HandoffId;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Showcase, sample};
use crate::desk::{
    Answered, Caller, DeskError, LinkError, LinkView, MessageRow, MessagesDesk, Person,
    ReceiverRow, RiskLevel, TestResult, messages::Disclosed,
};

/// The token of the link that approves H-1; the one of the other link has `-changes` behind it.
pub(crate) const LINK: &str = "link-of-maya";

/// What is told where nobody said otherwise.
pub(crate) fn disclosed() -> Vec<Disclosed> {
    let row = |(class, level): (&str, &str)| Disclosed {
        class: class.to_owned(),
        level: level.to_owned(),
    };
    [
        ("public", "full"),
        ("internal", "full"),
        ("confidential", "id-and-reason"),
        ("restricted", "link-only"),
    ]
    .map(row)
    .to_vec()
}

#[async_trait]
impl MessagesDesk for Showcase {
    async fn disclosed(&self, _: &Person) -> Result<Vec<Disclosed>, DeskError> {
        Ok(disclosed())
    }

    async fn messages(&self, who: &Caller, id: HandoffId) -> Result<Vec<MessageRow>, DeskError> {
        self.lock().card(who, id)?;
        Ok(vec![MessageRow {
            id: "msg_1".to_owned(),
            receiver: "mail".to_owned(),
            to: Some(sample::maya().display),
            kind: "turn".to_owned(),
            state: "sent".to_owned(),
            since: sample::now(),
            at: Some(sample::now()),
            attempts: 1,
            said: Some("250 OK".to_owned()),
        }])
    }

    async fn receivers(&self, _: &Person) -> Result<Vec<ReceiverRow>, DeskError> {
        Ok(vec![ReceiverRow {
            name: "mail".to_owned(),
            disabled_since: None,
            disabled_why: None,
            last_sent: Some(sample::now()),
            failing_since: None,
            last_failure: None,
            waiting: 0,
            failed: 0,
        }])
    }

    async fn enable_receiver(&self, _: &Person, name: &str) -> Result<(), DeskError> {
        known(name)?;
        self.record(|_| ());
        Ok(())
    }

    async fn redrive_receiver(&self, _: &Person, name: &str) -> Result<u64, DeskError> {
        known(name)?;
        self.record(|_| ());
        Ok(0)
    }

    async fn test_messages(
        &self,
        _: &Person,
        receiver: Option<&str>,
        _: Option<&str>,
    ) -> Result<Vec<TestResult>, DeskError> {
        let receiver = receiver.unwrap_or("mail").to_owned();
        known(&receiver)?;
        Ok(vec![TestResult {
            receiver,
            sample: "test".to_owned(),
            ok: true,
            said: "250 OK".to_owned(),
        }])
    }

    async fn link(
        &self,
        id: HandoffId,
        token: &str,
        now: Timestamp,
    ) -> Result<LinkView, LinkError> {
        let answer = match token.strip_prefix(LINK) {
            Some("") => "approve",
            Some("-changes") => "changes",
            _ => return Err(LinkError::Unknown),
        };
        let who = Caller::Person(sample::maya());
        let row = crate::desk::Desk::row(self, &who, id)
            .await
            .map_err(|_| LinkError::Unknown)?;
        Ok(LinkView {
            id,
            revision: row.revision,
            answer: answer.to_owned(),
            title: row.title,
            agent: row.agent,
            files: row.files,
            names: Vec::new(),
            risk: RiskLevel::Low,
            effect: "It goes on.".to_owned(),
            sent_to: "maya@example.org".to_owned(),
            sent_at: now,
            expires: now
                .saturating_add(SignedDuration::from_hours(8))
                .unwrap_or(now),
            zone: TimeZone::UTC,
            given_to: None,
        })
    }

    async fn answer_by_link(
        &self,
        id: HandoffId,
        token: &str,
        _: Option<&Person>,
        _: Option<String>,
    ) -> Result<Answered, LinkError> {
        self.link(id, token, sample::now()).await?;
        self.record(|_| ());
        Ok(Answered::Decided(Box::new(sample::decision())))
    }

    async fn mail_stopped(&self, token: &str) -> Option<bool> {
        (token == LINK).then_some(false)
    }

    async fn stop_mail(&self, token: &str, _: bool) -> Result<bool, DeskError> {
        let is_known = token == LINK;
        if is_known {
            self.record(|_| ());
        }
        Ok(is_known)
    }
}

fn known(name: &str) -> Result<(), DeskError> {
    if name == "mail" {
        Ok(())
    } else {
        Err(DeskError::NotFound(format!("the receiver `{name}`")))
    }
}
