//! Pages and JSON API. Knows the daemon only as [`desk::Desk`].

pub mod api;
pub mod desk;
pub mod error;
pub mod live;
pub mod pages;
pub mod routes;
pub mod security;
pub mod server;
pub mod settings;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;

pub use routes::router;
pub use settings::Settings;
