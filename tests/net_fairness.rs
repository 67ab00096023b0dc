//! Sockets that always have something share the reactor with the rest, and sockets that have nothing cost nothing. All of
//! it is counted, nothing is timed.
#![cfg(feature = "net")]

mod common;

use common::{Hog, settled};
use offtick::net::TcpStream;
use offtick::time::Clock;
use offtick::{Builder, Handle};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A stream on the runtime, and its peer, which blocks.
fn pair(rt: &Handle) -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let peer = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (stream, _) = listener.accept().expect("a stream");
    (TcpStream::from_std_on(rt, stream).expect("a stream on the runtime"), peer)
}

/// How a reader takes one byte.
#[derive(Clone, Copy)]
enum Way {
    Waits,
    LooksFirst,
}

async fn take(stream: &TcpStream, way: Way) -> io::Result<()> {
    match way {
        Way::Waits => stream.read_exact(&mut [0]).await,
        Way::LooksFirst => loop {
            stream.readable().await?;
            match stream.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.map(drop),
            }
        },
    }
}

/// A reader of a stream that always has something; beside it a task that yields, and one that waits for a timer.
fn others_run_beside_a_busy_reader(way: Way) {
    const BYTES: u64 = 20_000;
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let (stream, mut peer) = pair(rt.handle());
    peer.write_all(&[1; BYTES as usize]).expect("room");
    let (taken, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let hog = Hog::reactor(rt.handle());
    let (counted, ended) = (Arc::clone(&taken), Arc::clone(&over));
    let reader = rt.run(async move {
        for _ in 0..BYTES {
            take(&stream, way).await?;
            counted.fetch_add(1, Ordering::Relaxed);
        }
        ended.store(true, Ordering::Relaxed);
        io::Result::Ok(())
    });
    let moved = Arc::clone(&taken);
    let sleeper = rt.spawn(async move {
        offtick::time::sleep(Duration::from_secs(1)).await;
        moved.load(Ordering::Relaxed)
    });
    let other = rt.spawn(async move {
        let mut turns = 0u64;
        while !over.load(Ordering::Relaxed) {
            common::yield_once().await;
            turns += 1;
            if turns == 2 {
                clock.advance(Duration::from_secs(1));
            }
        }
        turns
    });
    hog.release();
    settled(reader);
    let (turns, at) = (settled(other), settled(sleeper));
    assert!(turns >= BYTES / 128, "{turns} turns beside {BYTES} reads");
    assert!(at < BYTES / 2, "the timer came after {at} of {BYTES} reads");
}

#[test]
fn a_stream_that_always_has_something_starves_nobody() {
    others_run_beside_a_busy_reader(Way::Waits);
}

#[test]
fn nor_does_one_whose_reader_looks_first() {
    others_run_beside_a_busy_reader(Way::LooksFirst);
}

#[test]
fn streams_that_always_have_something_are_served_alike() {
    const STREAMS: usize = 64;
    const ENOUGH: u64 = 2_000;
    let rt = common::runtime();
    let hog = Hog::reactor(rt.handle());
    let (over, counts) = (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU64::new(0) }; STREAMS]));
    let readers: Vec<_> = (0..STREAMS)
        .map(|i| {
            let (stream, mut peer) = pair(rt.handle());
            peer.write_all(&[1; 2 * ENOUGH as usize]).expect("room");
            let (over, counts) = (Arc::clone(&over), Arc::clone(&counts));
            rt.run(async move {
                while !over.load(Ordering::Relaxed) {
                    stream.read_exact(&mut [0]).await?;
                    if counts[i].fetch_add(1, Ordering::Relaxed) == ENOUGH {
                        over.store(true, Ordering::Relaxed);
                    }
                }
                drop(peer);
                io::Result::Ok(())
            })
        })
        .collect();
    hog.release();
    readers.into_iter().for_each(settled);
    let least = counts.iter().map(|count| count.load(Ordering::Relaxed)).min().expect("some");
    assert!(least * 2 > ENOUGH, "one has read {least} bytes while another read {ENOUGH}");
}

/// Sockets with nothing to tell, whose peers are gone, and whose data nobody wants, beside a conversation: what the reactor
/// does is bounded by what is said there.
#[test]
fn sockets_where_nothing_happens_cost_no_turns() {
    const SAID: u64 = 300;
    let rt = common::runtime();
    let (mut peers, mut kept) = (Vec::new(), Vec::new());
    for i in 0..60 {
        let (stream, mut peer) = pair(rt.handle());
        match i % 3 {
            0 => {
                rt.spawn(async move { stream.read(&mut [0; 8]).await }).detach();
                peers.push(peer);
            }
            1 => kept.push(stream),
            _ => {
                peer.write_all(b"unwanted").expect("room");
                kept.push(stream);
                peers.push(peer);
            }
        }
    }
    let (stream, mut peer) = pair(rt.handle());
    let conversation = rt.run(async move {
        for _ in 0..SAID {
            stream.read_exact(&mut [0]).await?;
            stream.write_all(b"y").await?;
        }
        io::Result::Ok(())
    });
    let mut say = |times| {
        for _ in 0..times {
            peer.write_all(b"x").expect("room");
            peer.read_exact(&mut [0]).expect("an answer");
        }
    };
    // What there is to tell of the others is told by then.
    say(50);
    let before = rt.metrics();
    say(SAID - 50);
    settled(conversation);
    let after = rt.metrics();
    let said = SAID - 50;
    assert_eq!(before.sockets, 61);
    // Each byte may come with an event of its own for each direction, and each park may be ended by one.
    assert!(after.socket_events - before.socket_events <= 3 * said, "{before:?} {after:?}");
    assert!(after.parks - before.parks <= 3 * said + 10, "{before:?} {after:?}");
    assert!(after.polls - before.polls <= 3 * said + 10, "{before:?} {after:?}");
}

/// Sleeps that are over when they are first polled, or soon after.
#[test]
fn sleeps_for_next_to_nothing_keep_no_socket_waiting() {
    let rt = common::runtime();
    let over = Arc::new(AtomicBool::new(false));
    let sleepers: Vec<_> = (1..200)
        .map(|nanos| {
            let over = Arc::clone(&over);
            rt.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    offtick::time::sleep(Duration::from_nanos(nanos)).await;
                }
            })
        })
        .collect();
    let (stream, mut peer) = pair(rt.handle());
    peer.set_read_timeout(Some(common::HANG)).expect("a socket");
    let reader = rt.run(async move {
        for _ in 0..20 {
            stream.read_exact(&mut [0]).await?;
            stream.write_all(b"y").await?;
        }
        io::Result::Ok(())
    });
    for _ in 0..20 {
        peer.write_all(b"x").expect("room");
        peer.read_exact(&mut [0]).expect("an answer");
    }
    settled(reader);
    over.store(true, Ordering::Relaxed);
    sleepers.into_iter().for_each(settled);
}

/// Peers that always have something for their readers, a hundred of them. What a new client waits for is counted in operations of
/// the others between its connect and its answer.
#[test]
fn a_new_client_is_answered_within_a_few_turns() {
    const PEERS: usize = 100;
    /// Operations in a turn at most, when as many tasks are ready.
    const TURN: u64 = 128 * 5;
    let rt = common::runtime();
    let hog = Hog::reactor(rt.handle());
    let (taken, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut peers = Vec::new();
    let readers: Vec<_> = (0..PEERS)
        .map(|_| {
            let (stream, mut peer) = pair(rt.handle());
            peer.write_all(&[1; 60_000]).expect("room");
            peers.push(peer);
            let (taken, over) = (Arc::clone(&taken), Arc::clone(&over));
            rt.run(async move {
                while !over.load(Ordering::Relaxed) {
                    stream.read_exact(&mut [0]).await?;
                    taken.fetch_add(1, Ordering::Relaxed);
                }
                io::Result::Ok(())
            })
        })
        .collect();
    let handle = rt.handle().clone();
    let client = rt.run(async move {
        let listener = offtick::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        handle
            .run(async move {
                let (stream, _) = listener.accept().await?;
                stream.read_exact(&mut [0]).await?;
                stream.write_all(b"y").await
            })
            .detach();
        // By then all of them are busy.
        while taken.load(Ordering::Relaxed) < 10 * PEERS as u64 {
            common::yield_once().await;
        }
        let before = taken.load(Ordering::Relaxed);
        let stream = TcpStream::connect(address).await?;
        stream.write_all(b"x").await?;
        stream.read_exact(&mut [0]).await?;
        let waited = taken.load(Ordering::Relaxed) - before;
        over.store(true, Ordering::Relaxed);
        io::Result::Ok(waited)
    });
    hog.release();
    let waited = settled(client);
    readers.into_iter().for_each(settled);
    // Connected, accepted, asked, answered: each is an event of its own, and seen at the end of a turn.
    assert!(waited <= 6 * TURN, "{waited} operations of others");
}
