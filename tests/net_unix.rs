//! Unix sockets: streams, listeners and datagrams between the ends of one process.
#![cfg(all(unix, feature = "net"))]

mod common;

use common::poll_once;
use offtick::net::{UnixDatagram, UnixListener, UnixStream};
use offtick::{Builder, Runtime};
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder for sockets that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("offtick-unix-{}-{made}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

fn run<T: Send + 'static>(body: impl Future<Output = io::Result<T>> + Send + 'static) -> T {
    Runtime::new().expect("a runtime").run(body).wait().expect("the body")
}

async fn to_the_end(stream: &UnixStream) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 5]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(all),
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
}

#[test]
fn a_stream_by_its_path_is_shut_on_both_sides_in_turn() {
    let folder = Folder::new();
    let path = folder.socket();
    run(async move {
        let listener = UnixListener::bind(&path)?;
        assert_eq!(listener.local_addr()?.as_pathname(), Some(&*path));
        let client = UnixStream::connect(&path).await?;
        let server = listener.incoming().next().await.expect("it goes on")?;
        assert_eq!(client.peer_addr()?.as_pathname(), Some(&*path));
        client.write_vectored(&[IoSlice::new(b"what "), IoSlice::new(b"about it")]).await?;
        client.shutdown(Shutdown::Write)?;
        assert_eq!(to_the_end(&server).await?, b"what about it");
        server.write_all(b"nothing").await?;
        server.shutdown(Shutdown::Write)?;
        assert_eq!(to_the_end(&client).await?, b"nothing");
        Ok(())
    });
}

#[test]
fn bytes_are_looked_at_split_and_united() {
    run(async {
        let (mut one, other) = UnixStream::pair()?;
        other.write_all(b"abcd").await?;
        let mut byte = [0; 1];
        assert_eq!(one.peek(&mut byte).await?, 1);
        assert_eq!((one.read(&mut byte).await?, byte), (1, [b'a']));
        let (reading, writing) = one.split();
        let (mut first, mut second) = ([0; 1], [0; 8]);
        let n = reading.read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]).await?;
        assert_eq!((n, &first, &second[..2]), (3, b"b", &b"cd"[..]));
        assert_eq!(reading.try_read(&mut first).expect_err("empty").kind(), ErrorKind::WouldBlock);
        writing.write_all(b"e").await?;
        assert_eq!((other.read(&mut byte).await?, byte), (1, [b'e']));

        let (reading, writing) = one.into_split();
        let one = writing.reunite(reading).expect("of one stream");
        let one = UnixStream::from_std(one.into_std()?)?;
        let (reading, writing) = one.into_split();
        drop(writing);
        assert_eq!(to_the_end(&other).await?, b"");
        other.write_all(b"fg").await?;
        reading.read_exact(&mut second[..2]).await?;
        assert_eq!(&second[..2], b"fg");
        Ok(())
    });
}

#[test]
fn errors_name_the_path() {
    let folder = Folder::new();
    let path = folder.socket();
    run(async move {
        let name = path.display().to_string();
        let missing = UnixStream::connect(&path).await.expect_err("nothing there");
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path)?);
        // The file stays, and nobody listens.
        let refused = UnixStream::connect(&path).await.expect_err("nobody there");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let in_use = UnixListener::bind(&path).expect_err("a file is there");
        assert_eq!(in_use.kind(), ErrorKind::AddrInUse);
        let datagram = UnixDatagram::unbound()?.connect(path.with_extension("gone")).expect_err("nothing there");
        for error in [missing, refused, in_use, datagram] {
            assert!(error.to_string().contains(&name), "{error}");
        }
        Ok(())
    });
}

/// A listener that the system keeps one connection for, at most.
#[cfg(target_os = "linux")]
fn narrow_listener(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    bind(&listener, &SocketAddrUnix::new(path)?)?;
    listen(&listener, 0)?;
    Ok(listener.into())
}

#[cfg(target_os = "linux")]
#[test]
fn a_connect_waits_for_room_in_the_backlog() {
    let folder = Folder::new();
    let listener = narrow_listener(&folder.socket()).expect("a listener");
    let clock = offtick::time::Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let _first = rt.run(UnixStream::connect(folder.socket())).wait().expect("there is room for one");
    let mut second = rt.run(UnixStream::connect(folder.socket()));
    // It has met the full backlog and sleeps: the clock stands still, and nothing else could wake it.
    rt.spawn(async {}).wait().expect("a turn");
    assert_eq!(rt.metrics().timers, 1);
    // Looked for in vain.
    clock.advance(std::time::Duration::from_millis(1));
    common::until(|| rt.metrics().timers == 1);
    assert!(!second.is_done());
    listener.accept().expect("the first one");
    clock.advance(std::time::Duration::from_secs(1));
    let second = second.wait().expect("there is room now");
    listener.accept().expect("the second one");
    assert!(second.peer_addr().is_ok());

    // A wait that is given up leaves no timer.
    let _third = rt.run(UnixStream::connect(folder.socket())).wait().expect("there is room for one");
    let fourth = rt.run(UnixStream::connect(folder.socket()));
    rt.spawn(async {}).wait().expect("a turn");
    assert_eq!(rt.metrics().timers, 1);
    drop(fourth);
    common::until(|| rt.metrics().timers == 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_connect_that_waits_is_told_that_the_runtime_is_gone() {
    let folder = Folder::new();
    let _listener = narrow_listener(&folder.socket()).expect("a listener");
    let rt = Builder::new().clock(offtick::time::Clock::manual()).build().expect("a runtime");
    let _first = rt.run(UnixStream::connect(folder.socket())).wait().expect("there is room for one");
    // Begun inside of the runtime, so that it is the one that it uses, and ended outside.
    let mut second = rt
        .run({
            let path = folder.socket();
            async move {
                let mut connecting = Box::pin(UnixStream::connect(path));
                assert!(poll_once(&mut connecting).is_pending());
                io::Result::Ok(connecting)
            }
        })
        .wait()
        .expect("it waits");
    drop(rt);
    let gone = common::block_on(&mut second).expect_err("nobody watches");
    assert!(gone.to_string().contains("shut down"), "{gone}");
}

#[test]
fn a_datagram_is_seen_taken_cut_and_answered() {
    let folder = Folder::new();
    let path = folder.socket();
    run(async move {
        let there = UnixDatagram::bind(&path)?;
        let here = UnixDatagram::unbound()?;
        assert_eq!(here.send_to(b"a long one", &path).await?, 10);
        assert_eq!(here.try_send_to(b"two", &path)?, 3);
        here.connect(&path)?;
        assert_eq!(here.send(b"three").await?, 5);
        let mut buffer = [0; 4];
        assert_eq!(there.peek(&mut buffer).await?, 4);
        let (n, from) = there.recv_from(&mut buffer).await?;
        assert_eq!((&buffer[..n], from.is_unnamed()), (&b"a lo"[..], true));
        assert_eq!(there.recv(&mut buffer).await?, 3);
        assert_eq!(there.try_recv(&mut buffer)?, 4);
        assert_eq!(there.try_recv(&mut buffer).expect_err("no more").kind(), ErrorKind::WouldBlock);

        let (one, other) = UnixDatagram::pair()?;
        {
            let mut given_up = pin!(one.recv(&mut buffer));
            assert!(poll_once(&mut given_up).is_pending());
        }
        other.send(b"left").await?;
        assert_eq!(one.recv(&mut buffer).await?, 4);
        one.shutdown(Shutdown::Both)?;
        assert_eq!(other.send(b"more").await.expect_err("shut").kind(), ErrorKind::BrokenPipe);
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn who_sends_to_a_queue_that_others_filled_waits_for_room() {
    let folder = Folder::new();
    let path = folder.socket();
    let clock = offtick::time::Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let target = path.clone();
    let (there, filler, sender) = rt
        .run(async move {
            let there = UnixDatagram::bind(&target)?;
            let filler = UnixDatagram::unbound()?;
            while filler.try_send_to(b"filling", &target).is_ok() {}
            io::Result::Ok((there, filler, UnixDatagram::unbound()?))
        })
        .wait()
        .expect("three sockets");
    // Another path has room all the same.
    let elsewhere = folder.0.join("elsewhere");
    let at = elsewhere.clone();
    let other = rt.run(async move { UnixDatagram::bind(at) }).wait().expect("another socket");
    let sender = std::sync::Arc::new(sender);
    let mut sent = rt.run({
        let (sender, path) = (sender.clone(), path.clone());
        async move { sender.send_to(b"at last", path).await }
    });
    rt.spawn(async {}).wait().expect("a turn");
    assert!(!sent.is_done());
    let theirs = rt.run(async move { sender.send_to(b"here", elsewhere).await }).wait();
    assert_eq!(theirs.expect("room there"), 4);
    // No event tells the sender that there is room now, only time.
    let mut buffer = [0; 8];
    while there.try_recv(&mut buffer).is_ok_and(|_| &buffer[..7] == b"filling") {}
    for _ in 0..10 {
        rt.spawn(async {}).wait().expect("a turn");
        assert!(!sent.is_done());
    }
    assert_eq!(rt.metrics().timers, 1);
    clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(sent.wait().expect("sent"), 7);
    // Taken only now: the system tells a sender that its own datagram was taken.
    assert_eq!(other.try_recv(&mut [0; 8]).expect("a datagram"), 4);
    drop(filler);
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_address_leaves_no_file() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let address = SocketAddr::from_abstract_name(format!("offtick-test-{}", std::process::id())).expect("an address");
    run(async move {
        let listener = UnixListener::bind_addr(&address)?;
        let client = UnixStream::connect_addr(&address).await?;
        let (server, _) = listener.accept().await?;
        server.write_all(b"!").await?;
        client.read_exact(&mut [0; 1]).await
    });
}
