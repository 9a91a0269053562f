//! What an authenticator itself says, and signs: authenticator data (section 6.1).

use ring::digest::{SHA256, digest};

use super::PasskeyError;

/// Its first part, which alone counts here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    site: [u8; 32],
    said: u8,
    /// How often it signed; 0 where it does not count.
    pub(super) count: u32,
}

/// The person was there.
const PRESENT: u8 = 1;
/// The person was verified.
const VERIFIED: u8 = 1 << 2;
/// A key follows.
const KEY: u8 = 1 << 6;

impl Flags {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let (site, rest) = bytes.split_first_chunk().ok_or(PasskeyError::Unreadable)?;
        let (said, rest) = rest.split_first().ok_or(PasskeyError::Unreadable)?;
        let (count, _) = rest.split_first_chunk().ok_or(PasskeyError::Unreadable)?;
        Ok(Self {
            site: *site,
            said: *said,
            count: u32::from_be_bytes(*count),
        })
    }

    /// Whether it speaks to the site `name`, and has verified who uses it.
    pub(super) fn check(self, name: &str) -> Result<(), PasskeyError> {
        if digest(&SHA256, name.as_bytes()).as_ref() != self.site {
            return Err(PasskeyError::OtherPlace);
        }
        let wanted = PRESENT | VERIFIED;
        if self.said & wanted == wanted {
            Ok(())
        } else {
            Err(PasskeyError::NotVerified)
        }
    }

    pub(super) fn has_key(self) -> bool {
        self.said & KEY != 0
    }
}
