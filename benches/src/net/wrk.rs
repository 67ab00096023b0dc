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

/// What it saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// How many requests were answered, in what time.
    pub requests: usize,
    pub wall: Duration,
    /// How soon half of them were, and 99 % of them.
    pub median: Duration,
    pub p99: Duration,
}

/// One thread of it, over so many connections, for whole seconds.
///
/// # Errors
/// Those of starting it; an answer that it did not like, or one of its own that cannot be read.
pub fn run(address: SocketAddr, connections: usize, seconds: u64) -> io::Result<Seen> {
    let output = Command::new("wrk")
        .args([
            "-t1",
            "--latency",
            &format!("-c{connections}"),
            &format!("-d{seconds}s"),
            &format!("http://{address}/"),
        ])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let clean = output.status.success() && !text.contains("Socket errors") && !text.contains("Non-2xx");
    let seen = read(&text).filter(|_| clean);
    seen.ok_or_else(|| io::Error::other(format!("wrk says: {text}")))
}

/// From lines like `50%  350.00us`, `99%    1.02ms` and `123456 requests in 1.10s, 12.34MB read`.
fn read(text: &str) -> Option<Seen> {
    let lines = || text.lines().map(str::trim);
    let below = |share| lines().find_map(|line| duration(line.strip_prefix(share)?.trim()));
    let (requests, rest) = lines().find_map(|line| line.split_once(" requests in "))?;
    let (wall, _) = rest.split_once(',')?;
    Some(Seen { requests: requests.parse().ok()?, wall: duration(wall)?, median: below("50%")?, p99: below("99%")? })
}

/// From `1.02ms`, in one of the units that it uses.
fn duration(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[number.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_report_is_read() {
        let text = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  \
                    Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   412.35us  102.00us   3.30ms   91.02%\n  \
                    Latency Distribution\n     50%  400.00us\n     75%  450.00us\n     90%  500.00us\n     99%    1.02ms\n  \
                    152345 requests in 1.10s, 12.34MB read\nRequests/sec: 138495.45\n";
        let (median, p99) = (Duration::from_micros(400), Duration::from_micros(1020));
        assert_eq!(read(text), Some(Seen { requests: 152_345, wall: Duration::from_millis(1100), median, p99 }));
        assert_eq!(read("unable to connect"), None);
    }
}
