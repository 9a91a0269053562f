//! Public keys as browsers give them: `SubjectPublicKeyInfo` (RFC 5280, section 4.1), of three kinds.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

use super::{PasskeyError, said::Bytes};

/// `EdDSA`, `ES256` and `RS256` of the registry of COSE, the best first.
pub(super) const KINDS: [i32; 3] = [-8, -7, -257];

/// What stands before an uncompressed point of P-256 (RFC 5480).
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// What stands before a key of Ed25519 (RFC 8410).
const ED: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// `rsaEncryption` without parameters (RFC 8017, appendix A.1).
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// The public half of a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    kind: i32,
    spki: Bytes,
}

impl PublicKey {
    pub(super) fn new(kind: i32, spki: Bytes) -> Result<Self, PasskeyError> {
        let key = Self { kind, spki };
        key.read()?;
        Ok(key)
    }

    /// The algorithm, and the key as it wants it.
    fn read(&self) -> Result<(&'static dyn VerificationAlgorithm, &[u8]), PasskeyError> {
        let spki = &self.spki.0;
        let found: Option<(&'static dyn VerificationAlgorithm, &[u8])> = match self.kind {
            -7 => spki
                .strip_prefix(P256)
                .filter(|point| point.len() == 65 && point[0] == 4)
                .map(|point| (&ECDSA_P256_SHA256_ASN1 as _, point)),
            -8 => spki
                .strip_prefix(ED)
                .filter(|key| key.len() == 32)
                .map(|key| (&ED25519 as _, key)),
            -257 => rsa(spki).map(|key| (&RSA_PKCS1_2048_8192_SHA256 as _, key)),
            _ => None,
        };
        found.ok_or(PasskeyError::OtherKind)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let (algorithm, key) = self.read()?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .map_err(|_| PasskeyError::NotSigned)
    }
}

/// The `RSAPublicKey` within. A key of 2048 bits or more has lengths of two bytes.
fn rsa(spki: &[u8]) -> Option<&[u8]> {
    fn rest_of(bytes: &[u8], tag: u8) -> Option<&[u8]> {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        (head[..2] == [tag, 0x82] && rest.len() == length).then_some(rest)
    }
    let inner = rest_of(spki, 0x30)?.strip_prefix(RSA)?;
    // No bit of the last byte is unused.
    rest_of(inner, 0x03)?.strip_prefix(&[0])
}

#[cfg(test)]
mod tests;
