//! The stylesheet, the scripts and the icon, served under a name that carries their digest.

use std::{borrow::Cow, collections::BTreeMap, io::Write as _, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use countersign_protocol::Digest;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, header};
use rust_embed::RustEmbed;

use crate::{error::Problem, security::PathOf};

#[derive(RustEmbed)]
#[folder = "../templates/assets/"]
struct Embedded;

/// An asset with the name it is served under.
struct Asset {
    bytes: Cow<'static, [u8]>,
    /// The same for browsers that take gzip. Pages are not compressed: they carry a secret beside words of agents, and
    /// their length would tell of it.
    gzip: Option<Vec<u8>>,
    media_type: &'static str,
}

/// All assets by served name, for example `app.0123456789ab.css`.
static SERVED: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut served = BTreeMap::new();
    for name in Embedded::iter() {
        if let (Some(file), Some(media_type)) = (Embedded::get(&name), media_type(&name)) {
            let bytes = file.data;
            let asset = Asset {
                gzip: gzip(&bytes),
                media_type,
                bytes: bytes.clone(),
            };
            served.insert(served_name(&name, &bytes), asset);
        }
    }
    served
});

/// The URLs by plain name, for templates.
static URLS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    Embedded::iter()
        .filter_map(|name| {
            let file = Embedded::get(&name)?;
            let url = format!("/assets/{}", served_name(&name, &file.data));
            Some((name.into_owned(), url))
        })
        .collect()
});

/// The URL of an asset by its plain name, for example `app.css`.
pub fn url(name: &str) -> Option<&'static str> {
    URLS.get(name).map(String::as_str)
}

/// `GET /assets/{name}`: anybody may read it, and it never changes under this name.
pub async fn serve(PathOf(name): PathOf<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = SERVED
        .get(&name)
        .ok_or_else(|| Problem::not_found("The asset"))?;
    let fixed = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    Ok(match &asset.gzip {
        Some(gzip) if takes_gzip(&headers) => {
            let encoded = [(header::CONTENT_ENCODING, "gzip")];
            (fixed, encoded, gzip.as_slice()).into_response()
        }
        _ => (fixed, asset.bytes.clone()).into_response(),
    })
}

/// The bytes as gzip (RFC 1952), where that is shorter.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder
        .finish()
        .ok()
        .filter(|gzip| gzip.len() < bytes.len())
}

/// Whether whoever asks names gzip among the codings that they take (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|q| q > 0.0)
    })
}

fn served_name(name: &str, bytes: &[u8]) -> String {
    let digest = Digest::of(bytes).short();
    match name.rsplit_once('.') {
        Some((stem, end)) => format!("{stem}.{digest}.{end}"),
        None => format!("{name}.{digest}"),
    }
}

fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_served_under_its_digest() {
        assert!(Embedded::iter().count() >= 3);
        for name in Embedded::iter() {
            let url = url(&name).unwrap();
            let served = url.strip_prefix("/assets/").unwrap();
            assert!(SERVED.contains_key(served), "{name} has no media type");
        }
        assert_eq!(url("nothing.css"), None);
    }

    #[tokio::test]
    async fn an_asset_is_short_for_whoever_takes_gzip_and_plain_for_everybody_else() {
        let name = url("app.css").unwrap().rsplit_once('/').unwrap().1;
        let plain = Embedded::get("app.css").unwrap().data;
        for (accepted, is_short) in [
            (None, false),
            (Some("gzip, deflate, br, zstd"), true),
            (Some("br;q=1.0, GZIP;q=0.8"), true),
            (Some("gzip;q=0"), false),
            (Some("identity"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            }
            let told = serve(PathOf(name.to_owned()), headers).await.unwrap();
            assert_eq!(told.headers()[header::VARY], "accept-encoding");
            let coding = told.headers().get(header::CONTENT_ENCODING).cloned();
            let body = axum::body::to_bytes(told.into_body(), 1 << 20).await;
            let body = body.unwrap();
            if is_short {
                assert_eq!(coding.unwrap(), "gzip");
                let mut text = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(&body[..]);
                std::io::Read::read_to_end(&mut decoder, &mut text).unwrap();
                assert!(body.len() * 3 < text.len(), "{} bytes", body.len());
                assert_eq!(text, *plain);
            } else {
                assert_eq!((coding, &body[..]), (None, &*plain), "{accepted:?}");
            }
        }
    }

    #[test]
    fn the_scripts_stay_small_and_readable() {
        let lines: usize = Embedded::iter()
            .filter(|name| name.ends_with(".js"))
            .map(|name| {
                let file = Embedded::get(&name).unwrap();
                let text = std::str::from_utf8(&file.data).unwrap().to_owned();
                assert!(text.lines().all(|line| line.len() <= 160), "{name}");
                text.lines().count()
            })
            .sum();
        assert!(lines <= 495, "{lines} lines of JavaScript");
    }
}
