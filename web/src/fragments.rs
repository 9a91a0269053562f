//! Parts of pages that are the same from one look to the next, as they were rendered.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use minijinja::Value;

use crate::templates::{Page, TemplateError, Templates};

/// The most parts that are kept, each of a few kilobytes; then all are rendered anew.
const MOST: usize = 2_000;

/// Rendered parts of one kind, by everything that they show.
#[derive(Debug)]
pub(crate) struct Fragments<P>(Mutex<HashMap<P, Value>>);

impl<P> Default for Fragments<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Page + Hash + Eq> Fragments<P> {
    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<P, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part as HTML, which the templates take as it is.
    pub(crate) fn rendered(&self, part: P, by: &Templates) -> Result<Value, TemplateError> {
        if let Some(known) = self.held().get(&part) {
            return Ok(known.clone());
        }
        let html = Value::from_safe_string(by.render(&part)?);
        let mut held = self.held();
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(part, html.clone());
        Ok(html)
    }
}

#[cfg(test)]
mod tests;
