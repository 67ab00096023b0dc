//! Any bytes as a cron expression: `cargo +nightly fuzz run cron --fuzz-dir tests/fuzz`.
#![no_main]

#[path = "../checks/cron.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
