//! What goes wrong with sockets, one test each: every one ends, with a typed error that says what and where.
#![cfg(feature = "net")]

mod common;

use common::{Latch, settled};
use offtick::net::{ReactorGone, TcpListener, TcpStream, lookup};
use offtick::time::Clock;
use offtick::{Budget, Handle, LocalBuilder, LocalRuntime, Runtime};
use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// A stream on the runtime, and its peer, which blocks.
fn pair(rt: &Handle) -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind(ANY).expect("a listener");
    let peer = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (stream, _) = listener.accept().expect("a stream");
    (TcpStream::from_std_on(rt, stream).expect("a stream on the runtime"), peer)
}

/// Polls until it waits, having taken back whatever it was wrong about.
fn until_it_waits<F: Future + Unpin>(future: &mut F) {
    assert!(common::poll_once(future).is_pending());
}

/// Writes until there is no room.
fn fill(stream: &TcpStream) -> usize {
    let mut written = 0;
    loop {
        match stream.try_write(&[7; 1 << 16]) {
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return written,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_port_in_use_says_which() {
    let rt = common::runtime();
    let taken = std::net::TcpListener::bind(ANY).expect("a listener");
    let address = taken.local_addr().expect("an address");
    let error = settled(rt.spawn(TcpListener::bind(address))).expect_err("it is in use");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(rt.metrics().sockets, 0);
}

#[test]
fn of_several_addresses_the_first_that_accepts_is_taken() {
    let rt = common::runtime();
    let closed = std::net::TcpListener::bind(ANY).and_then(|listener| listener.local_addr()).expect("an address");
    let open = std::net::TcpListener::bind(ANY).expect("a listener");
    let address = open.local_addr().expect("an address");
    let stream = settled(rt.run(async move { TcpStream::connect(&[closed, address][..]).await }));
    assert_eq!(stream.peer_addr().expect("connected"), address);
    let error = settled(rt.spawn(TcpStream::connect(Vec::new()))).expect_err("no address");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
fn reset(peer: std::net::TcpStream) {
    rustix::net::sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).expect("a socket");
    drop(peer);
}

#[cfg(unix)]
#[test]
fn a_reset_in_mid_write_ends_the_write_and_the_read() {
    let rt = common::runtime();
    let (stream, peer) = pair(rt.handle());
    let stream = Arc::new(stream);
    let (reading, filled) = (Arc::clone(&stream), Latch::new());
    let full = filled.clone();
    let reader = rt.spawn(async move { reading.read(&mut [0; 16]).await });
    let writer = rt.spawn(async move {
        fill(&stream);
        full.open();
        stream.write_all(&[1; 1 << 20]).await
    });
    filled.wait();
    reset(peer);
    let kinds = [settled(reader).expect_err("reset").kind(), settled(writer).expect_err("reset").kind()];
    // Whoever comes first takes the socket's error; the other one learns what is left of it.
    assert!(kinds.contains(&ErrorKind::ConnectionReset), "{kinds:?}");
    assert!(kinds.iter().all(|kind| matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)), "{kinds:?}");
    assert_eq!(rt.metrics().sockets, 0);
}

#[test]
fn a_peer_that_sends_no_more_still_reads() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    peer.shutdown(Shutdown::Write).expect("connected");
    let task = rt.run(async move {
        assert_eq!(stream.read(&mut [0; 16]).await?, 0);
        stream.write_all(b"after the end").await?;
        assert_eq!(stream.read(&mut [0; 16]).await?, 0, "the end stays");
        io::Result::Ok(())
    });
    let mut text = String::new();
    peer.read_to_string(&mut text).expect("text");
    assert_eq!(text, "after the end");
    settled(task);
}

#[test]
fn who_sends_no_more_still_reads() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    let task = rt.run(async move {
        stream.write_all(b"the last words").await?;
        stream.shutdown(Shutdown::Write)?;
        let refused = stream.write(b"more").await.expect_err("shut");
        assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
        let mut text = [0; 6];
        stream.read_exact(&mut text).await?;
        let error = stream.read_exact(&mut [0; 1]).await.expect_err("the end");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        io::Result::Ok(text)
    });
    let mut text = String::new();
    peer.read_to_string(&mut text).expect("text");
    assert_eq!(text, "the last words");
    peer.write_all(b"answer").expect("it reads on");
    drop(peer);
    assert_eq!(&settled(task), b"answer");
}

#[test]
fn a_read_that_waits_ends_when_its_own_side_is_shut() {
    let rt = common::runtime();
    let (stream, _peer) = pair(rt.handle());
    let stream = Arc::new(stream);
    let reading = Arc::clone(&stream);
    let reader = rt.run(async move { reading.read(&mut [0; 16]).await });
    common::reactor_thread(rt.handle());
    stream.shutdown(Shutdown::Read).expect("connected");
    assert_eq!(settled(reader), 0);
}

#[cfg(unix)]
#[test]
fn bytes_come_one_by_one_and_leave_in_parts() {
    const BYTES: usize = 1 << 20;
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, 1 << 14).expect("a socket");
    let sent: Vec<u8> = (0..BYTES).map(|i| (i % 251) as u8).collect();
    let theirs = sent.clone();
    let peer = thread::spawn(move || {
        let mut got = vec![0; BYTES];
        peer.read_exact(&mut got).expect("all of it");
        for byte in &theirs[..2_000] {
            peer.write_all(&[*byte]).expect("room");
        }
        got == theirs
    });
    let task = rt.run(async move {
        let (mut at, mut calls) = (0, 0);
        while at < BYTES {
            at += stream.write(&sent[at..]).await?;
            calls += 1;
        }
        let mut got = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).await? == 1 {
            got.push(byte[0]);
        }
        io::Result::Ok((calls, got == sent[..2_000]))
    });
    let (calls, same) = settled(task);
    assert!(same && calls > 1, "{calls} writes");
    assert!(peer.join().expect("the peer ends"));
}

/// Whether the system says that calls on it do not block.
#[cfg(target_os = "linux")]
fn is_nonblocking(fd: &impl std::os::fd::AsRawFd) -> bool {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).expect("it is open");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("Linux says so");
    u32::from_str_radix(flags.trim(), 8).expect("octal") & 0o4000 != 0
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_refused_comes_back_as_it_was() {
    use offtick::net::Io;
    let rt = common::runtime();
    let file = std::fs::File::open(std::env::current_exe().expect("a test has a file")).expect("it can be read");
    let (file, error) = Io::from_fd_on(&rt, file).expect_err("a file").into_parts();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(!is_nonblocking(&file));
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let watched = Io::from_fd_on(&rt, &reader).expect("it can be polled");
    let refused = Io::from_fd_on(&rt, &reader).expect_err("it is watched already");
    assert_eq!(io::Error::from(refused).kind(), ErrorKind::AlreadyExists);
    drop(watched);
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let handle = rt.handle().clone();
    drop(rt);
    let refused = Io::from_fd_on(&handle, reader).expect_err("too late");
    assert!(ReactorGone::caused(refused.error()) && !is_nonblocking(&refused.into_inner()));
    let (stream, _peer) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let refused = offtick::net::UnixStream::from_std_on(&handle, stream).expect_err("too late");
    assert!(ReactorGone::caused(refused.error()) && !is_nonblocking(&refused.into_inner()));
}

/// The other end of a pipe goes: what it wrote is read first, and whoever waits to write is told.
#[cfg(unix)]
#[test]
fn pipes_end_in_both_directions() {
    use offtick::net::Io;
    let rt = common::runtime();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let reader = Io::from_fd_on(&rt, reader).expect("it can be polled");
    writer.write_all(b"the last words").expect("room");
    drop(writer);
    let read = rt.run(async move {
        let mut lengths = Vec::new();
        for _ in 0..5 {
            lengths.push(reader.read_with(|mut reader| reader.read(&mut [0; 8])).await?);
        }
        io::Result::Ok(lengths)
    });
    assert_eq!(settled(read), [8, 6, 0, 0, 0]);

    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (writer, waits) = (Io::from_fd_on(&rt, writer).expect("it can be polled"), Latch::new());
    let full = waits.clone();
    let write = rt.spawn(async move {
        while writer.try_write_with(|mut writer| writer.write(&[7; 4096])).is_ok() {}
        full.open();
        writer.write_with(|mut writer| writer.write(&[7; 4096])).await
    });
    waits.wait();
    common::reactor_thread(rt.handle());
    drop(reader);
    assert_eq!(settled(write).expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
}

#[cfg(unix)]
#[test]
fn interrupted_calls_are_repeated() {
    use offtick::net::Io;
    let rt = common::runtime();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let reader = Io::from_fd_on(&rt, reader).expect("it can be polled");
    let calls = AtomicUsize::new(0);
    let task = rt.run(async move {
        let n = reader
            .read_with(|mut reader| match calls.fetch_add(1, Ordering::Relaxed) {
                0 | 2 => Err(ErrorKind::Interrupted.into()),
                _ => reader.read(&mut [0; 4]),
            })
            .await?;
        let mut tries = 0;
        // Nothing has said meanwhile that it is not readable.
        reader.try_read_with(|_| {
            tries += 1;
            if tries == 1 { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
        })?;
        assert_eq!(tries, 2);
        io::Result::Ok((n, calls.into_inner()))
    });
    common::reactor_thread(rt.handle());
    writer.write_all(b"text").expect("room");
    let (n, calls) = settled(task);
    assert_eq!(n, 4);
    assert!(calls >= 4, "{calls} calls");
}

#[test]
fn a_peer_that_never_reads_makes_a_write_wait_and_cancels_cleanly() {
    let rt = common::runtime();
    let (stream, peer) = pair(rt.handle());
    let writes = Arc::new(AtomicUsize::new(0));
    let (counted, waits) = (Arc::clone(&writes), Latch::new());
    let full = waits.clone();
    let task = rt.spawn(async move {
        fill(&stream);
        full.open();
        let mut write = pin!(stream.write_all(&[1; 1 << 20]));
        std::future::poll_fn(|cx| {
            counted.fetch_add(1, Ordering::Relaxed);
            write.as_mut().poll(cx)
        })
        .await
    });
    waits.wait();
    // As many turns of the reactor as another socket's conversation makes.
    let (other, mut theirs) = pair(rt.handle());
    let conversation = rt.run(async move {
        for _ in 0..200 {
            other.read_exact(&mut [0; 1]).await?;
            other.write_all(b"y").await?;
        }
        io::Result::Ok(())
    });
    for _ in 0..200 {
        theirs.write_all(b"x").expect("room");
        theirs.read_exact(&mut [0; 1]).expect("an answer");
    }
    settled(conversation);
    // The window may still open a little while the peer's system moves what came; it does not spin.
    assert!(writes.load(Ordering::Relaxed) < 50, "{} polls", writes.load(Ordering::Relaxed));
    assert!(task.cancel());
    common::until(|| rt.metrics().sockets == 0);
    drop(peer);
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let rt = common::runtime();
    // Reserved: no resolver knows it (RFC 6761). What it says of that is its own affair.
    let error = settled(rt.spawn(lookup("nonexistent.invalid:80"))).expect_err("nobody has that name");
    assert!(error.to_string().contains("nonexistent.invalid"), "{error}");
    for (text, said) in [("no-port", "host:port"), ("localhost:99999", "65535"), ("localhost:", "65535")] {
        let error = settled(rt.spawn(lookup(text))).expect_err("no address");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A runtime that looks up names inside its ticks: a lookup has not begun before the tick ends.
fn lookups_in_ticks() -> LocalRuntime {
    LocalBuilder::new().clock(Clock::manual()).blocking_inline().build().expect("a runtime")
}

#[test]
fn a_connect_is_given_up_while_its_name_is_looked_up() {
    let rt = lookups_in_ticks();
    let task = rt.spawn(TcpStream::connect("localhost:1"));
    rt.tick(Budget::polls(1)).expect("a tick");
    assert_eq!((rt.metrics().blocking_queued, task.is_done()), (1, false));
    assert!(task.cancel());
    drop(task);
    rt.run_until_stalled().expect("ticks");
    assert_eq!((rt.metrics().blocking_queued, rt.metrics().sockets, rt.metrics().alive), (0, 0, 0));
}

#[test]
fn a_connect_that_takes_too_long_says_to_whom() {
    let rt = lookups_in_ticks();
    let mut task = rt.run(TcpStream::connect_timeout("localhost:1", Duration::ZERO));
    rt.tick(Budget::polls(1)).expect("a tick");
    let error = task.take().expect("it is done").expect_err("the name is not looked up yet");
    let error: &std::io::Error = error.downcast_ref().expect("its own error");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "connecting to localhost:1: not within 0ns");
}

/// Neither is there anything to read, nor room to write.
#[test]
fn nothing_is_waited_for_where_nothing_is_asked_for() {
    use std::io::{IoSlice, IoSliceMut};
    let rt = common::runtime();
    let (stream, _peer) = pair(rt.handle());
    settled(rt.run(async move {
        fill(&stream);
        assert_eq!(stream.try_read(&mut [0; 1]).expect_err("nothing is there").kind(), ErrorKind::WouldBlock);
        assert_eq!(stream.read(&mut []).await?, 0);
        assert_eq!(stream.read_vectored(&mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])]).await?, 0);
        assert_eq!(stream.write(&[]).await?, 0);
        assert_eq!(stream.write_vectored(&[]).await?, 0);
        assert_eq!(stream.try_read(&mut [])? + stream.try_write_vectored(&[IoSlice::new(&[])])?, 0);
        io::Result::Ok(())
    }));
}

#[test]
fn a_shutdown_ends_the_waits_of_other_runtimes_and_threads() {
    let (theirs, other) = (common::runtime(), common::runtime());
    let ((first, _first), (second, _second)) = (pair(theirs.handle()), pair(theirs.handle()));
    let listener = TcpListener::from_std_on(theirs.handle(), std::net::TcpListener::bind(ANY).expect("a listener"));
    let listener = listener.expect("a listener on the runtime");
    let waits = Latch::new();
    let reader = other.spawn(async move { first.read(&mut [0; 1]).await });
    let acceptor = other.spawn(async move { listener.accept().await.map(drop) });
    let waiting = waits.clone();
    let thread = thread::spawn(move || {
        let mut buffer = [0; 1];
        let mut read = Box::pin(second.read(&mut buffer));
        until_it_waits(&mut read);
        waiting.open();
        let ended = common::block_on(read).expect_err("gone");
        let again = common::block_on(second.read(&mut [0; 1])).expect_err("gone");
        [ended, again, second.try_read(&mut [0; 1]).expect_err("gone")]
    });
    common::reactor_thread(other.handle());
    waits.wait();
    let handle = theirs.handle().clone();
    drop(theirs);
    assert!(ReactorGone::caused(&settled(reader).expect_err("gone")));
    assert!(ReactorGone::caused(&settled(acceptor).expect_err("gone")));
    assert!(thread.join().expect("no panic").iter().all(ReactorGone::caused));
    let late = std::net::TcpListener::bind(ANY).expect("a listener");
    let (late, error) = TcpListener::from_std_on(&handle, late).expect_err("too late").into_parts();
    assert!(ReactorGone::caused(&error));
    // It blocks again, and works: else this would be `WouldBlock`.
    let client = thread::spawn({
        let address = late.local_addr().expect("an address");
        move || std::net::TcpStream::connect(address).map(drop)
    });
    late.accept().expect("a client");
    client.join().expect("no panic").expect("it listens");
    assert_eq!(handle.metrics().sockets, 0);
}

#[test]
fn a_shutdown_ends_connects_and_lookups() {
    let rt = lookups_in_ticks();
    let listener = std::net::TcpListener::bind(ANY).expect("a listener");
    let address = listener.local_addr().expect("an address");
    // They begin on one runtime, and are polled elsewhere from then on.
    let mut begun = rt.spawn(async move {
        let mut connect = Box::pin(TcpStream::connect(address));
        let mut lookup = Box::pin(lookup("localhost:1"));
        until_it_waits(&mut connect);
        until_it_waits(&mut lookup);
        (connect, lookup)
    });
    rt.tick(Budget::polls(1)).expect("a tick");
    let (connect, lookup) = begun.take().expect("it is done").expect("both wait");
    drop(rt);
    for error in [common::block_on(connect).map(drop), common::block_on(lookup).map(drop)] {
        let error = error.expect_err("gone");
        assert!(error.get_ref().is_some_and(|error| error.is::<ReactorGone>()), "{error:?}");
    }
}

#[test]
fn foreign_threads_use_sockets_of_the_default_runtime() {
    let echoed = offtick::block_on(async {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        let client = thread::spawn(move || {
            common::block_on(async move {
                let client = TcpStream::connect(address).await?;
                client.write_all(b"far").await?;
                let mut text = [0; 4];
                client.read_exact(&mut text).await?;
                io::Result::Ok(text)
            })
        });
        let (server, _) = listener.accept().await?;
        let mut text = [0; 3];
        server.read_exact(&mut text).await?;
        server.write_all(b"away").await?;
        assert_eq!(&text, b"far");
        client.join().expect("no panic")
    });
    assert_eq!(&echoed.expect("the default runtime").expect("an echo"), b"away");
}

/// Sockets go on one thread while the reactor is told of them on its own.
#[test]
fn sockets_dropped_on_a_foreign_thread_while_events_are_on_their_way() {
    let rt: Runtime = common::runtime();
    let (quiet, mut theirs) = pair(rt.handle());
    for round in 0..300 {
        let (stream, mut peer) = pair(rt.handle());
        let mut buffer = [0; 8];
        let mut read = Box::pin(stream.read(&mut buffer));
        let _ = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        peer.write_all(b"x").expect("room");
        if round % 2 == 0 {
            drop(peer);
        }
        drop(read);
        drop(stream);
    }
    // The one that stayed was told nothing that is not so.
    let mut buffer = [0; 8];
    {
        let mut read = Box::pin(quiet.read(&mut buffer));
        until_it_waits(&mut read);
        theirs.write_all(b"now").expect("room");
        assert_eq!(common::block_on(read).expect("text"), 3);
    }
    assert_eq!(rt.metrics().sockets, 1);
}

#[test]
fn a_timeout_leaves_the_socket_fit_for_use() {
    let rt = common::runtime();
    let (stream, mut peer) = pair(rt.handle());
    let read = settled(rt.run(async move {
        for _ in 0..10 {
            let mut buffer = [0; 8];
            let mut read = Box::pin(stream.read(&mut buffer));
            let polled = std::future::poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await;
            assert!(polled.is_pending(), "nothing is there");
        }
        peer.write_all(b"late")?;
        stream.read(&mut [0; 8]).await
    }));
    assert_eq!(read, 4);
}

/// Wakers of foreign executors: one drops the very socket that it was woken for, one panics.
#[test]
fn wakers_that_drop_their_socket_or_panic_harm_nobody_else() {
    common::quiet_planned_panics();
    let rt = common::runtime();
    let hog = common::Hog::reactor(rt.handle());
    let ((dropped, mut first), (kept, mut second), (last, mut third)) =
        (pair(rt.handle()), pair(rt.handle()), pair(rt.handle()));
    let (socket, drops) = (Arc::new(Mutex::new(None::<TcpStream>)), common::Tally::new());
    let (theirs, noted) = (Arc::clone(&socket), drops.clone());
    let dropping = Waker::from(Arc::new(common::WakeFn(move || {
        drop(theirs.lock().expect("not poisoned").take());
        noted.note();
    })));
    let (panicking, panics) = common::CountedWaker::pair(Some(common::PLANNED));
    assert!(dropped.poll_read(&mut Context::from_waker(&dropping), &mut [0]).is_pending());
    assert!(kept.poll_read(&mut Context::from_waker(&panics), &mut [0]).is_pending());
    *socket.lock().expect("not poisoned") = Some(dropped);
    let reader = rt.run(async move { last.read(&mut [0; 8]).await });
    for peer in [&mut first, &mut second, &mut third] {
        peer.write_all(b"x").expect("room");
    }
    hog.release();
    assert_eq!(settled(reader), 1);
    drops.wait_for(1);
    panicking.wakes.wait_for(1);
    common::until(|| rt.metrics().sockets == 1);
    assert_eq!(kept.try_read(&mut [0; 8]).expect("what came"), 1);
}
