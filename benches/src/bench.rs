//! `cargo bench -p offtick-bench`: the same suite, with the same arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    offtick_bench::main()
}
