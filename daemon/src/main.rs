//! The program `countersign`.

use std::process::ExitCode;

/// See `docs/decisions/0034-mimalloc.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(countersign::cli::main())
}
