//! A reconnecting stream over real sockets: the server hangs up in the middle of lines.
#![cfg(feature = "net")]

use offtick::net::reconnect::Fresh;
use offtick::net::{Reconnecting, TcpListener, TcpStream};
use offtick::{BoxError, RetryPolicy, Runtime};
use std::net::Ipv4Addr;
use std::time::Duration;

fn policy() -> RetryPolicy<std::io::Error> {
    RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(1000)
}

async fn line(stream: &TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        line.push(byte[0]);
    }
    String::from_utf8(line).map_err(std::io::Error::other)
}

#[test]
fn a_server_that_hangs_up_in_the_middle_of_lines_loses_none() {
    const LINES: usize = 200;
    let rt = Runtime::new().expect("a runtime");
    let handle = rt.handle().clone();
    let mut task = rt.run(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // Seven bytes a connection, whatever stands there.
        let server = handle.run(async move {
            let text: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
            let (mut connections, mut at) = (0, 0);
            while at < text.len() {
                let (stream, _) = listener.accept().await?;
                assert_eq!(line(&stream).await?, format!("from {at}\n"));
                let end = (at + 7).min(text.len());
                stream.write_all(&text.as_bytes()[at..end]).await?;
                (connections, at) = (connections + 1, end);
            }
            std::io::Result::Ok((connections, text.len()))
        });
        let mut received = 0;
        let link = Reconnecting::builder(async move || TcpStream::connect(address).await)
            .policy(policy())
            .handshake(async move |fresh: &mut Fresh<TcpStream>| {
                fresh.write_all(format!("from {received}\n").as_bytes()).await?;
                received += 7;
                Ok(())
            })
            .open()?;
        for number in 0..LINES {
            assert_eq!(link.read_line().await?, format!("line {number}\n"));
        }
        let (connections, bytes) = server.await?;
        assert_eq!(connections, bytes.div_ceil(7));
        Ok::<_, BoxError>(())
    });
    task.wait().expect("all lines, in order, once");
}

#[test]
fn a_server_that_comes_late_gets_what_waited() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        // A port where nobody listens for now.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        drop(listener);
        let link = Reconnecting::builder(async move || TcpStream::connect(address).await).policy(policy()).open()?;
        let mut message = link.send("hello\n");
        let early = std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut message).poll(cx)));
        assert!(early.await.is_pending());
        let listener = TcpListener::bind(address).await?;
        let (server, _) = listener.accept().await?;
        assert_eq!(line(&server).await?, "hello\n");
        message.await?;
        link.close();
        // The good-bye arrives: an end, and no reset.
        assert_eq!(server.read(&mut [0]).await?, 0);
        Ok::<_, BoxError>(())
    });
    task.wait().expect("it arrives");
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_connections() {
    use offtick::net::UnixStream;
    use std::sync::Mutex;
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let (pairs, other) = [UnixStream::pair()?, UnixStream::pair()?].into();
        let ((here, there), (next, last)) = (pairs, other);
        let ends = Mutex::new(vec![next, here]);
        let link = Reconnecting::builder(async move || {
            let end = ends.lock().ok().and_then(|mut ends| ends.pop());
            end.ok_or_else(|| std::io::Error::other("no more"))
        })
        .policy(policy())
        .open()?;
        there.write_all(b"o").await?;
        drop(there);
        last.write_all(b"ne\n").await?;
        assert_eq!(link.read_line().await?, "one\n");
        Ok::<_, BoxError>(())
    });
    task.wait().expect("a line");
}

#[cfg(feature = "futures-io")]
#[test]
fn streams_of_the_ecosystem_are_connections() {
    use futures_io::{AsyncRead, AsyncWrite};
    use offtick::net::reconnect::FuturesIo;
    use std::io::{self, Read};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// Says one thing, then ends.
    struct Said(&'static [u8]);

    impl AsyncRead for Said {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(self.0.read(buffer))
        }
    }

    impl AsyncWrite for Said {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(async {
        let link = Reconnecting::builder(async || Ok(FuturesIo(Said(b"one\ntw")))).policy(policy()).open()?;
        assert_eq!(link.read_line().await?, "one\n");
        assert_eq!(link.read_line().await?, "twone\n");
        Ok::<_, BoxError>(())
    });
    task.wait().expect("lines");
}
