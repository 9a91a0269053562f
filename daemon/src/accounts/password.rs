//! Passwords: what one must be, and argon2id, away from the threads that answer.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

/// Fewest characters.
const LEAST: usize = 12;
/// Most bytes; more would only cost time.
const MOST: usize = 1_024;
/// Sign-ins that are checked at a time, each with the memory that argon2id takes.
const AT_A_TIME: usize = 2;
/// So many more may wait for a turn.
const IN_LINE: usize = 16;

/// Checks and hashes passwords.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    /// Checked where there is no account, so that both take equally long.
    nobody: Arc<str>,
    turns: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

/// Too many sign-ins wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

impl Default for Passwords {
    /// 19 MiB, two passes, one lane: the first choice of the OWASP Password Storage Cheat Sheet.
    fn default() -> Self {
        Self::new(Params::DEFAULT)
    }
}

impl Passwords {
    /// Hashes with `params`; tests take little ones.
    pub fn new(params: Params) -> Self {
        Self {
            nobody: nobody(&params).into(),
            params,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            line: Arc::new(Semaphore::new(AT_A_TIME + IN_LINE)),
        }
    }

    /// Hashes with next to no memory, for tests.
    #[cfg(test)]
    pub(crate) fn little() -> Self {
        Self::new(Params::new(8, 1, 1, None).unwrap_or(Params::DEFAULT))
    }

    /// The hash of a good password, in the PHC format.
    pub async fn hash(&self, password: &str) -> Result<Option<String>, Busy> {
        let (params, password) = (self.params.clone(), normal(password));
        self.away(move || hash(&params, &password)).await
    }

    /// Whether `password` is the one of `stored`. Without a stored one it takes as long, and it is not.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, Busy> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let password = normal(password);
        let same = self.away(move || {
            let stored = PasswordHash::new(&stored).ok()?;
            let checked = Argon2::default().verify_password(password.as_bytes(), &stored);
            checked.ok()
        });
        Ok(same.await?.is_some() && known)
    }

    /// Runs `work` where it holds nobody up, when its turn comes.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let _in_line = self.line.try_acquire().map_err(|_| Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| Busy)?;
        Ok(tokio::task::spawn_blocking(work).await.ok().flatten())
    }
}

fn hash(params: &Params, password: &str) -> Option<String> {
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash = argon.hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

/// What a hash with `params` looks like, of no password that anybody knows: to check one against it takes as long as
/// against any other. Sixteen bytes of salt and thirty-two of hash, all zero; a real one would cost each start of the
/// program 20 ms.
fn nobody(params: &Params) -> String {
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
}

/// The same characters are the same password, however a keyboard composes them (RFC 8265, section 4.2).
fn normal(password: &str) -> String {
    password.nfc().collect()
}

/// Says what is wrong with a new password of the account `id` of `name`.
pub(super) fn fault_of(password: &str, id: &str, name: &str) -> Option<String> {
    let count = password.chars().count();
    if count < LEAST {
        return Some(format!(
            "A password has at least {LEAST} characters; a few words are good."
        ));
    }
    if password.len() > MOST {
        return Some(format!("A password has at most {MOST} bytes."));
    }
    let lower = password.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let own = |text: &str| text.chars().count() >= 4 && lower.contains(&text.to_lowercase());
    if letters.len() < 5 || own(id) || own(name) {
        return Some(
            "That is too easy to guess: it repeats itself, or holds your name.".to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests;
