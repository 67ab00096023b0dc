//! Reading by lines over streams.
#![cfg(feature = "net")]

mod common;

use common::settled;
use offtick::net::{BufReader, TcpStream};
use std::io::{self, ErrorKind, Write};
use std::net::Ipv4Addr;

/// A stream on the runtime, and its peer, which blocks.
fn pair(rt: &offtick::Handle) -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let peer = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (stream, _) = listener.accept().expect("a stream");
    (TcpStream::from_std_on(rt, stream).expect("a stream on the runtime"), peer)
}

#[test]
fn lines_are_whole_however_they_come() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    let sent: Vec<String> = (0..200).map(|n| format!("{}\n", "x".repeat(n * n % 1_000))).collect();
    let theirs = sent.concat();
    let writer = std::thread::spawn(move || {
        let (mut rest, mut n) = (theirs.as_bytes(), 1);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(n.min(rest.len()));
            peer.write_all(piece).expect("room");
            (rest, n) = (behind, n % 700 + 1);
        }
        peer.write_all(b"no end").expect("room");
    });
    let task = rt.run(async move {
        let (reading, writing) = stream.into_split();
        let mut reader = BufReader::with_limit(&reading, 1_000).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = reader.read_line().await? {
            lines.push(line);
        }
        assert_eq!(reader.read_until(b'x').await?, None, "the end stays");
        drop(writing);
        io::Result::Ok(lines)
    });
    let mut lines = settled(task);
    assert_eq!(lines.pop().as_deref(), Some("no end"));
    assert!(lines == sent);
    writer.join().expect("no panic");
}

#[test]
fn a_read_that_is_dropped_takes_nothing() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    let line = rt.run(async move {
        let mut reader = BufReader::new(stream);
        peer.write_all(b"two ")?;
        reader.get_ref().readable().await?;
        assert!(common::poll_once(&mut Box::pin(reader.read_line())).is_pending());
        assert_eq!(reader.buffer(), b"two ");
        peer.write_all(b"parts\nmore")?;
        let line = reader.read_line().await?;
        let mut more = [0; 4];
        reader.read_exact(&mut more).await?;
        assert_eq!(&more, b"more");
        io::Result::Ok(line)
    });
    assert_eq!(settled(line).as_deref(), Some("two parts\n"));
}

#[test]
fn what_is_too_long_or_no_text_is_told_and_not_lost() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    peer.write_all(b"12345678\n\xff\nrest").expect("room");
    drop(peer);
    settled(rt.run(async move {
        let mut reader = BufReader::with_limit(stream, 8).unwrap();
        for _ in 0..2 {
            let error = reader.read_line().await.expect_err("too long");
            assert!(error.kind() == ErrorKind::InvalidData && error.to_string().contains("8 bytes"), "{error}");
        }
        assert_eq!(reader.fill_buf().await?, b"12345678");
        reader.consume(100);
        assert_eq!(reader.read_line().await?.as_deref(), Some("\n"));
        let error = reader.read_line().await.expect_err("no text");
        let inside = error.get_ref().and_then(|error| error.downcast_ref::<std::string::FromUtf8Error>());
        assert_eq!(inside.map(|error| error.as_bytes()), Some(&b"\xff\n"[..]));
        assert_eq!(reader.read(&mut [0; 1]).await?, 1);
        let error = reader.read_exact(&mut [0; 8]).await.expect_err("the end");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(reader.read(&mut [0; 8]).await?, 0);
        assert!(reader.into_parts().1.is_empty());
        io::Result::Ok(())
    }));
}
