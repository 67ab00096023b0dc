//! The head of a response: the status line and the headers, as far as a download needs them.
//!
//! Strict where leniency has let messages be smuggled past others: lines end in CRLF, names have no space around them, no
//! header goes on in the next line, and lengths that contradict each other are refused.

use std::time::Duration;

/// The longest head that is read, in bytes.
pub(crate) const MOST: usize = 16 * 1024;

/// What the head says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) framing: Framing,
    /// `Retry-After` in seconds. The form with a date is passed over.
    pub(crate) retry_after: Option<Duration>,
}

/// Where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After a chunk of length zero.
    Chunked,
    /// Where the connection ends.
    UntilClose,
}

/// What is not HTTP/1.1, or not as it is understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an answer in HTTP/1.1: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The bytes of the head, its empty line included, if all of it is there.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// Reads a whole head.
///
/// # Errors
/// The first thing that is not as it should be.
pub(crate) fn parse(head: &[u8]) -> Result<Head, Malformed> {
    let text = head.strip_suffix(b"\r\n\r\n").ok_or(Malformed("no empty line after the headers"))?;
    let text = String::from_utf8_lossy(text);
    let mut lines = text.split("\r\n");
    let (status, reason, is_1_1) = status_line(lines.next().unwrap_or_default())?;
    let (mut length, mut chunked, mut retry_after) = (None, false, None);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Malformed("a header without a colon"))?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Malformed("the name of a header has characters that it must not have"));
        }
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(Malformed("a header has control characters"));
        }
        let value = value.trim_matches([' ', '\t']);
        if name.eq_ignore_ascii_case("content-length") {
            let this = number(value).ok_or(Malformed("Content-Length is not a number"))?;
            if length.replace(this).is_some_and(|before| before != this) {
                return Err(Malformed("two lengths that differ"));
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case("chunked") {
                return Err(Malformed("a transfer encoding other than chunked"));
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case("retry-after") {
            retry_after = number(value).map(Duration::from_secs);
        }
    }
    let framing = match (length, chunked) {
        _ if matches!(status, 100..=199 | 204 | 304) => Framing::Length(0),
        (Some(_), true) => return Err(Malformed("both a length and chunks")),
        (None, true) if !is_1_1 => return Err(Malformed("chunks in HTTP/1.0")),
        (None, true) => Framing::Chunked,
        (Some(length), false) => Framing::Length(length),
        (None, false) => Framing::UntilClose,
    };
    Ok(Head { status, reason, framing, retry_after })
}

/// `HTTP/1.1 200 OK`; the last part may be empty.
fn status_line(line: &str) -> Result<(u16, String, bool), Malformed> {
    let wrong = Malformed("the status line is not one");
    let (version, rest) = line.split_once(' ').ok_or(wrong)?;
    let is_1_1 = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(wrong),
    };
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = number(status).and_then(|status| u16::try_from(status).ok()).ok_or(wrong)?;
    if !(100..=599).contains(&status) {
        return Err(wrong);
    }
    // It is shown to people, on a terminal.
    let reason = reason.chars().filter(|c| !c.is_control()).take(40).collect();
    Ok((status, reason, is_1_1))
}

/// Digits, and not even a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Framing, length, parse};
    use std::time::Duration;

    fn framing(lines: &str) -> Option<Framing> {
        parse(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes()).ok().map(|head| head.framing)
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert_eq!(length(b"HTTP/1.1 200 OK\r\n\r\nbody"), Some(19));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\n\r"), None);
    }

    #[test]
    fn the_status_line_is_read() {
        let head = parse(b"HTTP/1.0 503 Out of\x1b cheese\r\nRETRY-AFTER:\t2 \r\n\r\n").unwrap();
        assert_eq!((head.status, head.reason.as_str()), (503, "Out of cheese"));
        assert_eq!((head.framing, head.retry_after), (Framing::UntilClose, Some(Duration::from_secs(2))));
        assert_eq!(parse(b"HTTP/1.1 200\r\n\r\n").unwrap().reason, "");
        for line in
            ["", "HTTP/1.1", "HTTP/2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 +200 OK", "HTTP/1.1 600 OK", "SSH-2.0"]
        {
            assert!(parse(format!("{line}\r\n\r\n").as_bytes()).is_err(), "{line:?}");
        }
    }

    #[test]
    fn the_end_of_the_body_is_clear_or_refused() {
        assert_eq!(framing("Content-Length: 12\r\n"), Some(Framing::Length(12)));
        assert_eq!(framing("content-length: 3\r\nContent-Length:3\r\n"), Some(Framing::Length(3)));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Some(Framing::Chunked));
        assert_eq!(framing("X: y\r\n"), Some(Framing::UntilClose));
        for lines in [
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: -3\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Content-Length : 3\r\n",
            " folded: yes\r\n",
            "no colon\r\n",
            ": no name\r\n",
            "X: bare\nY: line feed\r\n",
        ] {
            assert_eq!(framing(lines), None, "{lines:?}");
        }
        assert!(parse(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_date_to_come_back_at_is_passed_over() {
        let head = parse(b"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n").unwrap();
        assert_eq!(head.retry_after, None);
    }
}
