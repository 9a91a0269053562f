//! Pages and JSON API. Knows the daemon only as [`desk::Desk`].

pub mod desk;
