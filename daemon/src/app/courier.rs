//! The way out for samples of messages: from the desk to the outbox.

use async_trait::async_trait;
use countersign_web::desk::{TestResult, messages::Disclosed};

use crate::{message::Recipient, outbox::Outbox, review};

/// The outbox as the desk sees it.
pub(super) struct Courier(pub(super) Outbox);

#[async_trait]
impl review::Courier for Courier {
    fn disclosed(&self) -> Vec<Disclosed> {
        let classes = ["public", "internal", "confidential", "restricted"];
        let told = classes.map(|class| Disclosed {
            class: class.to_owned(),
            level: self.0.disclosure(class).name().to_owned(),
        });
        told.to_vec()
    }

    fn receivers(&self) -> Vec<String> {
        self.0.receivers()
    }

    async fn test(&self, receiver: Option<&str>, to: Option<&str>) -> Vec<TestResult> {
        let to = to.map(|address| Recipient {
            id: "test".to_owned(),
            display: String::new(),
            email: Some(address.to_owned()),
            address: None,
            zone: None,
        });
        let results = self.0.try_out(receiver, to.as_ref()).await;
        let told = results.into_iter().map(|one| TestResult {
            receiver: one.receiver,
            sample: one.sample,
            ok: one.ok,
            said: one.said,
        });
        told.collect()
    }
}
