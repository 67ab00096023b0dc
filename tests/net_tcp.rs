//! TCP over the reactor: what a program sees on a good day, and on some bad ones.
#![cfg(feature = "net")]

use offtick::Runtime;
use offtick::net::{TcpListener, TcpStream};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

#[test]
fn many_clients_are_echoed_at_once() {
    let rt = Runtime::new().expect("a runtime");
    let handle = rt.handle().clone();
    let mut all = rt.run(async move {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        let workers = handle.clone();
        let server = handle.run(async move {
            for _ in 0..20 {
                let (stream, _) = listener.accept().await?;
                workers
                    .run(async move {
                        let mut buffer = [0; 7];
                        loop {
                            let n = stream.read(&mut buffer).await?;
                            if n == 0 {
                                return io::Result::Ok(());
                            }
                            stream.write_all(&buffer[..n]).await?;
                        }
                    })
                    .detach();
            }
            io::Result::Ok(())
        });
        let clients: Vec<_> = (0..20u8)
            .map(|i| {
                let writers = handle.clone();
                handle.run(async move {
                    let stream = Arc::new(TcpStream::connect(address).await?);
                    let sent = vec![i; 10_000];
                    let mut got = vec![0; sent.len()];
                    let (writing, theirs) = (Arc::clone(&stream), sent.clone());
                    let wrote = writers.run(async move { writing.write_all(&theirs).await });
                    stream.read_exact(&mut got).await?;
                    wrote.await.map_err(io::Error::other)?;
                    io::Result::Ok(sent == got)
                })
            })
            .collect();
        for client in clients {
            assert!(client.await.expect("an echo"));
        }
        server.await.expect("a server");
        io::Result::Ok(())
    });
    all.wait().expect("all of it");
}

#[test]
fn refused_says_which_address() {
    let rt = Runtime::new().expect("a runtime");
    // Bound and closed again: nobody listens there.
    let closed = std::net::TcpListener::bind(ANY).and_then(|listener| listener.local_addr()).expect("an address");
    let error = rt.spawn(TcpStream::connect(closed)).wait().expect("no panic").expect_err("nobody is there");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
}

/// More than the standard library's backlog has room for; the next one would have to try again.
#[test]
#[cfg(target_os = "linux")]
fn a_burst_of_clients_waits_to_be_accepted() {
    const CLIENTS: usize = 300;
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux has it");
    if allowed.trim().parse::<usize>().expect("a number") < CLIENTS {
        return;
    }
    let rt = Runtime::new().expect("a runtime");
    let listener = rt.run(TcpListener::bind(ANY)).wait().expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    // Nobody accepts them, and each is connected all the same.
    let connect = |_| std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_secs(60));
    let clients: Vec<_> = (0..CLIENTS).map(connect).collect::<io::Result<_>>().expect("there is room for all");
    assert_eq!(clients.len(), CLIENTS);
}
