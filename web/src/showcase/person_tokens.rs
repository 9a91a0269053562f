//! Tokens of people: Maya has one, and it cannot be taken back for good.

use async_trait::async_trait;
use countersign_protocol::access::Permission;

use super::{Showcase, sample};
use crate::desk::{
    DeskError, Person, PersonTokensDesk,
    person_tokens::{NewPersonToken, PersonTokenRow},
};

/// A token of Maya.
pub fn row() -> PersonTokenRow {
    PersonTokenRow {
        id: "p1".to_owned(),
        person: "local:maya".to_owned(),
        name: sample::HOSTILE.to_owned(),
        workspaces: Some(vec!["billing-backfill".to_owned()]),
        may: vec![Permission::Read, Permission::Comment],
        made_at: sample::now(),
        used_at: None,
        expires_at: sample::now(),
    }
}

#[async_trait]
impl PersonTokensDesk for Showcase {
    async fn person_tokens(&self, _: &Person, _: bool) -> Result<Vec<PersonTokenRow>, DeskError> {
        Ok(vec![row()])
    }

    async fn create_person_token(
        &self,
        who: &Person,
        new: NewPersonToken,
    ) -> Result<(PersonTokenRow, String), DeskError> {
        if new.may.is_empty() {
            return Err(DeskError::Invalid {
                field: "may".to_owned(),
                message: "say what it is to allow".to_owned(),
            });
        }
        self.moved();
        let made = PersonTokenRow {
            id: "p2".to_owned(),
            person: who.id.clone(),
            name: new.name,
            workspaces: new.workspaces,
            may: new.may,
            ..row()
        };
        Ok((made, "csp_p2_secret".to_owned()))
    }

    async fn revoke_person_token(&self, _: &Person, id: &str) -> Result<(), DeskError> {
        if id != row().id {
            return Err(DeskError::NotFound(format!("the token `{id}`")));
        }
        self.moved();
        Ok(())
    }
}
