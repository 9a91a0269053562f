//! What browsers know the daemon by: its host name, and the key of device cookies.

use std::{net::SocketAddr, path::Path};

use countersign_web::OwnHost;

use super::AppError;
use crate::{
    config::Config,
    fs::{Dir, read_limited},
};

/// Name of the file in the state folder. The name lasts, since browsers keep passkeys and passwords by it.
pub(super) const OWN_HOST_FILE: &str = "own-host";
/// Name of the file with the key of device cookies.
pub(super) const DEVICE_KEY_FILE: &str = "device-key";
/// Digits and letters that nobody mistakes for one another (RFC 4648, section 6), in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Letters of a name; five bits each.
const LETTERS: usize = 26;

/// Returns the own host of a daemon that listens at `address`; `None` where it is turned off or has no loopback address.
pub(super) fn find(
    config: &Config,
    dir: &Dir,
    address: SocketAddr,
) -> Result<Option<OwnHost>, AppError> {
    if !config.server.own_host.value || !address.ip().to_canonical().is_loopback() {
        return Ok(None);
    }
    Ok(Some(OwnHost {
        name: format!("cs-{}.localhost", kept(dir, Path::new(OWN_HOST_FILE))?),
        address: format!("http://{address}"),
    }))
}

/// Returns the key of device cookies, which lasts as long as they do.
pub(super) fn device_key(dir: &Dir) -> Result<[u8; 32], AppError> {
    let kept = kept(dir, Path::new(DEVICE_KEY_FILE))?;
    let mut key = [0; 32];
    key[..LETTERS].copy_from_slice(kept.as_bytes());
    Ok(key)
}

/// Returns the random letters, 130 bits, that are in the file `path`; makes them where there are none.
fn kept(dir: &Dir, path: &Path) -> Result<String, AppError> {
    let known = match dir.open_file(path) {
        Ok(file) => read_limited(&file, 64).ok(),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    let known = known.and_then(|(bytes, _)| String::from_utf8(bytes).ok());
    let is_label =
        |text: &String| text.len() == LETTERS && text.bytes().all(|byte| ALPHABET.contains(&byte));
    if let Some(known) = known.filter(is_label) {
        return Ok(known);
    }
    let bytes = super::state::random()
        .ok_or_else(|| AppError::Start("the system gives no randomness".to_owned()))?;
    let letters = bytes.iter().take(LETTERS);
    let made: String = letters
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    if let Err(error) = dir.publish(path, made.as_bytes(), 0o600, true) {
        // A full disk must not keep people from the pages; what browsers keep by it is good until the next start.
        tracing::warn!(%error, "what browsers know the daemon by is another the next time");
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_kept_and_cannot_be_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let made = kept(&dir, Path::new(OWN_HOST_FILE)).unwrap();
        assert_eq!(made.len(), LETTERS);
        assert_eq!(kept(&dir, Path::new(OWN_HOST_FILE)).unwrap(), made);
        dir.publish(Path::new(OWN_HOST_FILE), b"evil.example", 0o600, false)
            .unwrap();
        assert_ne!(
            kept(&dir, Path::new(OWN_HOST_FILE)).unwrap(),
            made,
            "what is no name is made anew"
        );
    }
}
