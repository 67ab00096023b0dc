//! Any operations on sleeps: `cargo +nightly fuzz run timers --fuzz-dir tests/fuzz`.
#![no_main]

#[path = "../checks/timers.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
