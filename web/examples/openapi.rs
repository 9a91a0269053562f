//! Prints the OpenAPI document: `cargo run -p countersign-web --example openapi > web/openapi.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let text = countersign_web::api::document()
        .to_pretty_json()
        .map_err(io::Error::other)?;
    writeln!(io::stdout(), "{text}")
}
