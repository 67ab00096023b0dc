//! Sockets that become something else: shared streams, descriptors, streams of other crates; and the calls that go with them.
#![cfg(all(unix, feature = "net"))]

mod common;

use common::settled;
use offtick::net::{BufReader, Io, TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use offtick::{Handle, Runtime};
use rustix::fs::{OFlags, fcntl_getfl};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn run<T: Send + 'static, F: Future<Output = io::Result<T>> + Send + 'static>(body: impl FnOnce(Handle) -> F) -> T {
    let rt = Runtime::new().expect("a runtime");
    let value = settled(rt.run(body(rt.handle().clone())));
    assert_eq!(rt.metrics().sockets, 0);
    value
}

async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

#[test]
fn a_shared_stream_closes_with_its_last_owner() {
    run(|rt| async move {
        let (client, server) = pair().await?;
        let reader = client.into_shared();
        let writer = reader.clone();
        let reader = reader.try_into_inner().expect_err("there is another owner");
        let wrote = rt.run(async move { writer.write_all(b"question").await });
        let mut text = [0; 8];
        server.read_exact(&mut text).await?;
        wrote.await.map_err(io::Error::other)?;
        server.write_all(b"answer").await?;
        reader.read_exact(&mut text[..6]).await?;
        assert_eq!(&text[..6], b"answer");
        drop(reader.try_into_inner().expect("the last owner"));
        assert_eq!(server.read(&mut text).await?, 0);
        Ok(())
    });
}

#[test]
fn descriptors_become_sockets_and_sockets_descriptors() {
    run(|_| async {
        let (client, server) = pair().await?;
        let number = client.as_raw_fd();
        let fd = OwnedFd::from(client);
        assert_eq!(fd.as_raw_fd(), number);
        assert!(!fcntl_getfl(&fd)?.contains(OFlags::NONBLOCK), "back in blocking mode");
        let client = TcpStream::try_from(fd)?;
        client.write_all(b"x").await?;
        assert_eq!(server.read(&mut [0; 8]).await?, 1);
        let udp = UdpSocket::try_from(OwnedFd::from(UdpSocket::bind(ANY).await?))?;
        udp.send_to(b"x", &udp.local_addr()?).await?;
        let (unix, _) = UnixStream::pair()?;
        UnixStream::try_from(OwnedFd::from(unix))?.writable().await?;
        // A regular file is refused and comes back.
        let file = OwnedFd::from(std::fs::File::open("/proc/self/exe")?);
        let refused = TcpStream::try_from(file).expect_err("a file");
        assert!(fcntl_getfl(refused.into_inner().as_fd()).is_ok());
        Ok(())
    });
}

#[test]
fn datagrams_are_looked_at_without_taking_them() {
    run(|_| async {
        let (here, there) = (UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?);
        assert_eq!(there.try_peek_sender().expect_err("nothing").kind(), ErrorKind::WouldBlock);
        here.send_to(b"state", &there.local_addr()?).await?;
        assert_eq!(there.peek_sender().await?, here.local_addr()?);
        assert_eq!(there.try_peek_sender()?, here.local_addr()?);
        let mut text = [0; 8];
        assert_eq!(there.try_peek_from(&mut text)?, (5, here.local_addr()?));
        assert_eq!(there.try_peek(&mut text)?, 5);
        let mut buffer = Vec::with_capacity(16);
        buffer.push(b'>');
        assert_eq!(there.recv_buf_from(&mut buffer).await?, (5, here.local_addr()?));
        assert_eq!(buffer, b">state");
        assert_eq!(there.try_recv_buf(&mut buffer).expect_err("taken").kind(), ErrorKind::WouldBlock);
        assert_eq!(buffer, b">state");
        let full = there.recv_buf(&mut Vec::new()).await.expect_err("no room");
        assert_eq!(full.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn a_stream_reads_into_the_room_of_a_vector() {
    run(|_| async {
        let (client, server) = pair().await?;
        client.write_all(b"abc").await?;
        let mut buffer = Vec::with_capacity(2);
        assert_eq!(server.read_buf(&mut buffer).await?, 2);
        assert_eq!(server.read_buf(&mut buffer).await.expect_err("no room").kind(), ErrorKind::InvalidInput);
        buffer.reserve_exact(8);
        assert_eq!(server.try_read_buf(&mut buffer)?, 1);
        assert_eq!(buffer, b"abc");
        drop(client);
        assert_eq!(server.read_buf(&mut buffer).await?, 0);
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_names_are_paths_that_begin_with_zero() {
    run(|_| async {
        let name = |what: &str| format!("\0offtick-{what}-{}", std::process::id());
        let listener = UnixListener::bind(name("stream"))?;
        let client = UnixStream::connect(name("stream")).await?;
        let (server, _) = listener.accept().await?;
        client.write_all(b"x").await?;
        assert_eq!(server.read(&mut [0; 8]).await?, 1);
        let taken = UnixListener::bind(name("stream")).expect_err("in use");
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        assert!(taken.to_string().contains("@offtick-stream"), "{taken}");
        let receiver = UnixDatagram::bind(name("datagram"))?;
        let sender = UnixDatagram::unbound()?;
        sender.send_to(b"one", name("datagram")).await?;
        sender.connect(name("datagram"))?;
        sender.send(b"two").await?;
        for expected in [b"one", b"two"] {
            let mut text = [0; 8];
            assert_eq!(receiver.recv(&mut text).await?, 3);
            assert_eq!(&text[..3], expected);
        }
        assert_eq!(sender.try_send_to(b"x", name("nobody")).expect_err("nobody").kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn options_of_packets_and_of_the_end() {
    run(|_| async {
        let (client, _server) = pair().await?;
        client.set_tos(0x10)?;
        assert_eq!(client.tos()?, 0x10);
        let udp = UdpSocket::bind("[::1]:0").await;
        if let Ok(udp) = udp {
            udp.set_tos(0x28)?;
            assert_eq!(udp.tos()?, 0x28);
        }
        assert_eq!(client.linger()?, None);
        client.set_linger(Some(Duration::from_secs(2)))?;
        assert_eq!(client.linger()?, Some(Duration::from_secs(2)));
        client.set_linger(None)?;
        Ok(())
    });
}

#[test]
fn the_output_of_a_child_is_read_by_lines() {
    run(|_| async {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = Io::from_fd(child.stdin.take().expect("piped"))?;
        let mut output = BufReader::new(Io::from_fd(child.stdout.take().expect("piped"))?);
        input.write_all(b"one\ntwo\n").await?;
        assert_eq!(output.read_line().await?.as_deref(), Some("one\n"));
        drop(input);
        assert_eq!(output.read_line().await?.as_deref(), Some("two\n"));
        assert_eq!(output.read_line().await?, None);
        assert!(child.wait()?.success());
        Ok(())
    });
}
