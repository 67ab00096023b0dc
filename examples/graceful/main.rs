//! A program with work in the background that ends well: on Ctrl-C, `kill`, a closed terminal, or an error of its own.
//!
//! ```text
//! cargo run --features signal --example graceful -- [--json] [--deadline SECONDS] [--misbehave HOW]
//! ```
//!
//! It ticks until it is asked to stop. Then a stop function saves the state, the runtime is shut down, and the exit status
//! tells what happened: 130 after Ctrl-C, 143 after `kill`. A second signal ends it at once, whatever hangs.
//!
//! `--misbehave` shows what is done about work that goes wrong: `fail` (a task fails and nobody looks), `panic` (one
//! panics), `stuck` (a closure that hears no cancellation), `hang` (a future that holds the reactor for ever), `slow` (a stop
//! function that never ends).

#[cfg(unix)]
mod program;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("signals are for Unix");
}
