//! The program `countersign`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(countersign::cli::main())
}
