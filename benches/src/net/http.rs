//! As much of HTTP/1.1 as a greeting takes.

/// What a client asks.
pub(super) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";

/// What every server says.
pub(super) const BODY: &str = "Hello, World!";

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// The length of the head that these bytes begin with, its end included.
pub(super) fn length_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END.len()).position(|window| window == END).map(|at| at + END.len())
}

/// The length of the answer that these bytes begin with, once its head is complete. All answers have the same body.
pub(super) fn length_of_answer(bytes: &[u8]) -> Option<usize> {
    length_of_head(bytes).map(|head| head + BODY.len())
}

/// A whole answer, as the floor sends it: with the fields that hyper sends.
pub(super) fn answer() -> Vec<u8> {
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\ndate: {date}\r\n\r\n{BODY}", BODY.len()).into_bytes()
}
