//! Bounds of what a request may bring.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};

/// Most pieces of a body that are read and thrown away beyond its bound.
const MAX_DISCARDED: usize = 16_384;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A body of at most `limit` bytes. What comes beyond them is read and thrown away before the body fails: a client that
/// is still sending does not look for an answer, and loses it when the connection is closed under it.
pub(crate) fn bounded(body: Body, limit: usize) -> Body {
    Body::new(Bounded {
        inner: Limited::new(body, limit),
        failure: None,
        discarded: 0,
    })
}

struct Bounded {
    inner: Limited<Body>,
    /// That it is too large, which is told once it was read.
    failure: Option<Failure>,
    discarded: usize,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            match frame {
                // Once it is over, each further piece fails in the same way.
                Some(Err(error)) if error.is::<LengthLimitError>() => {
                    self.discarded += 1;
                    self.failure = Some(error);
                    if self.discarded >= MAX_DISCARDED {
                        return Poll::Ready(self.failure.take().map(Err));
                    }
                }
                frame => {
                    return Poll::Ready(match self.failure.take() {
                        Some(failure) => Some(Err(failure)),
                        None => frame,
                    });
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failure.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    fn pieces(count: usize) -> Body {
        let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789")));
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn reads_to_the_end_before_it_fails() {
        let whole = bounded(pieces(3), 30).collect().await.unwrap();
        assert_eq!(whole.to_bytes().len(), 30);
        let error = bounded(pieces(1_000), 25).collect().await.unwrap_err();
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(one) = source.filter(|one| !one.is::<LengthLimitError>()) {
            source = one.source();
        }
        assert!(source.is_some(), "{error:?}");
    }

    #[tokio::test]
    async fn reads_no_endless_body() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"0")));
        let body = bounded(Body::from_stream(endless), 5);
        assert!(body.collect().await.is_err());
    }
}
