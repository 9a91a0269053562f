//! `[service]` of a workspace: what is promised to those who hand over, and what reports hold the times against.

use std::time::Duration;

use super::{Entry, origin::Setting, quantity::Span, section::Section};

/// The targets that are stated; what is not is not reported.
#[derive(Clone, Debug, Default)]
pub struct ServiceTargets {
    first_look: Option<Setting<Span>>,
    answer: Option<Setting<Span>>,
    acknowledge: Option<Setting<Span>>,
    complete: Option<Setting<Span>>,
}

impl ServiceTargets {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            first_look: section.take("first_look"),
            answer: section.take("answer"),
            acknowledge: section.take("acknowledge"),
            complete: section.take("complete"),
        };
        section.finish(&[]);
        read
    }

    pub(super) fn over(self, weaker: Self) -> Self {
        Self {
            first_look: self.first_look.or(weaker.first_look),
            answer: self.answer.or(weaker.answer),
            acknowledge: self.acknowledge.or(weaker.acknowledge),
            complete: self.complete.or(weaker.complete),
        }
    }

    fn all(&self) -> [(&'static str, &Option<Setting<Span>>); 4] {
        [
            ("first_look", &self.first_look),
            ("answer", &self.answer),
            ("acknowledge", &self.acknowledge),
            ("complete", &self.complete),
        ]
    }

    /// The targets by name, in the order in which they are met.
    pub fn stated(&self) -> Vec<(&'static str, Duration)> {
        let all = self.all().into_iter();
        all.filter_map(|(name, target)| Some((name, target.as_ref()?.value.0)))
            .collect()
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let all = self.all().into_iter();
        all.filter_map(|(name, target)| {
            Some(Entry::new(format!("service.{name}"), target.as_ref()?))
        })
        .collect()
    }
}
