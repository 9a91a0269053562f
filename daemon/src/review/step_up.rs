//! Whether it is really them: passkeys, and what somebody shows with an answer that asks for it.

use async_trait::async_trait;
use countersign_protocol::{Digest, HandoffId, principal::Verified};
use countersign_web::desk::{
    Answer, Answered, DeskError, EditsDesk as _, Person, StepUpDesk,
    access::SignInError,
    step_up::{PasskeyRow, Proof, Ways},
};

use super::{LedgerDesk, access::person_actor, person_tokens::check_present};
use crate::passkey::Site;

/// What proves that somebody may keep another passkey.
const KEEP: &str = "keep";

impl LedgerDesk {
    /// One text for one answer of one person: the card, its revision and bytes, every word, and what was edited.
    async fn matter(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
    ) -> Result<String, DeskError> {
        let edits = self.edits(who, id).await?;
        let edits: Vec<_> = edits
            .iter()
            .filter(|edit| edit.current)
            .map(|edit| (&edit.path, edit.sha256))
            .collect();
        let whole = serde_json::to_vec(&("answer", id, answer, edits));
        let whole = whole.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        Ok(Digest::of(&whole).to_string())
    }

    /// How `who` showed that it is them, or why that does not count.
    async fn proved(
        &self,
        who: &Person,
        about: &str,
        proof: Proof,
    ) -> Result<Option<Verified>, SignInError> {
        Ok(match proof {
            Proof::Passkey { said, origin } => {
                let site = Site::of(&origin).ok_or(SignInError::Refused)?;
                let found = self.accounts.check_passkey(&who.id, about, (&said, &site));
                Some(Verified::Passkey { passkey: found? })
            }
            Proof::Password(typed) => {
                self.accounts.check_password(&who.id, &typed).await?;
                Some(Verified::Password)
            }
            Proof::Session(secret) => self
                .accounts
                .is_fresh(&who.id, &secret)
                .then_some(Verified::FreshSignIn),
        })
    }
}

#[async_trait]
impl StepUpDesk for LedgerDesk {
    async fn passkeys(&self, who: &Person) -> Result<Vec<PasskeyRow>, DeskError> {
        check_present(who)?;
        Ok(self.accounts.passkeys(&who.id))
    }

    async fn passkey_to_make(
        &self,
        who: &Person,
        origin: &str,
    ) -> Result<Option<String>, DeskError> {
        check_present(who)?;
        let person = (who.id.as_str(), who.display.as_str());
        let asked = |site| self.accounts.passkey_to_make(person, &site);
        Site::of(origin).map(asked).transpose()
    }

    async fn add_passkey(
        &self,
        who: &Person,
        name: &str,
        (said, origin): (&str, &str),
        proof: Proof,
    ) -> Result<(), SignInError> {
        check_present(who)?;
        let site = Site::of(origin).ok_or(SignInError::Refused)?;
        let proved = self.proved(who, KEEP, proof).await?;
        proved.ok_or(SignInError::Refused)?;
        let by = person_actor(who);
        self.accounts
            .add_passkey(&who.id, name, (said, &site), by)
            .await
    }

    async fn remove_passkey(&self, who: &Person, id: &str) -> Result<(), DeskError> {
        check_present(who)?;
        self.accounts
            .remove_passkey(&who.id, id, person_actor(who))
            .await
    }

    async fn ways_to_confirm(
        &self,
        who: &Person,
        id: HandoffId,
        answer: &Answer,
        origin: &str,
    ) -> Result<Ways, DeskError> {
        check_present(who)?;
        self.may_answer(who, id, answer.outcome)?;
        let matter = self.matter(who, id, answer).await?;
        let site = Site::of(origin);
        let ways = self.accounts.ways(&who.id, &matter, site.as_ref())?;
        Ok(Ways {
            provider: ways.provider && self.local.sso.is_some(),
            start_link: self.local.roster.is_local(&who.id),
            ..ways
        })
    }

    async fn decide_confirmed(
        &self,
        who: &Person,
        id: HandoffId,
        answer: Answer,
        proof: Proof,
    ) -> Result<Answered, SignInError> {
        check_present(who)?;
        self.may_answer(who, id, answer.outcome)?;
        let verified = if self.must_verify(id, answer.outcome) {
            let matter = self.matter(who, id, &answer).await?;
            self.proved(who, &matter, proof).await?
        } else {
            None
        };
        Ok(self.answer_at_desk(who, id, answer, verified).await?)
    }
}

#[cfg(test)]
mod tests;
