//! hyper's HTTP/2 client and server on both ends of a connection of ours.
#![cfg(feature = "hyper")]

mod common;

use common::{MEGABYTE, Made, pair, read_pattern, run};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use offtick::time::Clock;
use offtick::{BoxError, Builder};
use offtick_compat::hyper::{HyperExecutor, HyperStream, HyperTimer};
use std::convert::Infallible;
use std::time::Duration;

#[test]
fn requests_share_one_connection() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        let executor = HyperExecutor::new(handle.clone());
        let path = service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(request.uri().path().to_owned())))
        });
        let http = server::conn::http2::Builder::new(executor.clone());
        let server = handle.run(http.serve_connection(HyperStream::new(far), path));
        let (sender, connection) = client::conn::http2::handshake(executor, HyperStream::new(near)).await?;
        handle.run(connection).detach();
        let requests: Vec<_> = (0..50)
            .map(|n| {
                let mut sender = sender.clone();
                handle.run(async move {
                    let request = Request::get(format!("http://here/{n}")).body(Empty::<Bytes>::new())?;
                    let body = sender.send_request(request).await?.into_body().collect().await?;
                    assert_eq!(body.to_bytes(), format!("/{n}"));
                    Ok::<_, BoxError>(())
                })
            })
            .collect();
        for request in requests {
            request.await?;
        }
        drop(sender);
        server.await?;
        Ok(())
    });
}

#[test]
fn ten_megabytes_go_up_and_down_at_once() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        let executor = HyperExecutor::new(handle.clone());
        let echo =
            service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(Response::new(request.into_body())));
        let http = server::conn::http2::Builder::new(executor.clone());
        let _server = handle.run(http.serve_connection(HyperStream::vectored(far), echo));
        let (mut sender, connection) = client::conn::http2::handshake(executor, HyperStream::vectored(near)).await?;
        handle.run(connection).detach();
        let request = Request::post("http://here/").body(Made::new(10 * MEGABYTE, 50_000))?;
        let response = sender.send_request(request).await?;
        assert_eq!(read_pattern(response.into_body()).await?, 10 * MEGABYTE);
        Ok(())
    });
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let handle = rt.handle().clone();
    let mut connection = rt.run(async move {
        let (near, far) = pair().await?;
        let mut http = client::conn::http2::Builder::new(HyperExecutor::new(handle.clone()));
        http.timer(HyperTimer::new(handle.clone()))
            .keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true);
        let (_sender, connection) = http.handshake::<_, Empty<Bytes>>(HyperStream::new(near)).await?;
        let ended = connection.await;
        // Until here the peer was silent, not gone.
        drop(far);
        Ok::<_, BoxError>(ended)
    });
    let mut waited = Duration::ZERO;
    let ended = loop {
        match connection.wait_timeout(Duration::from_millis(1)) {
            Some(ended) => break ended.expect("no failure"),
            None => waited += clock.advance(Duration::from_secs(1)),
        }
    };
    assert!(ended.expect_err("no answer came").is_timeout());
    assert!(waited >= Duration::from_secs(14), "{waited:?}");
}
