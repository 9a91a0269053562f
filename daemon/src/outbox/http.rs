//! What is sent to a receiver, and how its answer is judged, of which no more is read than is needed.

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};

use super::{
    channel::Outcome,
    schedule::{Wish, retry_after},
};
use crate::egress::{Http, causes};

/// Of an answer, in bytes; the rest is not read.
const MOST: usize = 64 * 1024;
/// Of what a receiver says, in characters.
const SAID: usize = 200;

/// A request that carries `body` to `url`; an error where `url` may not be spoken to.
pub(super) fn post(
    http: &Http,
    url: &Url,
    media_type: &'static str,
    body: Vec<u8>,
) -> Result<RequestBuilder, Outcome> {
    let request = http
        .request(Method::POST, url)
        .map_err(|inside| Outcome::retry(inside.to_string(), Wish::default()))?;
    Ok(request.header(header::CONTENT_TYPE, media_type).body(body))
}

/// Sends and judges the answer.
pub(super) async fn send(request: RequestBuilder, now: Timestamp) -> Outcome {
    match request.send().await {
        Ok(response) => judge(response, now).await,
        Err(error) => Outcome::retry(
            causes(&error),
            Wish {
                throttled: error.is_timeout(),
                after: None,
            },
        ),
    }
}

async fn judge(mut response: Response, now: Timestamp) -> Outcome {
    let status = response.status();
    let after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| retry_after(text, now));
    let mut said = Vec::new();
    // A connection whose answer was read to its end can be used again.
    while said.len() < MOST {
        match response.chunk().await {
            Ok(Some(chunk)) => said.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let said = said_line(status, &said);
    match status {
        status if status.is_success() => Outcome::Sent { said },
        StatusCode::GONE => Outcome::Gone { said },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::retry(
            said,
            Wish {
                throttled: true,
                after,
            },
        ),
        _ => Outcome::retry(
            said,
            Wish {
                throttled: false,
                after,
            },
        ),
    }
}

/// What the receiver said, on one short line without anything hidden in it.
fn said_line(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]);
    let words = super::disclose::line(&text, SAID);
    if words.is_empty() {
        status.as_u16().to_string()
    } else {
        format!("{} {words}", status.as_u16())
    }
}
