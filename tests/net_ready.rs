//! Waiting for readiness, many at a time, and operations that the program brings. On both runtimes.
#![cfg(feature = "net")]

mod common;

use common::{CountedWaker, settled};
use offtick::net::{Interest, OwnedReadiness, TcpListener, TcpStream, UdpSocket};
use offtick::{Handle, LocalRuntime, Runtime};
use std::future::Future;
use std::io::{self, ErrorKind, Write};
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Runs a body on each kind of runtime.
fn on_both<F: Future<Output = io::Result<()>> + Send + 'static>(body: impl Fn(Handle) -> F) {
    let rt = Runtime::new().expect("a runtime");
    settled(rt.run(body(rt.handle().clone())));
    assert_eq!(rt.metrics().sockets, 0, "on a Runtime");
    let local = LocalRuntime::new().expect("a runtime");
    let handle = local.handle().clone();
    local.run_until(body(handle.clone())).expect("no nesting").expect("on a LocalRuntime");
    assert_eq!(handle.metrics().sockets, 0, "on a LocalRuntime");
}

/// A stream on the runtime, and its peer, which blocks.
fn pair(rt: &Handle) -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind(ANY).expect("a listener");
    let peer = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (stream, _) = listener.accept().expect("a stream");
    (TcpStream::from_std_on(rt, stream).expect("a stream on the runtime"), peer)
}

async fn accepted_and_connected() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let connected = TcpStream::connect(listener.local_addr()?).await?;
    Ok((listener.accept().await?.0, connected))
}

#[test]
fn accepted_and_connected_sockets_behave_alike() {
    on_both(|_| async {
        let (accepted, connected) = accepted_and_connected().await?;
        for (stream, peer) in [(&accepted, &connected), (&connected, &accepted)] {
            {
                let mut readable = pin!(stream.readable());
                assert!(common::poll_once(&mut readable).is_pending(), "nothing was sent");
                // An operation finds out by itself, without an event.
                assert_eq!(stream.try_read(&mut [0]).expect_err("nothing").kind(), ErrorKind::WouldBlock);
                assert!(common::poll_once(&mut readable).is_pending());
                stream.writable().await?;
                peer.write_all(b"x").await?;
                readable.await?;
            }
            assert_eq!(stream.try_read(&mut [0; 8])?, 1);
        }
        Ok(())
    });
}

#[test]
fn what_is_ready_is_told_by_direction() {
    const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
    on_both(|_| async {
        let (stream, peer) = accepted_and_connected().await?;
        let ready = stream.ready(BOTH).await?;
        assert!(ready.is_writable() && !ready.is_readable(), "{ready:?}");
        peer.write_all(b"x").await?;
        let ready = stream.ready(Interest::READABLE).await?;
        assert!(ready.is_readable() && !ready.is_writable() && !ready.is_read_closed(), "{ready:?}");
        peer.shutdown(std::net::Shutdown::Write)?;
        while !stream.ready(BOTH).await?.is_read_closed() {
            assert_eq!(stream.try_read(&mut [0; 8])?, 1);
            stream.readable().await?;
        }
        assert_eq!(stream.try_read(&mut [0; 8])?, 0);
        Ok(())
    });
}

/// The waits of a socket, each with a waker of its own.
fn wakers(count: usize) -> Vec<(Arc<CountedWaker>, Waker)> {
    (0..count).map(|_| CountedWaker::pair(None)).collect()
}

#[test]
fn a_thousand_owned_waits_are_woken_and_the_cancelled_one_is_not() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let stream = Arc::new(stream);
        let mut waits: Vec<(_, OwnedReadiness<_>)> = wakers(1000)
            .into_iter()
            .map(|(counted, waker)| {
                let mut wait = stream.readable_owned();
                assert!(wait.poll_ready(&mut Context::from_waker(&waker)).is_pending());
                (counted, wait)
            })
            .collect();
        let (cancelled, wait) = waits.swap_remove(500);
        drop(wait);
        assert_eq!(Arc::strong_count(&cancelled), 1, "its waker is gone with it");
        peer.write_all(b"x")?;
        stream.readable().await?;
        for (counted, wait) in waits {
            assert_eq!(counted.wakes.count(), 1);
            wait.await?;
        }
        assert_eq!(cancelled.wakes.count(), 0);
        Ok(())
    });
}

#[test]
fn a_thousand_tasks_that_poll_are_all_woken() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let wakers = wakers(1000);
        for round in 1..=2 {
            for (_, waker) in &wakers {
                // Twice: a waker is kept once.
                for _ in 0..2 {
                    assert!(stream.poll_readable(&mut Context::from_waker(waker)).is_pending());
                }
            }
            peer.write_all(b"x")?;
            stream.readable().await?;
            for (counted, _) in &wakers {
                assert_eq!(counted.wakes.count(), round);
            }
            assert_eq!(stream.try_read(&mut [0; 8])?, 1);
            assert_eq!(stream.try_read(&mut [0; 8]).expect_err("nothing left").kind(), ErrorKind::WouldBlock);
        }
        Ok(())
    });
}

#[test]
fn two_tasks_that_read_by_polling_both_get_on() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let stream = Arc::new(stream);
        let mut readers: Vec<_> = (0..2)
            .map(|_| {
                let stream = Arc::clone(&stream);
                rt.run(std::future::poll_fn(move |cx| stream.poll_read(cx, &mut [0])))
            })
            .collect();
        // Both wait by the time that this task runs again.
        for _ in 0..4 {
            common::yield_once().await;
        }
        peer.write_all(b"xy")?;
        for reader in readers.drain(..) {
            assert_eq!(reader.await.map_err(io::Error::other)?, 1);
        }
        drop(stream);
        Ok(())
    });
}

#[test]
fn callers_that_poll_with_a_new_waker_each_time_use_bounded_memory() {
    let rt = common::runtime();
    let (stream, _peer) = pair(rt.handle());
    let (first, waker) = CountedWaker::pair(None);
    assert!(stream.poll_readable(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    let given: Vec<_> = wakers(5000)
        .into_iter()
        .map(|(counted, waker)| {
            assert!(stream.poll_readable(&mut Context::from_waker(&waker)).is_pending());
            counted
        })
        .collect();
    assert_eq!(first.wakes.count(), 1, "the one that asked first is woken, to ask again");
    let kept = given.iter().filter(|counted| Arc::strong_count(counted) > 1).count();
    assert_eq!(kept, 1024);
    let woken = given.iter().map(|counted| counted.wakes.count()).sum::<usize>();
    assert_eq!(woken, 5000 - 1024, "each of the others was woken once");
}

#[test]
fn a_waker_that_panics_takes_no_other_along() {
    common::quiet_planned_panics();
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let (panics, waker) = CountedWaker::pair(Some("planned: a waker"));
        assert!(stream.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        peer.write_all(b"x")?;
        stream.readable().await?;
        assert_eq!(panics.wakes.count(), 1);
        assert_eq!(stream.read(&mut [0; 8]).await?, 1);
        Ok(())
    });
}

/// Counts the results of waits, each followed by a system call that the crate does not see.
#[cfg(unix)]
async fn naive_reads(stream: &TcpStream, ready: &AtomicUsize, bytes: usize) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        stream.readable().await?;
        ready.fetch_add(1, Ordering::Relaxed);
        match rustix::io::read(stream, &mut [0; 1]) {
            Ok(n) => left -= n,
            Err(error) if error == rustix::io::Errno::AGAIN => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits that return the same readiness again and again end after a few, and the data that comes later is not lost.
#[cfg(unix)]
#[test]
fn a_loop_of_waits_and_system_calls_of_its_own_does_not_spin() {
    const BYTES: usize = 20;
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let ready = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ready);
        let mut reader = rt.run(async move { naive_reads(&stream, &counted, BYTES).await });
        for nth in 1..=BYTES {
            peer.write_all(b"x")?;
            // The reader settles: it waits, and no longer returns.
            let mut before = usize::MAX;
            while before != ready.load(Ordering::Relaxed) || before < nth {
                before = ready.load(Ordering::Relaxed);
                for _ in 0..64 {
                    common::yield_once().await;
                }
            }
            assert!(before <= 9 * nth, "{before} results for {nth} bytes");
        }
        (&mut reader).await.map_err(io::Error::other)?;
        Ok(())
    });
}

/// A closure says that it would block, for reasons of its own, while there is something to read.
#[test]
fn a_closure_that_would_block_falsely_runs_again() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        peer.write_all(b"x")?;
        let mut calls = 0;
        let falsely = stream.io(Interest::READABLE, |stream| {
            calls += 1;
            if calls < 4 { Err(ErrorKind::WouldBlock.into()) } else { stream.try_read(&mut [0; 8]) }
        });
        assert_eq!(falsely.await?, 1);
        assert_eq!(calls, 4);
        peer.write_all(b"y")?;
        stream.readable().await?;
        let refused = stream.try_io(Interest::READABLE, |_| Err::<(), _>(ErrorKind::WouldBlock.into()));
        assert_eq!(refused.expect_err("it says so").kind(), ErrorKind::WouldBlock);
        stream.readable().await?;
        assert_eq!(stream.try_read(&mut [0; 8])?, 1);
        Ok(())
    });
}

/// It is believed at last, so its task does not spin; the next event runs it again.
#[cfg(unix)]
#[test]
fn a_closure_that_always_would_block_does_not_spin() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        peer.write_all(b"x")?;
        stream.readable().await?;
        let calls = AtomicUsize::new(0);
        let mut never = pin!(stream.io(Interest::READABLE, |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(ErrorKind::WouldBlock.into())
        }));
        for _ in 0..100 {
            assert!(common::poll_once(&mut never).is_pending());
        }
        let calls = calls.load(Ordering::Relaxed);
        assert!(calls <= 8, "{calls} calls for one event");
        Ok(())
    });
}

#[test]
fn a_closure_may_register_and_drop_other_sources() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        peer.write_all(b"x")?;
        let other = stream
            .io(Interest::READABLE, |stream| {
                let (other, other_peer) = pair(&rt);
                drop(pair(&rt));
                Ok((stream.try_read(&mut [0; 8])?, other, other_peer))
            })
            .await?;
        let (n, other, mut other_peer) = other;
        assert_eq!(n, 1);
        other_peer.write_all(b"y")?;
        assert_eq!(other.read(&mut [0; 8]).await?, 1);
        Ok(())
    });
}

#[test]
fn an_operation_for_either_direction_runs_for_the_one_that_is_ready() {
    on_both(|rt| async move {
        let (stream, mut peer) = pair(&rt);
        let mut calls = 0;
        let both = stream.io(Interest::READABLE | Interest::WRITABLE, |stream| {
            calls += 1;
            if calls == 1 {
                peer.write_all(b"x")?;
            }
            // Needs to read while only writing is possible.
            stream.try_read(&mut [0; 8])
        });
        assert_eq!(both.await?, 1);
        Ok(())
    });
}

#[test]
fn waits_of_a_runtime_that_is_shut_down_end() {
    let rt = common::runtime();
    let (stream, _peer) = pair(rt.handle());
    let stream = Arc::new(stream);
    let mut wait = stream.readable_owned();
    let (counted, waker) = CountedWaker::pair(None);
    assert!(wait.poll_ready(&mut Context::from_waker(&waker)).is_pending());
    drop(rt);
    assert_eq!(counted.wakes.count(), 1);
    for error in [
        common::block_on(wait).expect_err("it is gone"),
        common::block_on(stream.ready(Interest::READABLE)).expect_err("it is gone"),
        common::block_on(stream.io(Interest::READABLE, |_| Ok(()))).expect_err("it is gone"),
    ] {
        assert!(offtick::net::ReactorGone::caused(&error), "{error}");
    }
}

#[test]
fn datagrams_and_listeners_have_the_same_calls() {
    on_both(|_| async {
        let here = Arc::new(UdpSocket::bind(ANY).await?);
        here.ready(Interest::WRITABLE).await?;
        let address = here.local_addr()?;
        here.io(Interest::WRITABLE, |socket| socket.try_send_to(b"x", address)).await?;
        here.readable_owned().await?;
        assert_eq!(here.try_io(Interest::READABLE, |socket| socket.try_recv(&mut [0; 8]))?, 1);
        let listener = Arc::new(TcpListener::bind(ANY).await?);
        let _client = std::net::TcpStream::connect(listener.local_addr()?)?;
        listener.readable_owned().await?;
        listener.accept().await?;
        Ok(())
    });
}

/// A descriptor of the file that is passed, and the bytes that came with it.
#[cfg(unix)]
#[test]
fn a_descriptor_is_passed_over_a_socket() {
    use offtick::net::UnixStream;
    use rustix::net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    };
    use std::io::{IoSlice, IoSliceMut, PipeReader, Read};
    use std::mem::MaybeUninit;
    use std::os::fd::AsFd;
    on_both(|_| async {
        let (here, there) = UnixStream::pair()?;
        let receive = async {
            there
                .io(Interest::READABLE, |socket| {
                    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
                    let mut byte = [0; 1];
                    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
                    let mut passed = Vec::new();
                    for message in ancillary.drain() {
                        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                            passed.extend(descriptors);
                        }
                    }
                    Ok((byte[0], passed))
                })
                .await
        };
        let mut receive = pin!(receive);
        assert!(common::poll_once(&mut receive).is_pending());
        let (reader, mut writer) = io::pipe()?;
        here.io(Interest::WRITABLE, |socket| {
            let descriptors = [reader.as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
            Ok(sendmsg(socket, &[IoSlice::new(b"d")], &mut ancillary, SendFlags::NOSIGNAL)?)
        })
        .await?;
        drop(reader);
        let (byte, mut passed) = receive.await?;
        assert_eq!((byte, passed.len()), (b'd', 1));
        writer.write_all(b"through it")?;
        drop(writer);
        let mut text = String::new();
        PipeReader::from(passed.remove(0)).read_to_string(&mut text)?;
        assert_eq!(text, "through it");
        Ok(())
    });
}
