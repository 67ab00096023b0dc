//! tower's services and the io traits of tokio, on runtimes of ours.
#![cfg(feature = "tower")]

mod common;

use common::{pair, run};
use offtick::time::{Clock, Elapsed};
use offtick::{BoxError, Builder};
use offtick_compat::tower::TimeoutLayer;
use std::time::Duration;
use tower::buffer::Buffer;
use tower::{Layer, Service, ServiceExt, service_fn};

#[test]
fn a_time_limit_follows_the_clock_of_the_runtime() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let slow = service_fn(|wait: u64| async move {
        offtick::time::sleep(Duration::from_secs(wait)).await;
        Ok::<_, BoxError>(wait)
    });
    let mut service = TimeoutLayer::new(rt.handle().clone(), Duration::from_secs(5)).layer(slow);
    let mut task = rt.run(async move {
        let in_time = service.ready().await?.call(1).await?;
        let late = service.ready().await?.call(10).await.expect_err("too late");
        assert!(late.is::<Elapsed>(), "{late}");
        offtick::Ok(in_time)
    });
    let value = loop {
        match task.wait_timeout(Duration::from_millis(1)) {
            Some(value) => break value,
            None => clock.advance(Duration::from_secs(1)),
        };
    };
    assert_eq!(value.expect("the answers"), 1);
}

#[test]
fn a_buffer_runs_its_worker_on_our_runtime() {
    run(|handle| async move {
        let double = service_fn(|n: u32| async move { Ok::<_, BoxError>(2 * n) });
        let limited = TimeoutLayer::new(handle.clone(), Duration::from_secs(60)).layer(double);
        let (buffer, worker) = Buffer::pair(limited, 8);
        let worker = handle.spawn(worker);
        let callers: Vec<_> = (0..50).map(|n| handle.run(buffer.clone().oneshot(n))).collect();
        for (n, caller) in (0..).zip(callers) {
            assert_eq!(caller.await?, 2 * n);
        }
        drop(buffer);
        worker.await?;
        Ok(())
    });
}

#[test]
fn streams_have_the_io_traits_of_tokio_by_tokio_util() {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio_util::compat::FuturesAsyncReadCompatExt;
    run(|_| async {
        let (near, far) = pair().await?;
        let (mut near, far) = (near.compat(), BufReader::new(far.into_shared().compat()));
        near.write_all(b"one\ntwo").await?;
        near.shutdown().await?;
        let mut lines = far.lines();
        assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
        assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
        assert_eq!(lines.next_line().await?, None);
        drop(lines);
        assert_eq!(near.read(&mut [0; 8]).await?, 0);
        Ok(())
    });
}
