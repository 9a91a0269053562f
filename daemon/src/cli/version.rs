//! `countersign version`.

use serde_json::json;

use super::{Context, exit::Exit};

pub(crate) fn run(context: &mut Context) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if context.out.json {
        context.out.object(
            "version",
            json!({ "version": version, "contracts": ["1.0"] }),
        );
    } else {
        context
            .out
            .line(&format!("countersign {version}, contract 1.0"));
    }
    Exit::Done
}
