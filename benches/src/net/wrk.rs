//! The load of HTTP by `wrk`, a program that nobody here wrote, where it is installed.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// True if it can be started.
pub fn is_installed() -> bool {
    // Without arguments it says how it is used.
    Command::new("wrk").output().is_ok()
}

/// One thread of it, over so many connections, for whole seconds: how many requests were answered, in what time.
///
/// # Errors
/// Those of starting it; an answer that it did not like, or one of its own that cannot be read.
pub fn run(address: SocketAddr, connections: usize, seconds: u64) -> io::Result<(usize, Duration)> {
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), &format!("http://{address}/")])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let clean = output.status.success() && !text.contains("Socket errors") && !text.contains("Non-2xx");
    let found = text.lines().find_map(answered).filter(|_| clean);
    found.ok_or_else(|| io::Error::other(format!("wrk says: {text}")))
}

/// From `  123456 requests in 1.10s, 12.34MB read`.
fn answered(line: &str) -> Option<(usize, Duration)> {
    let (requests, rest) = line.split_once(" requests in ")?;
    let (seconds, _) = rest.split_once("s,")?;
    Some((requests.trim().parse().ok()?, Duration::from_secs_f64(seconds.parse().ok()?)))
}
