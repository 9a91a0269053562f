//! Who is calling, from where, and whether the browser was tricked into it.
//!
//! Four steps stand around every handler, in this order: `headers` (on every answer), [`client`]
//! (peer, proxy, `Host`), [`identity`] (cookie or bearer) and `csrf`; `routes` takes them in one layer.
//! A handler then takes what it needs from [`extract`] and cannot forget a check.

pub(crate) mod attempts;
pub(crate) mod body;
pub mod client;
pub(crate) mod csrf;
mod device;
pub mod extract;
pub(crate) mod headers;
pub mod identity;
mod outside;
pub(crate) mod own_host;
pub(crate) mod session;
pub(crate) mod sso;
pub(crate) mod standing;
#[cfg(test)]
mod tests;

pub use client::Peer;
pub(crate) use extract::Devices;
pub use extract::{
    Csrf, FormOf, From, JsonOf, Nonce, Origin, PathOf, QueryOf, Shown, Signed, SignedIn,
};
pub use identity::{Identity, Scraper};
pub use outside::OnlyCard;
pub(crate) use own_host::{Misplaced, Shared};
