//! Clients of a server of hyper-util that mean no good. In a file of its own: it counts the descriptors of the process.
#![cfg(all(feature = "hyper-util", unix))]

mod common;

use common::server::{listener, serve};
use offtick::Runtime;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nhost: here\r\n\r\n";

/// One client that means no good.
fn misbehave(nth: usize, address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let reset = |stream: &TcpStream| rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    match nth % 7 {
        // Silence.
        0 => {}
        // A part of a request, and then nothing.
        1 => stream.write_all(&REQUEST[..20])?,
        // The same, and a reset.
        2 => {
            stream.write_all(&REQUEST[..20])?;
            reset(&stream)?;
        }
        // A reset while the answer is on its way.
        3 => {
            stream.write_all(REQUEST)?;
            reset(&stream)?;
        }
        // A half close: the answer comes all the same.
        4 => {
            stream.write_all(REQUEST)?;
            stream.shutdown(Shutdown::Write)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            assert!(answer.ends_with("/x"), "{answer}");
        }
        // Trash.
        5 => stream.write_all(&[0xff; 500])?,
        // Many requests, and no answer is read.
        _ => stream.write_all(&REQUEST.repeat(300))?,
    }
    Ok(())
}

#[test]
fn hostile_clients_leave_nothing_behind() {
    let rt = Runtime::new().expect("a runtime");
    let handle = rt.handle().clone();
    let (listener, address) = rt.run(listener()).wait().expect("a listener");
    let _server = rt.run(serve(handle, listener));
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // One of each first, so that what is made once is there.
    (0..7).for_each(|nth| misbehave(nth, address).expect("a client"));
    let counts = || {
        let metrics = rt.metrics();
        (metrics.sockets, metrics.alive, metrics.timers)
    };
    let settle = |expected| {
        let begun = Instant::now();
        while counts() != expected {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?} instead of {expected:?}", counts());
            std::thread::yield_now();
        }
    };
    settle((1, 1, 0));
    let before = descriptors();
    (0..70).for_each(|nth| misbehave(nth, address).expect("a client"));
    settle((1, 1, 0));
    // A descriptor is closed after its socket is no longer counted.
    let begun = Instant::now();
    while descriptors() > before {
        assert!(begun.elapsed() < Duration::from_secs(60), "descriptors stay");
        std::thread::yield_now();
    }
}
