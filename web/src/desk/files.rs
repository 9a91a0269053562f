//! The files of a review, which all readers of the same comparison share.

use std::{ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FileRow;

/// Rows by path. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(Arc<[FileRow]>);

impl From<Vec<FileRow>> for Files {
    fn from(rows: Vec<FileRow>) -> Self {
        Self(rows.into())
    }
}

impl Deref for Files {
    type Target = [FileRow];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'f> IntoIterator for &'f Files {
    type Item = &'f FileRow;
    type IntoIter = std::slice::Iter<'f, FileRow>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0[..].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
