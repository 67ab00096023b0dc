//! The driver; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match offtick_bench::run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
