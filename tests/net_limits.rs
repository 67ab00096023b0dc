//! Sockets where descriptors run out. Each test is a process of its own: it lowers the limit of the whole process, or
//! counts what the whole process has open.
#![cfg(all(feature = "net", target_os = "linux"))]

mod common;

use offtick::net::{TcpListener, TcpStream};
use offtick::time::Clock;
use offtick::{BuildError, Builder};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::Duration;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Says to a child that it is one.
const ALONE: &str = "OFFTICK_TEST_ALONE";

/// Runs `body` in a process of its own, which runs this one test.
fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let this = std::env::current_exe().expect("a test has a file");
    let output = Command::new(this)
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(ALONE, "1")
        .output()
        .expect("it starts again");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success() && said[0].contains("1 passed"), "{}{}", said[0], said[1]);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

/// All the descriptors that this process may still open, and a few hundred at most.
fn take_all() -> Vec<File> {
    let limit = Rlimit { current: Some(200), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("lower than it was");
    let mut taken = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => taken.push(file),
            Err(error) => {
                assert_eq!(Errno::from_io_error(&error), Some(Errno::MFILE));
                return taken;
            }
        }
    }
}

#[test]
fn a_runtime_without_descriptors_is_refused_and_leaves_none_behind() {
    alone("a_runtime_without_descriptors_is_refused_and_leaves_none_behind", || {
        let mut taken = take_all();
        for free in 0..4 {
            let error = Builder::new().build().expect_err("too few descriptors");
            assert!(
                matches!(&error, BuildError::Poll(error) if Errno::from_io_error(error) == Some(Errno::MFILE)),
                "{error:?}"
            );
            let again = take_all();
            assert_eq!(again.len(), free, "as many are free as before");
            drop(again);
            taken.pop();
        }
        let rt = Builder::new().build().expect("enough descriptors");
        common::reactor_thread(rt.handle());
    });
}

/// The outcome of an accept, if it has one by now; it goes on waiting otherwise.
fn poll<F: Future>(accept: &mut std::pin::Pin<Box<F>>) -> Option<F::Output> {
    match accept.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

#[test]
fn an_accept_without_descriptors_says_so_once_and_then_waits() {
    alone("an_accept_without_descriptors_says_so_once_and_then_waits", || {
        const MS: Duration = Duration::from_millis(1);
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
        let listener = std::net::TcpListener::bind(ANY).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let listener = TcpListener::from_std_on(rt.handle(), listener).expect("a listener on the runtime");
        let clients = [(); 2].map(|()| std::net::TcpStream::connect(address).expect("a client"));
        let mut taken = take_all();
        // Whatever the clock's threads have to do for a move of it is done when a sleep has ended.
        let advance = |by| {
            clock.advance(by);
            common::settled(rt.spawn(offtick::time::sleep(Duration::ZERO)));
        };
        let refused = |outcome: Option<io::Result<_>>| {
            let error = outcome.expect("an outcome").map(drop).expect_err("no descriptor");
            assert_eq!(Errno::from_io_error(&error), Some(Errno::MFILE));
        };
        refused(poll(&mut Box::pin(listener.accept())));
        let mut second = Box::pin(listener.accept());
        assert!(poll(&mut second).is_none(), "it waits");
        advance(9 * MS);
        assert!(poll(&mut second).is_none(), "it waits for 10 ms");
        advance(MS);
        refused(poll(&mut second));
        // Longer from time to time, whoever waits: giving up does not begin the wait anew.
        for _ in 0..19 {
            assert!(poll(&mut Box::pin(listener.accept())).is_none());
            advance(MS);
        }
        taken.truncate(taken.len() - 1);
        assert!(poll(&mut Box::pin(listener.accept())).is_none(), "it waits for 20 ms");
        advance(MS);
        let accepted = poll(&mut Box::pin(listener.accept())).expect("an outcome");
        let (stream, peer) = accepted.expect("a descriptor is free");
        assert_eq!(peer, clients[0].local_addr().expect("an address"));
        // As if nothing had been; and the next one meets a full process again, after the shortest wait.
        refused(poll(&mut Box::pin(listener.accept())));
        drop(stream);
        advance(10 * MS);
        let accepted = poll(&mut Box::pin(listener.accept())).expect("an outcome");
        assert_eq!(accepted.expect("a descriptor is free").1, clients[1].local_addr().expect("an address"));
    });
}

#[test]
fn ten_thousand_connections_leave_no_descriptor_behind() {
    alone("ten_thousand_connections_leave_no_descriptor_behind", || {
        const BATCH: usize = 100;
        let rt = common::runtime();
        let handle = rt.handle().clone();
        let before = descriptors();
        let task = rt.run(async move {
            let listener = TcpListener::bind(ANY).await?;
            let address = listener.local_addr()?;
            for batch in 0..10_000 / BATCH {
                let clients: Vec<_> = (0..BATCH).map(|_| handle.run(TcpStream::connect(address))).collect();
                let mut servers = Vec::new();
                for _ in 0..BATCH {
                    servers.push(listener.accept().await?.0);
                }
                for (i, client) in clients.into_iter().enumerate() {
                    let client = client.await.map_err(io::Error::other)?;
                    // No port stays behind in the system either.
                    rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO))?;
                    client.write_all(b"x").await?;
                    if i % 3 == 0 {
                        servers.swap_remove(i % servers.len());
                    }
                    if batch % 10 == 0 {
                        // Gone on another thread.
                        handle.spawn_blocking(move || drop(client)).await.map_err(io::Error::other)?;
                    }
                }
            }
            io::Result::Ok(())
        });
        common::settled(task);
        assert_eq!(rt.metrics().sockets, 0);
        common::until(|| descriptors() <= before);
    });
}
