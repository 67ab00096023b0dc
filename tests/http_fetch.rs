//! Runs `examples/http_fetch` against its own server and against one of ours, which answers by a script.
#![cfg(all(feature = "net", feature = "toolkit"))]

#[path = "common/example.rs"]
mod example;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    example::command("http_fetch").args(arguments).output().expect("the example was built and runs")
}

/// The promised fields of the line of JSON, but those of time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    resources: u64,
    done: u64,
    failed: u64,
    cancelled: u64,
    bytes: u64,
    retries: u64,
}

/// Takes the JSON line apart: flat, numbers only, in the order that is promised.
fn counts_of(output: &Output) -> Counts {
    let promised = "resources done failed cancelled bytes retries ticks tick_p50_us tick_p99_us tick_max_us elapsed_ms";
    let fields: Vec<(&str, f64)> = example::last_line(output, promised)
        .into_iter()
        .map(|(name, value)| (name, value.parse().expect("a number")))
        .collect();
    let real = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).unwrap();
    let whole = |name: &str| real(name) as u64;
    assert!(whole("ticks") >= 1);
    assert!(0.0 <= real("tick_p50_us"));
    assert!(real("tick_p50_us") <= real("tick_p99_us") && real("tick_p99_us") <= real("tick_max_us"));
    Counts {
        resources: whole("resources"),
        done: whole("done"),
        failed: whole("failed"),
        cancelled: whole("cancelled"),
        bytes: whole("bytes"),
        retries: whole("retries"),
    }
}

/// What our server does with a request.
enum Answer {
    /// Sends this and closes.
    Send(String),
    /// Sends this and resets the connection.
    Reset(String),
    /// Says nothing until the client goes.
    Hold,
}

fn ok(headers: &str, body: &str) -> Answer {
    Answer::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}"))
}

fn status(line: &str) -> Answer {
    Answer::Send(format!("HTTP/1.1 {line}\r\nContent-Length: 5\r\n\r\nerror"))
}

/// A server with a thread for each connection. It tells of each request: its path and when.
struct Site {
    address: SocketAddr,
    requests: Receiver<(String, Instant)>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Site {
    /// `script` gets the path and how many requests for it there were, this one included.
    fn new(script: impl Fn(&str, u32) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let (told, requests) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (script, visits, stopping) = (Arc::new(script), Arc::new(Mutex::new(HashMap::new())), Arc::clone(&stop));
        let accepting = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (script, visits, told) = (Arc::clone(&script), Arc::clone(&visits), told.clone());
                thread::spawn(move || {
                    // A client that goes away ends this, and is for the example to tell about.
                    let _gone = serve(&stream, |path| {
                        let _unheard = told.send((path.to_owned(), Instant::now()));
                        let visit = *visits.lock().unwrap().entry(path.to_owned()).and_modify(|n| *n += 1).or_insert(1);
                        script(path, visit)
                    });
                });
            }
        });
        Self { address, requests, stop, accepting: Some(accepting) }
    }

    /// The next request: its path, and when it came. One that does not come in a minute is lost.
    fn request(&self) -> (String, Instant) {
        self.requests.recv_timeout(Duration::from_secs(60)).expect("somebody asks")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Fetches paths; nothing takes too long but what is held.
    fn fetch(&self, options: &[&str], paths: &[&str]) -> Output {
        let urls: Vec<String> = paths.iter().map(|path| self.url(path)).collect();
        run(["--json"].iter().chain(options).copied().chain(urls.iter().map(String::as_str)))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _wakes_it = TcpStream::connect(self.address);
        let _ended = self.accepting.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: &TcpStream, script: impl FnOnce(&str) -> Answer) -> io::Result<()> {
    let mut request = Vec::new();
    let mut read_until = |end: &[u8]| {
        while !request.ends_with(end) {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        Ok::<_, io::Error>(String::from_utf8_lossy(&request).into_owned())
    };
    let line = read_until(b"\r\n")?;
    let path = line.split(' ').nth(1).unwrap_or_default();
    match script(path) {
        Answer::Send(bytes) => {
            let request = read_until(b"\r\n\r\n")?;
            assert!(request.starts_with("GET /") && request.contains("\r\nHost: 127.0.0.1:"), "{request}");
            stream.write_all(bytes.as_bytes())
        }
        // What is closed with something unread is reset.
        Answer::Reset(bytes) => stream.write_all(bytes.as_bytes()),
        Answer::Hold => {
            while stream.read(&mut [0; 64])? > 0 {}
            Ok(())
        }
    }
}

#[test]
fn its_own_server_gives_what_it_promises() {
    let output = run(["--plain", "--count", "40", "--seed", "3", "--fail-rate", "0", "--timeout", "600", "-j", "20"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    // The last part of a path is the size of the content.
    let sizes = text.lines().filter(|line| line.ends_with("  done")).map(|line| {
        let path = line.split_whitespace().nth(1).expect("a row has an address");
        path.rsplit('/').next().expect("with a path").parse::<u64>().expect("which ends with the size")
    });
    let (bytes, resources, done) = (sizes.sum(), 40, 40);
    assert_eq!(counts_of(&output), Counts { resources, done, bytes, ..Counts::default() });
}

#[test]
fn its_own_faults_are_overcome_where_that_is_possible() {
    // Busy twice, reset once, and missing.
    let output = run(["--json", "--count", "3", "--fail-rate", "1", "--attempts", "3", "--timeout", "600"]);
    assert!(output.status.success(), "{output:?}");
    let counts = counts_of(&output);
    assert_eq!((counts.done, counts.failed, counts.cancelled, counts.retries), (2, 1, 0, 3));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("/missing/") && told.contains("the server says 404 Not Found"), "{told}");
}

#[test]
fn bodies_are_read_to_their_end_in_each_framing() {
    let site = Site::new(|path, _| match path {
        "/length" => ok("Content-Length: 5\r\n", "12345"),
        "/empty" => ok("Content-Length: 0\r\n", ""),
        "/no-content" => Answer::Send("HTTP/1.1 204 No Content\r\n\r\n".into()),
        "/close" => ok("", "until the end"),
        "/chunks?a=b" => ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n"),
        "/interim" => Answer::Send(
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(),
        ),
        "/1.0" => Answer::Send("HTTP/1.0 200 OK\r\n\r\nold".into()),
        path => panic!("nobody should ask for {path}"),
    });
    let paths = ["/length", "/empty", "/no-content", "/close", "/chunks?a=b#c", "/interim", "/1.0"];
    let output = site.fetch(&["--timeout", "600"], &paths);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "only the line of JSON");
    assert_eq!(counts_of(&output), Counts { resources: 7, done: 7, bytes: 5 + 13 + 13 + 2 + 3, ..Counts::default() });
}

#[test]
fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    let site = Site::new(|path, visit| match (path, visit) {
        ("/short" | "/short-chunks" | "/reset" | "/500" | "/nothing", 2..) => ok("Content-Length: 4\r\n", "fine"),
        ("/short", _) => ok("Content-Length: 40\r\n", "not enough"),
        ("/short-chunks", _) => ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"),
        ("/reset", _) => Answer::Reset("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nnot".into()),
        ("/500", _) => status("500 Internal Server Error"),
        ("/nothing", _) => Answer::Send(String::new()),
        ("/always", _) => status("503 Service Unavailable"),
        ("/404", 1) => status("404 Not Found"),
        ("/301", 1) => status("301 Moved\r\nLocation: /404"),
        ("/no-http", 1) => Answer::Send("SSH-2.0-OpenSSH\r\n\r\n".into()),
        ("/both", 1) => ok("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
        ("/endless", 1) => ok(&"X: y\r\n".repeat(10_000), ""),
        ("/bad-chunk", 1) => ok("Transfer-Encoding: chunked\r\n", "many\r\n"),
        (path, visit) => panic!("nobody should ask for {path} {visit} times"),
    });
    let passing = ["/short", "/short-chunks", "/reset", "/500", "/nothing"];
    let output = site.fetch(&["--timeout", "600", "--attempts", "2", "-j", "9"], &passing);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(counts_of(&output), Counts { resources: 5, done: 5, bytes: 20, retries: 5, ..Counts::default() });

    let lasting = ["/always", "/404", "/301", "/no-http", "/both", "/endless", "/bad-chunk"];
    let output = site.fetch(&["--timeout", "600", "--attempts", "3", "-j", "9"], &lasting);
    assert_eq!(output.status.code(), Some(1), "nothing but failures: {output:?}");
    assert_eq!(counts_of(&output), Counts { resources: 7, failed: 7, retries: 2, ..Counts::default() });
    let told = String::from_utf8_lossy(&output.stderr);
    for reason in ["/always: the server says 503", "/301: the server says 301 Moved", "/endless: not an answer in HTTP"]
    {
        assert!(told.contains(reason), "{reason:?} in {told}");
    }
}

#[test]
fn the_server_says_when_to_come_back() {
    let site = Site::new(|_, visit| match visit {
        1 => Answer::Send("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n".into()),
        _ => ok("Content-Length: 1\r\n", "1"),
    });
    let output = site.fetch(&["--timeout", "600"], &["/busy"]);
    assert_eq!(counts_of(&output), Counts { resources: 1, done: 1, bytes: 1, retries: 1, ..Counts::default() });
    let (first, second) = (site.request().1, site.request().1);
    // The first moment is before the answer, the second after the wait. Its turn would have been 0.2 s.
    assert!(second - first >= Duration::from_secs(1), "{:?}", second - first);
}

#[test]
fn a_server_that_never_answers_costs_the_time_of_the_tries() {
    let site = Site::new(|_, _| Answer::Hold);
    let output = site.fetch(&["--timeout", "0.05", "--attempts", "2"], &["/silent"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(counts_of(&output), Counts { resources: 1, failed: 1, retries: 1, ..Counts::default() });
    assert!(String::from_utf8_lossy(&output.stderr).contains("timed out after 50ms"), "{output:?}");
}

#[test]
fn nobody_listening_and_no_such_name_are_told_with_the_address() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let output = run(["--json", "--attempts", "2", &format!("http://{address}"), "http://no-such-host.invalid"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(counts_of(&output).failed, 2);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("connecting to {address}")) && told.contains("no-such-host.invalid"), "{told}");
}

#[test]
fn as_many_run_at_a_time_as_was_said_and_no_more() {
    const JOBS: usize = 3;
    let gate = Arc::new(Barrier::new(JOBS + 1));
    let held = Arc::clone(&gate);
    let site = Site::new(move |_, visit| {
        if visit as usize <= JOBS {
            held.wait();
        }
        ok("Content-Length: 1\r\n", "1")
    });
    let output = thread::scope(|scope| {
        let url = site.url("/");
        let arguments = ["--json", "--timeout", "600", "--jobs", "3"].into_iter();
        let program = scope.spawn(move || run(arguments.chain([url.as_str(); JOBS * 4])));
        for _ in 0..JOBS {
            site.request();
        }
        // One too many might be missed here, but none is seen that is not there.
        let one_more = site.requests.recv_timeout(Duration::from_millis(100));
        gate.wait();
        assert!(one_more.is_err(), "{one_more:?}");
        program.join().expect("it runs")
    });
    assert_eq!(counts_of(&output), Counts { resources: 12, done: 12, bytes: 12, ..Counts::default() });
}

#[test]
fn what_is_not_over_in_time_is_cancelled() {
    let site = Site::new(|_, _| Answer::Hold);
    let output = site.fetch(&["--timeout", "600", "--jobs", "2", "--max-time", "0.1"], &["/silent"; 5]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(counts_of(&output), Counts { resources: 5, cancelled: 5, ..Counts::default() });
}

/// In a terminal of its own, which `script` of util-linux makes, where there is one.
#[test]
#[cfg(target_os = "linux")]
fn keys_cancel_a_row_and_all() {
    use std::process::{Command, Stdio};

    let site = Site::new(|_, _| Answer::Hold);
    let example = example::command("http_fetch").get_program().to_string_lossy().into_owned();
    let urls: Vec<String> = (0..4).map(|row| site.url(&format!("/{row}"))).collect();
    let line = format!("'{example}' --jobs 1 --timeout 600 {}", urls.join(" "));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = script.spawn() else { return };
    let mut keys = child.stdin.take().expect("it is piped");
    let asked = |expected: &str| assert_eq!(site.request().0, expected);
    asked("/0");
    keys.write_all(b"x").unwrap();
    // Row 0 is over, so row 1 has its turn; row 2 is cancelled before it has one.
    asked("/1");
    keys.write_all(b"jjxkx").unwrap();
    asked("/3");
    keys.write_all(b"q").unwrap();
    let output = child.wait_with_output().expect("it runs");
    drop(keys);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(counts_of(&output), Counts { resources: 4, cancelled: 4, ..Counts::default() });
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for arguments in [
        &["--fast"][..],
        &["-"],
        &["--json", "--plain"],
        &["--jobs"],
        &["--jobs", "0"],
        &["--fail-rate", "2"],
        &["--timeout", "0"],
        &["https://127.0.0.1"],
        &["http://"],
        &["http://127.0.0.1/a b"],
        &["--count", "3", "http://127.0.0.1"],
    ] {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let help = run(["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: http_fetch"), "{help:?}");
}

#[test]
fn nobody_reading_is_no_panic() {
    for arguments in ["--help", "--json --count 1 --fail-rate 0", "--plain --count 1 --fail-rate 0", "--fast"] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = example::command("http_fetch");
        command.args(arguments.split(' ')).stdout(writer.try_clone().unwrap()).stderr(writer);
        let code = command.status().unwrap().code();
        assert_eq!(code, Some(if arguments == "--fast" { 2 } else { 0 }), "{arguments}");
    }
}
