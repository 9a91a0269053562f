//! A part of a file, piece by piece, as fast as it is taken.

use std::io;

use axum::body::Bytes;
use futures_util::{Stream, stream};

use crate::desk::OpenFile;

/// Read at once, in bytes. One piece is on its way while the next is read.
const PIECE: u64 = 128 * 1024;

/// `length` bytes of `file` from `first`. A file that ends early ends the stream with an error, so that
/// no client takes a part for the whole.
pub(super) fn of(
    file: OpenFile,
    first: u64,
    length: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some((file, first, length)), |left| async {
        let (file, at, length) = left?;
        if length == 0 {
            return None;
        }
        let wanted = usize::try_from(length.min(PIECE)).unwrap_or(usize::MAX);
        match file.read(at, wanted).await {
            Ok(piece) if piece.is_empty() => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
            Ok(piece) => {
                let count = piece.len() as u64;
                Some((Ok(piece.into()), Some((file, at + count, length - count))))
            }
            Err(error) => {
                tracing::warn!(%error, path = %file.path, "a file cannot be read");
                Some((Err(error), None))
            }
        }
    })
}
