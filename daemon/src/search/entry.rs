//! A document on its way into the index.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tantivy::schema::{Field, OwnedValue, document::Document};

/// Holds back who makes documents until the index has taken earlier ones, so that they never fill the
/// memory. The queue of the index itself counts documents, whatever their size.
#[derive(Debug)]
pub(super) struct Budget {
    free: Mutex<usize>,
    freed: Condvar,
    all: usize,
}

impl Budget {
    /// For `bytes` at a time.
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Mutex::new(bytes),
            freed: Condvar::new(),
            all: bytes,
        })
    }

    /// Waits until `bytes` are free, or until all is for what is larger than all.
    ///
    /// Who has to wait does so until half is free: woken for each document that the index takes up, it would push the
    /// index's tables out of the cache of its core each time.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Permit {
        let bytes = bytes.min(self.all);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if *free < bytes {
            let enough = bytes.max(self.all / 2);
            free = self
                .freed
                .wait_while(free, |free| *free < enough)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Permit {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

/// Bytes of a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut free = self
            .budget
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *free += self.bytes;
        if *free >= self.budget.all / 2 {
            drop(free);
            self.budget.freed.notify_all();
        }
    }
}

/// One document. It is dropped as soon as the index has taken it up.
#[derive(Debug, Default)]
pub(super) struct Entry {
    values: Vec<(Field, OwnedValue)>,
    permit: Option<Permit>,
}

impl Entry {
    /// Adds a value.
    pub(super) fn with(mut self, field: Field, value: impl Into<OwnedValue>) -> Self {
        self.values.push((field, value.into()));
        self
    }

    /// Adds a value, if there is one.
    pub(super) fn with_some(self, field: Field, value: Option<impl Into<OwnedValue>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// Adds several values.
    pub(super) fn with_all(
        mut self,
        field: Field,
        values: impl IntoIterator<Item = impl Into<OwnedValue>>,
    ) -> Self {
        let values = values.into_iter().map(|value| (field, value.into()));
        self.values.extend(values);
        self
    }

    /// Lets it hold `permit` for as long as it lives.
    pub(super) fn holding(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }
}

impl Document for Entry {
    type Value<'a> = &'a OwnedValue;
    type FieldsValuesIter<'a> = Box<dyn Iterator<Item = (Field, &'a OwnedValue)> + 'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        Box::new(self.values.iter().map(|(field, value)| (*field, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_goes_on_when_half_is_free_or_as_much_as_it_needs() {
        for (bytes, held) in [(1, 6), (5, 6), (6, 5), (10, 1), (11, 1)] {
            let budget = Budget::new(10);
            let mut permits: Vec<_> = (0..held).map(|_| budget.take(1)).collect();
            permits.push(budget.take(10 - held));
            let other = Arc::clone(&budget);
            let waits = std::thread::spawn(move || drop(other.take(bytes)));
            permits.clear();
            waits.join().expect("it goes on");
            assert_eq!(*budget.free.lock().expect("nobody panicked"), 10);
        }
    }
}
