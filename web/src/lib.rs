//! Pages and JSON API. Knows the daemon only as [`desk::Desk`].

pub mod api;
pub mod assets;
mod dav;
pub mod desk;
pub mod error;
mod fragments;
pub mod live;
pub mod pages;
pub(crate) mod previews;
pub mod render;
pub mod routes;
pub mod security;
pub mod server;
pub mod settings;
#[cfg(any(test, feature = "showcase"))]
pub mod showcase;
pub mod state;
pub mod templates;
#[cfg(test)]
pub(crate) mod testing;

pub use routes::router;
pub use settings::{OwnHost, Settings};
