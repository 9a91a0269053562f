//! The stylesheet, the scripts and the icon, served under a name that carries their digest.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use countersign_protocol::Digest;
use http::header;
use rust_embed::RustEmbed;

use crate::{error::Problem, security::PathOf};

#[derive(RustEmbed)]
#[folder = "../templates/assets/"]
struct Embedded;

/// An asset with the name it is served under.
struct Asset {
    bytes: Cow<'static, [u8]>,
    media_type: &'static str,
}

/// All assets by served name, for example `app.0123456789ab.css`.
static SERVED: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut served = BTreeMap::new();
    for name in Embedded::iter() {
        if let (Some(file), Some(media_type)) = (Embedded::get(&name), media_type(&name)) {
            let bytes = file.data;
            served.insert(served_name(&name, &bytes), Asset { bytes, media_type });
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
pub async fn serve(PathOf(name): PathOf<String>) -> Result<Response, Problem> {
    let asset = SERVED
        .get(&name)
        .ok_or_else(|| Problem::not_found("The asset"))?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.bytes.clone()).into_response())
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
        assert!(lines <= 400, "{lines} lines of JavaScript");
    }
}
