//! What makes the command line of this machine the operator.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_protocol::Digest;

/// The key that the command line of this machine shows. Another one takes its place when somebody else could have read
/// it.
#[derive(Clone, Debug)]
pub struct OperatorKey(Arc<Mutex<(String, Digest)>>);

impl OperatorKey {
    /// A key with this text.
    pub fn new(text: String) -> Self {
        let digest = Digest::of(text.as_bytes());
        Self(Arc::new(Mutex::new((text, digest))))
    }

    /// The key itself.
    pub fn text(&self) -> String {
        self.lock().0.clone()
    }

    /// Checks whether `shown` is the digest of the key.
    pub fn is(&self, shown: Digest) -> bool {
        self.lock().1 == shown
    }

    /// Puts another key in its place.
    pub fn replace(&self, text: String) {
        let digest = Digest::of(text.as_bytes());
        *self.lock() = (text, digest);
    }

    fn lock(&self) -> MutexGuard<'_, (String, Digest)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_ends_the_one_before() {
        let key = OperatorKey::new("first".to_owned());
        let [first, second] = ["first", "second"].map(|text| Digest::of(text.as_bytes()));
        assert!(key.is(first) && !key.is(second));
        key.clone().replace("second".to_owned());
        assert!(!key.is(first) && key.is(second));
        assert_eq!(key.text(), "second");
    }
}
