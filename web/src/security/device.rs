//! Browsers in which an account was signed in before.
//!
//! Whoever knows a name can fail with it until everybody who tries it has to wait. A browser that was signed in keeps a cookie
//! that says so ("device cookie", OWASP): its failures are counted by themselves, and those of strangers hold it back
//! no more. It opens nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;

use super::{
    client::Place,
    headers::random_text,
    session::{cookie_name, named_cookie, value_of},
};
use crate::settings::Settings;

/// Seconds for which a browser is known.
const LIFETIME: u64 = 400 * 24 * 3600;

fn name(settings: &Settings, place: Place) -> String {
    format!("{}-device", cookie_name(settings, place))
}

fn mac(settings: &Settings, account: &str, number: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&settings.device_key).ok()?;
    for part in ["countersign-device-v1", account, number] {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    Some(mac)
}

/// Returns the cookie of a browser in which `account` signs in.
pub(super) fn cookie(settings: &Settings, place: Place, account: &str) -> Option<HeaderValue> {
    let number = random_text(settings);
    let signed = mac(settings, account, &number)?.finalize().into_bytes();
    let value = format!("{number}.{}", URL_SAFE_NO_PAD.encode(signed));
    let name = name(settings, place);
    Some(named_cookie(&name, (settings, place), &value, LIFETIME))
}

/// Returns the number of a browser in which `account` was signed in.
pub(super) fn number<'a>(
    settings: &Settings,
    place: Place,
    headers: &'a HeaderMap,
    account: &str,
) -> Option<&'a str> {
    let value = value_of(&name(settings, place), headers)?;
    let (number, signed) = value.split_once('.')?;
    let signed = URL_SAFE_NO_PAD.decode(signed).ok()?;
    mac(settings, account, number)?
        .verify_slice(&signed)
        .is_ok()
        .then_some(number)
}
