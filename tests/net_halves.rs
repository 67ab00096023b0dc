//! The directions of a stream on their own, and what every stream of bytes keeps to: half closes, small and vectored
//! reads, looking without taking, several that wait, waits that are given up.
#![cfg(feature = "net")]

mod common;

use common::{CountedWaker, block_on, poll_once};
use offtick::Runtime;
use offtick::net::{TcpListener, TcpStream};
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

/// Runs the body on a runtime of its own.
fn run<T: Send + 'static>(body: impl Future<Output = io::Result<T>> + Send + 'static) -> T {
    Runtime::new().expect("a runtime").run(body).wait().expect("the body")
}

async fn to_the_end(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 5]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(all),
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
}

#[test]
fn either_side_may_be_shut_first() {
    run(async {
        for client_first in [true, false] {
            let (client, server) = pair().await?;
            let (first, second) = if client_first { (&client, &server) } else { (&server, &client) };
            first.write_all(b"my last words").await?;
            first.shutdown(Shutdown::Write)?;
            assert_eq!(to_the_end(second).await?, b"my last words");
            assert_eq!(first.write(b"more").await.expect_err("shut").kind(), ErrorKind::BrokenPipe);
            // The end stays the end, and the other direction goes on.
            assert_eq!(second.read(&mut [0; 4]).await?, 0);
            second.write_all(b"and mine").await?;
            second.shutdown(Shutdown::Write)?;
            assert_eq!(to_the_end(first).await?, b"and mine");
        }
        Ok(())
    });
}

#[test]
fn a_dropped_write_half_is_the_end_and_a_forgotten_one_is_not() {
    run(async {
        let (client, server) = pair().await?;
        let (reading, writing) = client.into_split();
        writing.write_all(b"that was it").await?;
        drop(writing);
        assert_eq!(to_the_end(&server).await?, b"that was it");
        server.write_all(b"heard").await?;
        let mut text = [0; 5];
        reading.read_exact(&mut text).await?;
        assert_eq!(&text, b"heard");

        let (client, server) = pair().await?;
        let (reading, writing) = client.into_split();
        writing.forget();
        // Nothing says that it ended: an answer goes through, and then nothing is there to read.
        server.write_all(b"?").await?;
        reading.read_exact(&mut [0; 1]).await?;
        assert_eq!(server.try_read(&mut [0; 1]).expect_err("open").kind(), ErrorKind::WouldBlock);
        drop(reading);
        assert_eq!(to_the_end(&server).await?, b"");
        Ok(())
    });
}

#[test]
fn halves_of_one_stream_come_together_again_and_others_are_given_back() {
    run(async {
        let (one, its_peer) = pair().await?;
        let (other, _) = pair().await?;
        let ((one_reads, one_writes), (other_reads, other_writes)) = (one.into_split(), other.into_split());
        let error = one_reads.reunite(other_writes).expect_err("of two streams");
        assert_eq!(error.to_string(), "the halves belong to two different streams");
        let (one_reads, other_writes) = (error.0, error.1);
        let error = other_writes.reunite(one_reads).expect_err("of two streams");
        let (one_reads, other_writes) = (error.0, error.1);

        let other = other_writes.reunite(other_reads).expect("of one stream");
        drop(other);
        let one = one_reads.reunite(one_writes).expect("of one stream");
        // Nothing was shut by the way.
        one.write_all(b"whole").await?;
        its_peer.write_all(b"whole").await?;
        drop(one);
        let mut text = [0; 5];
        its_peer.read_exact(&mut text).await?;
        assert_eq!(&text, b"whole");
        Ok(())
    });
}

#[test]
fn borrowed_halves_read_and_write_at_the_same_time() {
    let rt = Runtime::new().expect("a runtime");
    let handle = rt.handle().clone();
    let mut task = rt.run(async move {
        let (mut client, server) = pair().await?;
        let sent: Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
        let mut got = vec![0; sent.len()];
        let echo = handle.run(async move {
            let mut buffer = [0; 4096];
            loop {
                match server.read(&mut buffer).await? {
                    0 => return Ok::<_, io::Error>(()),
                    n => server.write_all(&buffer[..n]).await?,
                }
            }
        });
        {
            let (reading, writing) = client.split();
            assert_eq!(reading.as_ref().peer_addr()?, writing.as_ref().peer_addr()?);
            // Larger than what the system keeps: neither ends without the other.
            let (mut write, mut read) = (pin!(writing.write_all(&sent)), pin!(reading.read_exact(&mut got)));
            let mut wrote = false;
            std::future::poll_fn(|cx| {
                if !wrote && let Poll::Ready(done) = write.as_mut().poll(cx) {
                    done?;
                    wrote = true;
                }
                read.as_mut().poll(cx)
            })
            .await?;
        }
        // The halves are gone and nothing is shut.
        client.write_all(b"more").await?;
        client.read_exact(&mut got[..4]).await?;
        assert_eq!(&got[..4], b"more");
        assert_eq!(got[4..], sent[4..]);
        client.shutdown(Shutdown::Write)?;
        echo.await.map_err(io::Error::other)
    });
    task.wait().expect("the echo");
}

#[test]
fn bytes_come_one_by_one_in_parts_and_without_being_taken() {
    run(async {
        let (client, server) = pair().await?;
        let (reading, writing) = server.into_split();
        let mut slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cdefgh")];
        let mut left = &mut slices[..];
        while left.iter().any(|slice| !slice.is_empty()) {
            let n = writing.write_vectored(left).await?;
            IoSlice::advance_slices(&mut left, n);
        }
        for expected in [b'a', b'b'] {
            let mut seen = [0; 1];
            assert_eq!(client.peek(&mut seen).await?, 1);
            assert_eq!(seen, [expected]);
            assert_eq!(client.read(&mut seen).await?, 1);
            assert_eq!(seen, [expected]);
        }
        let (mut first, mut second) = ([0; 2], [0; 2]);
        // All of it is there: a slice was written whole.
        client.peek(&mut first).await?;
        let n = client.read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]).await?;
        assert_eq!((n, &first, &second), (4, b"cd", b"ef"));
        let n = client.try_read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)])?;
        assert_eq!((n, &first), (2, b"gh"));
        assert_eq!(client.try_read(&mut first).expect_err("empty").kind(), ErrorKind::WouldBlock);
        assert_eq!(client.try_write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")])?, 2);
        assert_eq!(reading.peek(&mut first).await?, 2);
        reading.read_exact(&mut first).await?;
        assert_eq!(&first, b"xy");
        // An empty buffer is full at once.
        client.read_exact(&mut []).await?;
        Ok(())
    });
}

#[test]
fn of_several_that_wait_each_gets_its_byte() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.run(pair());
    let (client, server) = task.wait().expect("a connection");
    let client = Arc::new(client);
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let client = Arc::clone(&client);
            rt.run(async move {
                let mut byte = [0; 1];
                client.read_exact(&mut byte).await.map(|()| byte[0])
            })
        })
        .collect();
    // All of them wait by now: tasks start in order.
    rt.spawn(async {}).wait().expect("a turn");
    for byte in 0..8u8 {
        assert_eq!(server.try_write(&[byte]).expect("room"), 1);
    }
    let mut got: Vec<_> = readers.into_iter().map(|mut reader| reader.wait().expect("a byte")).collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_wait_that_is_given_up_takes_nothing() {
    let rt = Runtime::new().expect("a runtime");
    let (client, server) = rt.run(pair()).wait().expect("a connection");
    let mut buffer = [0; 8];
    {
        let mut given_up = pin!(client.read(&mut buffer));
        assert!(poll_once(&mut given_up).is_pending());
    }
    {
        let mut given_up = pin!(client.readable());
        assert!(poll_once(&mut given_up).is_pending());
    }
    // A slot that is given up, too.
    let (_wakes, waker) = CountedWaker::pair(None);
    assert!(client.poll_read(&mut Context::from_waker(&waker), &mut buffer).is_pending());
    assert_eq!(server.try_write(b"for later").expect("room"), 9);
    block_on(async {
        client.readable().await?;
        let mut text = [0; 9];
        client.read_exact(&mut text).await?;
        assert_eq!(&text, b"for later");
        Ok::<_, io::Error>(())
    })
    .expect("the text");
}

#[test]
fn from_the_standard_library_and_back() {
    let rt = Runtime::new().expect("a runtime");
    let listener = std::net::TcpListener::bind(ANY).expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = TcpListener::from_std_on(rt.handle(), listener).expect("watched");
    let client = std::net::TcpStream::connect(address).expect("a connection");
    let mut task = rt.run(async move {
        let (server, _) = listener.accept().await?;
        let client = TcpStream::from_std(client)?;
        client.set_nodelay(true)?;
        client.write_all(b"there").await?;
        Ok::<_, io::Error>((client.into_std()?, server.into_std()?, listener.into_std()?))
    });
    let (mut client, mut server, listener) = task.wait().expect("three sockets");
    // Blocking again, with what was written, and the option that was set.
    let mut text = [0; 5];
    server.read_exact(&mut text).expect("what was written");
    assert_eq!(&text, b"there");
    assert!(client.nodelay().expect("an option"));
    server.write_all(b"again").expect("room");
    client.read_exact(&mut text).expect("what was written");
    assert_eq!(&text, b"again");
    let once_more = std::net::TcpStream::connect(address).expect("a connection");
    listener.accept().expect("it still listens");
    // And watched a second time, by the same reactor.
    let once_more = TcpStream::from_std_on(rt.handle(), once_more).expect("watched");
    let once_more =
        TcpStream::from_std_on(rt.handle(), once_more.into_std().expect("given back")).expect("watched again");
    assert_eq!(once_more.peer_addr().expect("a peer"), address);
}

#[test]
fn connections_come_in_as_a_stream_that_ends_with_the_runtime() {
    let rt = Runtime::new().expect("a runtime");
    let listener = rt.run(TcpListener::bind(ANY)).wait().expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_ttl(17).expect("an option");
    assert_eq!(listener.ttl().expect("an option"), 17);
    let clients: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(address).expect("a connection")).collect();
    let mut incoming = listener.incoming();
    for _ in &clients {
        let stream = block_on(incoming.next()).expect("it goes on").expect("a connection");
        let client = stream.peer_addr().expect("a peer");
        assert!(clients.iter().any(|one| one.local_addr().expect("an address") == client));
    }
    // Two that wait do not stand in each other's way, nor in that of the slot.
    let mut second = listener.incoming();
    let ((wakes, waker), (other_wakes, other)) = (CountedWaker::pair(None), CountedWaker::pair(None));
    let (slot_wakes, slot) = CountedWaker::pair(None);
    assert!(incoming.poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert!(second.poll_next(&mut Context::from_waker(&other)).is_pending());
    assert!(listener.poll_accept(&mut Context::from_waker(&slot)).is_pending());
    let _client = std::net::TcpStream::connect(address).expect("a connection");
    for wakes in [wakes, other_wakes, slot_wakes] {
        common::until(|| wakes.wakes.count() == 1);
    }
    assert!(matches!(second.poll_next(&mut Context::from_waker(&other)), Poll::Ready(Some(Ok(_)))));
    assert!(incoming.poll_next(&mut Context::from_waker(&waker)).is_pending());

    drop(rt);
    let gone = block_on(incoming.next()).expect("told once").expect_err("nobody watches");
    assert!(gone.get_ref().is_some_and(|error| error.is::<offtick::net::ReactorGone>()), "{gone}");
    assert!(block_on(incoming.next()).is_none());
}

#[cfg(unix)]
#[test]
fn options_are_kept_and_a_zero_linger_resets() {
    use std::time::Duration;
    run(async {
        let (client, server) = pair().await?;
        assert_eq!(client.keepalive()?, None);
        client.set_keepalive(Some(Duration::from_millis(30_500)))?;
        assert_eq!(client.keepalive()?, Some(Duration::from_secs(31)));
        client.set_keepalive(None)?;
        assert_eq!(client.keepalive()?, None);
        assert_eq!(client.set_keepalive(Some(Duration::ZERO)).expect_err("no time").kind(), ErrorKind::InvalidInput);
        client.set_zero_linger()?;
        drop(client);
        assert_eq!(server.read(&mut [0; 1]).await.expect_err("reset").kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}
