//! `cargo bench -p offtick-bench`: the suite with `--quick`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match offtick_bench::run(std::env::args().skip(1).chain(["--quick".to_owned()])) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
