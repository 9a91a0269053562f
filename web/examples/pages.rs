//! Serves the pages over the desk in memory, to look at them: `cargo run -p countersign-web
//! --features showcase --example pages`. The first argument is the port, the second a folder of
//! templates to use instead of the embedded ones.
#![expect(clippy::print_stdout, reason = "it tells where to look")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use countersign_web::{
    Settings, router,
    security::Peer,
    showcase::{START_TOKEN, Showcase, sample},
    templates::Templates,
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(7421);
    let overrides = arguments.next().map(PathBuf::from);
    let settings = Settings {
        templates: Templates::load(overrides).map_err(io::Error::other)?,
        ..Settings::local(port, Arc::new(sample::now))
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{address}/start?t={START_TOKEN}");
    let app = router(Arc::new(Showcase::new()), settings).layer(axum::Extension(Peer(address)));
    axum::serve(listener, app).await
}
