//! Names are looked up although every pool thread hangs, and by few threads.
#![cfg(feature = "net")]

mod common;

use common::{HANG, settled, until};
use offtick::net::{TcpStream, lookup};
use offtick::time::{Clock, timeout};
use offtick::{BoxError, Builder, Status};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_name_is_looked_up_while_every_pool_thread_hangs() {
    let rt = Builder::new().blocking_threads(2).build().unwrap();
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = std::sync::Arc::new(std::sync::Mutex::new(blocked));
    let hung: Vec<_> = (0..8)
        .map(|_| {
            let blocked = blocked.clone();
            rt.spawn_blocking(move || blocked.lock().unwrap().recv().is_err())
        })
        .collect();
    until(|| hung.iter().filter(|task| task.status() == Status::Running).count() == 2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = rt.run(async move {
        timeout(HANG, TcpStream::connect(("localhost", port))).await?.map(drop).map_err(BoxError::from)
    });
    settled(connected);
    drop(release);
    hung.into_iter().for_each(|task| assert!(settled(task)));
}

#[test]
fn a_closure_with_a_time_limit_that_hangs_does_not_hold_up_names() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(1).build().unwrap();
    let (release, blocked) = mpsc::channel::<()>();
    let mut hung = rt.task().timeout(Duration::from_secs(1)).spawn_blocking(move |_cx| blocked.recv().is_err());
    until(|| hung.status() == Status::Running);
    clock.advance(Duration::from_secs(1));
    assert!(hung.wait_timeout(HANG).unwrap().unwrap_err().is_timeout());
    assert!(!settled(rt.run(lookup("localhost:80"))).is_empty());
    drop(release);
}

#[test]
fn many_names_start_few_threads() {
    let rt = Builder::new().build().unwrap();
    let lookups: Vec<_> = (0..200).map(|_| rt.run(lookup("localhost:80"))).collect();
    until(|| {
        assert!(rt.metrics().name_threads <= 4);
        lookups.iter().all(offtick::Task::is_done)
    });
    assert_eq!(rt.metrics().blocking_threads, 0, "none of the pool's");
    lookups.into_iter().for_each(|task| assert!(!settled(task).is_empty()));
}

#[test]
fn the_threads_of_names_leave_when_idle() {
    let rt = Builder::new().blocking_keep_alive(Duration::ZERO).build().unwrap();
    for _ in 0..3 {
        settled(rt.run(lookup("localhost:80")));
        until(|| rt.metrics().name_threads == 0);
    }
}
