//! The driver; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    offtick_bench::main()
}
