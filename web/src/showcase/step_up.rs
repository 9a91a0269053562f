//! Passkeys: Maya has one, and no answer asks for it.

use async_trait::async_trait;
use countersign_protocol::HandoffId;

use super::{Showcase, access::PASSWORD, sample};
use crate::desk::{
    Answer, Answered, Desk as _, DeskError, Person, StepUpDesk,
    access::SignInError,
    step_up::{PasskeyRow, Proof, Ways},
};

/// A passkey of Maya.
pub fn row() -> PasskeyRow {
    PasskeyRow {
        id: "k1".to_owned(),
        name: sample::HOSTILE.to_owned(),
        site: "localhost".to_owned(),
        made_at: sample::now(),
        used_at: None,
    }
}

#[async_trait]
impl StepUpDesk for Showcase {
    async fn passkeys(&self, _: &Person) -> Result<Vec<PasskeyRow>, DeskError> {
        Ok(vec![row()])
    }

    async fn passkey_to_make(&self, _: &Person, _: &str) -> Result<Option<String>, DeskError> {
        Ok(Some("{}".to_owned()))
    }

    async fn add_passkey(
        &self,
        _: &Person,
        _: &str,
        _: (&str, &str),
        proof: Proof,
    ) -> Result<(), SignInError> {
        if proof != Proof::Password(PASSWORD.to_owned()) {
            return Err(SignInError::Refused);
        }
        self.moved();
        Ok(())
    }

    async fn remove_passkey(&self, _: &Person, id: &str) -> Result<(), DeskError> {
        if id != row().id {
            return Err(DeskError::NotFound(format!("the passkey `{id}`")));
        }
        self.moved();
        Ok(())
    }

    async fn ways_to_confirm(
        &self,
        _: &Person,
        _: HandoffId,
        _: &Answer,
        _: &str,
    ) -> Result<Ways, DeskError> {
        Ok(Ways {
            passkey: Some("{}".to_owned()),
            password: true,
            ..Ways::default()
        })
    }

    async fn decide_confirmed(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
        _: Proof,
    ) -> Result<Answered, SignInError> {
        Ok(self.decide(who, id, answer).await?)
    }
}
