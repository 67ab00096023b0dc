//! What streams do with unusual reads and writes.
#![cfg(feature = "net")]

mod common;

use offtick::net::{TcpListener, TcpStream};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Ipv4Addr;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    Ok((client, listener.accept().await?.0))
}

/// The system takes a bounded number of slices at once: a call that moved those only says nothing of what is left.
#[test]
fn more_slices_than_the_system_takes_at_once() {
    const SLICES: usize = 5_000;
    let rt = common::runtime();
    let moved = rt.run(async {
        let (client, server) = pair().await?;
        let mut sent = 0;
        while sent < SLICES {
            let slices = vec![IoSlice::new(b"x"); SLICES - sent];
            sent += client.write_vectored(&slices).await?;
        }
        let mut got = 0;
        while got < SLICES {
            let mut bytes = vec![[0u8; 1]; SLICES - got];
            let mut buffers: Vec<_> = bytes.iter_mut().map(|byte| IoSliceMut::new(byte)).collect();
            got += server.read_vectored(&mut buffers).await?;
        }
        io::Result::Ok((sent, got))
    });
    assert_eq!(common::settled(moved), (SLICES, SLICES));
}

/// A read ends at the mark of urgent data: what comes after it is there all the same, and no event tells of it again.
#[cfg(target_os = "linux")]
#[test]
fn a_read_that_stops_at_urgent_data_is_followed_by_the_rest() {
    use rustix::net::{SendFlags, send};
    use std::io::Write;
    let rt = common::runtime();
    let listener = std::net::TcpListener::bind(ANY).expect("a listener");
    let mut peer = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let stream = TcpStream::from_std_on(rt.handle(), listener.accept().expect("a stream").0).expect("a stream");
    let got = rt.run(async move {
        let mut text = Vec::new();
        let mut buffer = [0; 64];
        while text.len() < 11 {
            let n = stream.read(&mut buffer).await?;
            text.extend_from_slice(&buffer[..n]);
        }
        io::Result::Ok(text)
    });
    // The reader waits, and one event tells it of everything.
    let hog = common::Hog::reactor(rt.handle());
    peer.write_all(b"before").expect("room");
    send(&peer, b"!", SendFlags::OOB).expect("room");
    peer.write_all(b"after").expect("room");
    hog.release();
    assert_eq!(common::settled(got), b"beforeafter");
}
