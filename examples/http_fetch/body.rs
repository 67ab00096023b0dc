//! The body of a response, taken out of its framing piece by piece: no input, no output.
//!
//! ```text
//! Left(n) -----------------------------------------------------> Over     a length
//! ToTheEnd                                                                the end of the connection
//! Size ---> Chunk(n) ---> Gap ---> Size ... ---> Trailers -----> Over     chunks; `Gap` is the CRLF after one
//! ```

use crate::head::{Framing, Malformed};

/// The longest line of a chunk's size or a trailer, in bytes.
const LINE: usize = 256;

/// The most trailers: they are read over.
const TRAILERS: u32 = 64;

/// A body that is being received.
#[derive(Debug)]
pub(crate) struct Body {
    state: State,
    /// The line that is not whole yet, of chunks only.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Left(u64),
    ToTheEnd,
    Size,
    Chunk(u64),
    Gap,
    Trailers(u32),
    Over,
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Over,
            Framing::Length(length) => State::Left(length),
            Framing::UntilClose => State::ToTheEnd,
            Framing::Chunked => State::Size,
        };
        Self { state, line: Vec::new() }
    }

    /// Takes what came in and passes the content on. What comes after the end of the body is left aside.
    ///
    /// # Errors
    /// For chunks that are not as they should be.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], content: &mut impl FnMut(&[u8])) -> Result<(), Malformed> {
        while !bytes.is_empty() && self.state != State::Over {
            bytes = match self.state {
                State::Left(left) => self.content(bytes, left, State::Left, State::Over, content),
                State::Chunk(left) => self.content(bytes, left, State::Chunk, State::Gap, content),
                State::ToTheEnd => self.content(bytes, u64::MAX, |_| State::ToTheEnd, State::Over, content),
                _ => self.line(bytes)?,
            };
        }
        Ok(())
    }

    /// True if all of it is there.
    pub(crate) fn is_finished(&self) -> bool {
        self.state == State::Over
    }

    /// The same, the connection having ended.
    pub(crate) fn is_over_at_the_end(&self) -> bool {
        matches!(self.state, State::Over | State::ToTheEnd)
    }

    /// Passes on at most `left` bytes; gives the rest.
    fn content<'a>(
        &mut self,
        bytes: &'a [u8],
        left: u64,
        on: impl Fn(u64) -> State,
        after: State,
        content: &mut impl FnMut(&[u8]),
    ) -> &'a [u8] {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (piece, rest) = bytes.split_at(here);
        content(piece);
        let left = left - piece.len() as u64;
        self.state = if left == 0 { after } else { on(left) };
        rest
    }

    /// Takes a line, or as much of it as there is; gives the rest.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let end = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.line.len() + piece.len() > LINE {
            return Err(Malformed("a line among the chunks is too long"));
        }
        self.line.extend_from_slice(piece);
        if end.is_some() {
            let line = self.line.strip_suffix(b"\r\n").ok_or(Malformed("a line among the chunks ends without CR"))?;
            self.state = match self.state {
                State::Size => match chunk_size(line)? {
                    0 => State::Trailers(0),
                    size => State::Chunk(size),
                },
                State::Gap if line.is_empty() => State::Size,
                State::Trailers(_) if line.is_empty() => State::Over,
                State::Trailers(before) if before < TRAILERS => State::Trailers(before + 1),
                State::Trailers(_) => return Err(Malformed("too many trailers")),
                _ => return Err(Malformed("a chunk is longer than it says")),
            };
            self.line.clear();
        }
        Ok(rest)
    }
}

/// Hexadecimal digits; what follows a semicolon is read over.
fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let wrong = Malformed("the size of a chunk is not a number");
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| wrong)?;
    u64::from_str_radix(digits, 16).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::Body;
    use crate::head::Framing;

    /// The content of a body that comes in pieces of `step` bytes, and whether its end was seen.
    fn received(framing: Framing, bytes: &[u8], step: usize) -> Option<(String, bool)> {
        let (mut body, mut all) = (Body::new(framing), Vec::new());
        for piece in bytes.chunks(step) {
            body.receive(piece, &mut |content| all.extend_from_slice(content)).ok()?;
        }
        Some((String::from_utf8(all).unwrap(), body.is_finished()))
    }

    #[test]
    fn content_is_the_same_in_any_pieces() {
        let chunks = b"4\r\nWiki\r\n0000B ;name=value\r\npedia in \r\n\r\n2\r\nch\r\n0\r\nTrailer: yes\r\n\r\nsurplus";
        for step in 1..=chunks.len() {
            let whole = Some(("Wikipedia in \r\nch".to_owned(), true));
            assert_eq!(received(Framing::Chunked, chunks, step), whole, "in steps of {step}");
            assert_eq!(received(Framing::Length(3), b"onesurplus", step), Some(("one".to_owned(), true)));
            assert_eq!(received(Framing::Length(9), b"short", step), Some(("short".to_owned(), false)));
            assert_eq!(received(Framing::UntilClose, b"all", step), Some(("all".to_owned(), false)));
        }
        assert_eq!(received(Framing::Length(0), b"", 1), Some((String::new(), true)));
    }

    #[test]
    fn the_end_of_the_connection_ends_a_body_without_a_length_only() {
        assert!(Body::new(Framing::UntilClose).is_over_at_the_end());
        assert!(!Body::new(Framing::Length(1)).is_over_at_the_end());
        assert!(!Body::new(Framing::Chunked).is_over_at_the_end());
    }

    #[test]
    fn chunks_that_are_none_are_refused() {
        let endless = "0\r\n".to_owned() + &"Trailer: x\r\n".repeat(100);
        for bytes in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "1\nx",
            "1\r\nxx\r\n",
            "11111111111111111\r\n",
            &"1".repeat(300),
            &endless,
        ] {
            for step in [1, 7, 1000] {
                assert_eq!(received(Framing::Chunked, bytes.as_bytes(), step), None, "{bytes:?} in steps of {step}");
            }
        }
    }
}
