//! The program `countersign`.

use std::process::ExitCode;

/// What is asked for and given back for each request is most of what some of them cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(countersign::cli::main())
}
