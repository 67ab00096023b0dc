//! The traits of `futures-io` on streams: libraries that take any stream see nothing but these.
#![cfg(feature = "futures-io")]

use futures_io::{AsyncRead, AsyncWrite};
use offtick::Runtime;
use offtick::net::{TcpListener, TcpStream};
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Ipv4Addr;
use std::pin::Pin;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// What a protocol library does, knowing nothing of the stream: vectored writes, a close, and reads to the end.
async fn say(stream: &mut (impl AsyncWrite + Unpin), parts: [&[u8]; 2]) -> io::Result<()> {
    let mut slices = parts.map(IoSlice::new);
    let mut left = &mut slices[..];
    while left.iter().any(|slice| !slice.is_empty()) {
        let n = poll_fn(|cx| Pin::new(&mut *stream).poll_write_vectored(cx, left)).await?;
        IoSlice::advance_slices(&mut left, n);
    }
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await?;
    poll_fn(|cx| Pin::new(&mut *stream).poll_close(cx)).await
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    loop {
        let (mut one, mut rest) = ([0; 1], [0; 64]);
        let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut rest)];
        match poll_fn(|cx| Pin::new(&mut *stream).poll_read_vectored(cx, &mut buffers)).await? {
            0 => return Ok(heard),
            n => heard.extend(one.iter().chain(&rest).take(n)),
        }
    }
}

async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

#[test]
fn a_stream_is_closed_on_its_writing_side_alone() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (mut client, server) = tcp_pair().await?;
        say(&mut client, [b"a question", b", asked"]).await?;
        assert_eq!(hear(&mut &server).await?, b"a question, asked");
        // The other direction is open still.
        say(&mut &server, [b"an answer", b""]).await?;
        assert_eq!(hear(&mut client).await?, b"an answer");
        // Closing once more is no error.
        poll_fn(|cx| Pin::new(&mut client).poll_close(cx)).await
    });
    task.wait().expect("both directions");
}

#[cfg(unix)]
#[test]
fn any_source_that_reads_and_writes_is_a_stream() {
    use offtick::net::Io;
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (reader, writer) = io::pipe()?;
        let (mut reader, mut writer) = (Io::from_fd(reader)?, Io::from_fd(writer)?);
        say(&mut writer, [b"through", b" a pipe"]).await?;
        // A pipe has no side to shut: dropping closes it.
        drop(writer);
        hear(&mut reader).await
    });
    assert_eq!(task.wait().expect("the text"), b"through a pipe");
}

#[test]
fn halves_are_streams_of_one_direction() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (client, mut server) = tcp_pair().await?;
        let (mut reading, mut writing) = client.into_split();
        say(&mut writing, [b"owned", b" half"]).await?;
        let (mut borrowed, back) = server.split();
        assert_eq!(hear(&mut borrowed).await?, b"owned half");
        say(&mut &back, [b"borrowed", b" half"]).await?;
        assert_eq!(hear(&mut reading).await?, b"borrowed half");
        assert_eq!(hear(&mut &reading).await?, b"");
        reading.reunite(writing).map_err(io::Error::other)
    });
    task.wait().expect("both directions");
}

#[cfg(unix)]
#[test]
fn unix_streams_are_streams() {
    use offtick::net::UnixStream;
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (mut one, other) = UnixStream::pair()?;
        say(&mut one, [b"next", b" door"]).await?;
        assert_eq!(hear(&mut &other).await?, b"next door");
        let (mut reading, mut writing) = other.into_split();
        say(&mut writing, [b"", b"thanks"]).await?;
        drop((writing, poll_fn(|cx| Pin::new(&mut reading).poll_read(cx, &mut [0; 1])).await?));
        hear(&mut one).await
    });
    assert_eq!(task.wait().expect("the answer"), b"thanks");
}

#[test]
fn shared_streams_and_buffered_readers_are_streams() {
    use futures_io::AsyncBufRead;
    use offtick::net::BufReader;
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (client, server) = tcp_pair().await?;
        let (mut client, mut writer) = (client.into_shared(), server.into_shared());
        say(&mut writer, [b"two", b" owners"]).await?;
        let mut reader = BufReader::new(client.clone());
        let first = poll_fn(|cx| Pin::new(&mut reader).poll_fill_buf(cx).map_ok(<[u8]>::to_vec)).await?;
        assert!(b"two owners".starts_with(&first) && !first.is_empty());
        Pin::new(&mut reader).consume(1);
        assert_eq!(hear(&mut reader).await?, b"wo owners");
        say(&mut client, [b"back", b""]).await?;
        hear(&mut writer).await
    });
    assert_eq!(task.wait().expect("both directions"), b"back");
}
