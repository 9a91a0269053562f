//! Who comes in by the provider of the house.

use async_trait::async_trait;
use countersign_web::desk::{
    DeskError, NewSession, SsoDesk,
    access::Visitor,
    sso::{SsoAnswer, SsoBegin, SsoFailed},
};

use super::LedgerDesk;
use crate::{
    accounts::secret,
    config::Id,
    sso::{Answer, SsoError, Vouched},
};

/// Longest name of a person, in characters.
const NAME: usize = 80;

impl From<SsoError> for SsoFailed {
    fn from(error: SsoError) -> Self {
        match error {
            SsoError::NotOurs(_) => Self::NotBegun(error.to_string()),
            SsoError::Refused(_) => Self::Refused(error.to_string()),
            SsoError::Unreachable(_) | SsoError::NotGood(_) => Self::Provider(error.to_string()),
        }
    }
}

fn absent() -> SsoFailed {
    SsoFailed::Desk(DeskError::NotFound("a provider to sign in by".to_owned()))
}

impl LedgerDesk {
    /// The id and the name under which somebody comes in, when anything here is for them: an account, a
    /// `[[person]]`, or a `[[member]]` with one of their groups.
    fn known(&self, vouched: &Vouched) -> Result<(String, String), SsoFailed> {
        let catalog = self.policy.catalog();
        let by_mail = |text: &str| {
            let mut people = catalog.people().iter();
            people.find(|one| {
                let mail = one.email.as_ref();
                mail.is_some_and(|mail| mail.as_str().eq_ignore_ascii_case(text))
            })
        };
        let person = catalog
            .person(&vouched.id)
            .or_else(|| vouched.is_mail.then(|| by_mail(&vouched.id)).flatten());
        let id = person.map_or(vouched.id.as_str(), |person| person.id.as_str());
        let welcome = person.is_some()
            || self.accounts.name(id).is_some()
            || self.local.roster.welcomes(&vouched.groups);
        if !welcome || id.parse::<Id>().is_err() {
            let shown: String = vouched.id.chars().filter(|c| !c.is_control()).collect();
            let shown: String = shown.chars().take(NAME).collect();
            return Err(SsoFailed::Unknown(format!(
                "the provider vouches for `{shown}`, who has no account here and no role by a group"
            )));
        }
        let stated = || {
            let name = vouched.name.as_deref().map(str::trim).unwrap_or_default();
            let good = !name.is_empty() && !name.chars().any(char::is_control);
            let name = if good { name } else { id };
            name.chars().take(NAME).collect()
        };
        let name = person.map(|person| person.name.value.clone());
        Ok((id.to_owned(), name.unwrap_or_else(stated)))
    }
}

#[async_trait]
impl SsoDesk for LedgerDesk {
    fn sso_name(&self) -> Option<String> {
        self.local.sso.as_ref().map(|sso| sso.name().to_owned())
    }

    async fn sso_begin(&self, is_anew: bool) -> Result<SsoBegin, SsoFailed> {
        let sso = self.local.sso.as_ref().ok_or_else(absent)?;
        let (beginning, url) = sso.begin(&secret()?, is_anew).await?;
        Ok(SsoBegin {
            cookie: beginning.cookie().to_owned(),
            state: beginning.state(),
            url,
        })
    }

    async fn sso_finish(&self, answer: SsoAnswer, from: Visitor) -> Result<NewSession, SsoFailed> {
        let sso = self.local.sso.as_ref().ok_or_else(absent)?;
        let told = Answer {
            code: &answer.code,
            state: &answer.state,
            issuer: answer.issuer.as_deref(),
        };
        let vouched = sso.finish(&answer.cookie, told).await?;
        let (id, name) = self.known(&vouched)?;
        let entered = self.accounts.enter_by_sso((&id, &name), vouched, from);
        match entered.await {
            Err(DeskError::NotAllowed(why)) => Err(SsoFailed::Unknown(why)),
            entered => Ok(entered?),
        }
    }
}

#[cfg(test)]
mod tests;
