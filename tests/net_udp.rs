//! Datagrams over UDP, on loopback.
#![cfg(feature = "net")]

mod common;

use common::{block_on, poll_once};
use offtick::Runtime;
use offtick::net::UdpSocket;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn run<T: Send + 'static>(body: impl Future<Output = io::Result<T>> + Send + 'static) -> T {
    Runtime::new().expect("a runtime").run(body).wait().expect("the body")
}

#[test]
fn a_datagram_is_seen_and_then_taken_whole_or_cut() {
    run(async {
        let (here, there) = (UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?);
        let from = here.local_addr()?;
        let mut buffer = [0; 4];
        assert_eq!(here.send_to(b"a long one", there.local_addr()?).await?, 10);
        assert_eq!(here.try_send_to(b"two", there.local_addr()?)?, 3);
        assert_eq!(here.send_to(b"", (Ipv4Addr::LOCALHOST, there.local_addr()?.port())).await?, 0);
        assert_eq!(there.peek(&mut buffer).await?, 4);
        assert_eq!(there.peek_from(&mut buffer).await?, (4, from));
        assert_eq!(there.recv_from(&mut buffer).await?, (4, from));
        assert_eq!(&buffer, b"a lo");
        // What was cut is gone: the next read is the next datagram.
        assert_eq!(there.recv(&mut buffer).await?, 3);
        assert_eq!(&buffer[..3], b"two");
        // An empty datagram is one.
        assert_eq!(there.recv_from(&mut buffer).await?, (0, from));
        assert_eq!(there.try_recv(&mut buffer).expect_err("no more").kind(), ErrorKind::WouldBlock);
        assert_eq!(there.try_recv_from(&mut buffer).expect_err("no more").kind(), ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn connected_it_hears_its_peer_alone() {
    run(async {
        let (here, there, stranger) =
            (UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?);
        assert_eq!(here.send(b"to whom").await.expect_err("no peer").kind(), destination_required());
        here.connect(there.local_addr()?).await?;
        assert_eq!(here.peer_addr()?, there.local_addr()?);
        stranger.send_to(b"psst", here.local_addr()?).await?;
        there.send_to(b"hello", here.local_addr()?).await?;
        let mut buffer = [0; 16];
        assert_eq!(poll_fn(|cx| here.poll_recv(cx, &mut buffer)).await?, 5);
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(poll_fn(|cx| here.poll_send(cx, b"and back")).await?, 8);
        assert_eq!(here.try_send(b"twice")?, 5);
        assert_eq!(poll_fn(|cx| there.poll_recv_from(cx, &mut buffer)).await?, (8, here.local_addr()?));
        assert_eq!(there.recv(&mut buffer).await?, 5);
        assert_eq!(poll_fn(|cx| there.poll_send_to(cx, b"x", stranger.local_addr().expect("bound"))).await?, 1);
        assert_eq!(stranger.recv(&mut buffer).await?, 1);
        Ok(())
    });
}

/// The kind that the standard library's socket has for it.
fn destination_required() -> ErrorKind {
    std::net::UdpSocket::bind(ANY).and_then(|socket| socket.send(b"x")).expect_err("no peer").kind()
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_at_the_other_end_is_told_once() {
    run(async {
        let here = UdpSocket::bind(ANY).await?;
        let closed = UdpSocket::bind(ANY).await?.local_addr()?;
        here.connect(closed).await?;
        here.send(b"anyone?").await?;
        assert_eq!(here.recv(&mut [0; 1]).await.expect_err("nobody").kind(), ErrorKind::ConnectionRefused);
        assert!(here.take_error()?.is_none());
        Ok(())
    });
}

#[test]
fn of_several_that_wait_each_gets_a_datagram_and_who_gives_up_none() {
    let rt = Runtime::new().expect("a runtime");
    let (here, there) = rt
        .run(async { io::Result::Ok((UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?)) })
        .wait()
        .expect("two");
    let there = Arc::new(there);
    let mut buffer = [0; 1];
    {
        let mut given_up = pin!(there.recv(&mut buffer));
        assert!(poll_once(&mut given_up).is_pending());
    }
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let there = Arc::clone(&there);
            rt.run(async move {
                let mut byte = [0; 1];
                there.recv(&mut byte).await.map(|_| byte[0])
            })
        })
        .collect();
    // All of them wait by now: tasks start in order.
    rt.spawn(async {}).wait().expect("a turn");
    for byte in 0..4u8 {
        block_on(here.send_to(&[byte], there.local_addr().expect("bound"))).expect("sent");
    }
    let mut got: Vec<_> = readers.into_iter().map(|mut reader| reader.wait().expect("a byte")).collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2, 3]);
}

#[test]
fn options_are_kept_and_the_standard_library_has_them() {
    run(async {
        let socket = UdpSocket::bind(ANY).await?;
        assert!(!socket.broadcast()?);
        socket.set_broadcast(true)?;
        socket.set_ttl(9)?;
        socket.set_multicast_ttl_v4(3)?;
        socket.set_multicast_loop_v4(false)?;
        assert_eq!((socket.ttl()?, socket.multicast_ttl_v4()?, socket.multicast_loop_v4()?), (9, 3, false));
        let no_group = Ipv4Addr::new(10, 1, 2, 3);
        assert!(socket.join_multicast_v4(no_group, Ipv4Addr::UNSPECIFIED).is_err());
        assert!(socket.leave_multicast_v6(Ipv6Addr::LOCALHOST, 0).is_err());
        let address = socket.local_addr()?;
        let socket = socket.into_std()?;
        assert!(socket.broadcast()?);
        assert_eq!(UdpSocket::from_std(socket)?.local_addr()?, address);
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_group_on_loopback_is_heard_by_who_joined_it() {
    run(async {
        let group = Ipv4Addr::new(239, 255, 77, 17);
        let listener = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        listener.join_multicast_v4(group, Ipv4Addr::LOCALHOST)?;
        let again = listener.join_multicast_v4(group, Ipv4Addr::LOCALHOST).expect_err("joined before");
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
        // Bound to loopback, it sends there.
        let sender = UdpSocket::bind(ANY).await?;
        sender.send_to(b"all of you", (group, listener.local_addr()?.port())).await?;
        let mut buffer = [0; 16];
        let (n, from) = listener.recv_from(&mut buffer).await?;
        assert_eq!((&buffer[..n], from), (&b"all of you"[..], sender.local_addr()?));
        listener.leave_multicast_v4(group, Ipv4Addr::LOCALHOST)?;
        let left = listener.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).expect_err("left before");
        assert_eq!(left.kind(), ErrorKind::AddrNotAvailable);
        Ok(())
    });
}

#[test]
fn a_port_in_use_is_named() {
    run(async {
        let first = UdpSocket::bind(ANY).await?;
        let address = first.local_addr()?;
        let error = UdpSocket::bind(address).await.expect_err("in use");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        Ok(())
    });
}
