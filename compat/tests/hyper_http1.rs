//! hyper's HTTP/1 client and server on both ends of a connection of ours.
#![cfg(feature = "hyper")]

mod common;

use common::{MEGABYTE, Made, pair, pattern, read_pattern, run};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use offtick::net::TcpStream;
use offtick::time::Clock;
use offtick::{BoxError, Builder, Handle};
use offtick_compat::hyper::{HyperStream, HyperTimer};
use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

type Server = hyper::server::conn::http1::Builder;

/// A client over a connection of ours; what drives it ends with the connection.
async fn client<B>(handle: &Handle, stream: TcpStream) -> Result<SendRequest<B>, BoxError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(HyperStream::new(stream)).await?;
    handle.spawn(connection).detach();
    Ok(sender)
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    let uri: Uri = path.parse().expect("a path");
    Request::get(uri).header("host", "here").body(Empty::new()).expect("a request")
}

async fn path(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(request.uri().path().to_owned())))
}

#[test]
fn one_connection_carries_many_requests() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        let mut server = handle.run(Server::new().serve_connection(HyperStream::new(far), service_fn(path)));
        let mut client = client(&handle, near).await?;
        for n in 0..100 {
            let response = client.send_request(get(&format!("/{n}"))).await?;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.into_body().collect().await?.to_bytes(), format!("/{n}"));
        }
        // The client goes, its connection closes, and the server's end is a clean one.
        drop(client);
        (&mut server).await?;
        Ok(())
    });
}

#[test]
fn chunked_bodies_come_through_both_ways() {
    for vectored in [false, true] {
        run(move |handle| async move {
            let wrap = if vectored { HyperStream::vectored } else { HyperStream::new };
            let (near, far) = pair().await?;
            let answer = service_fn(async |request: Request<Incoming>| {
                assert_eq!(request.headers()["transfer-encoding"], "chunked");
                let length = read_pattern(request.into_body()).await?;
                Ok::<_, BoxError>(Response::new(Made::new(length * 2, 333)))
            });
            let _server = handle.run(Server::new().serve_connection(wrap(far), answer));
            let (mut client, connection) = hyper::client::conn::http1::handshake(wrap(near)).await?;
            let _connection = handle.run(connection);
            for length in [1, 10_000, 100_000] {
                let request = Request::post("/").header("host", "here").body(Made::new(length, 777))?;
                let response = client.send_request(request).await?;
                assert_eq!(response.headers()["transfer-encoding"], "chunked");
                assert_eq!(read_pattern(response.into_body()).await?, length * 2);
            }
            Ok(())
        });
    }
}

#[test]
fn ten_megabytes_go_up_and_down_at_once() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        // The body is sent back while it comes in.
        let echo =
            service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(Response::new(request.into_body())));
        let _server = handle.run(Server::new().serve_connection(HyperStream::vectored(far), echo));
        let mut client = client(&handle, near).await?;
        let request = Request::post("/").header("host", "here").body(Made::new(10 * MEGABYTE, 50_000))?;
        let response = client.send_request(request).await?;
        assert_eq!(read_pattern(response.into_body()).await?, 10 * MEGABYTE);
        // The same in one piece, with its length told.
        let (near, far) = pair().await?;
        let _server = handle.run(Server::new().serve_connection(HyperStream::new(far), echo));
        let mut client = self::client(&handle, near).await?;
        let body = Full::new(pattern(0, 10 * MEGABYTE));
        let response = client.send_request(Request::post("/").header("host", "here").body(body)?).await?;
        assert_eq!(read_pattern(response.into_body()).await?, 10 * MEGABYTE);
        Ok(())
    });
}

#[test]
fn a_peer_that_does_not_read_holds_the_sender_back() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let endless = service_fn(move |_request| {
            let mut body = Made::new(usize::MAX, 100_000);
            body.made = Arc::clone(&counter);
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        let server = handle.run(Server::new().serve_connection(HyperStream::new(far), endless));
        let mut client = client(&handle, near).await?;
        let mut body = client.send_request(get("/endless")).await?.into_body();
        let mut read = 0;
        while read < MEGABYTE {
            let frame = body.frame().await.ok_or("it has no end")??;
            read += frame.into_data().map_or(0, |data| data.len());
        }
        // What the system's buffers and hyper's hold, far less than a sender makes that nothing holds back.
        let ahead = made.load(Ordering::Relaxed) - read;
        assert!(ahead < 64 * MEGABYTE, "{ahead} bytes ahead");
        // The client leaves in the middle: the server is told, and its body is dropped.
        drop((body, client));
        let error = server.await.expect_err("the response was cut off");
        let error = error.downcast_ref::<hyper::Error>().expect("hyper says so");
        assert!(!error.is_timeout() && !error.is_user(), "{error:?}");
        assert_eq!(Arc::strong_count(&made), 1);
        Ok(())
    });
}

#[test]
fn a_request_cut_off_is_an_error_on_the_server() {
    run(|handle| async move {
        let (near, far) = pair().await?;
        let (told, hears) = std::sync::mpsc::channel();
        let answer = service_fn(move |request: Request<Incoming>| {
            let told = told.clone();
            async move {
                let error = request.into_body().collect().await.expect_err("half of it is missing");
                told.send(error).expect("somebody hears");
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let server = handle.run(Server::new().serve_connection(HyperStream::new(far), answer));
        near.write_all(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nhello").await?;
        drop(near);
        // Whose request it was is told; whether the connection counts as failed too is up to hyper.
        let _ended = server.await;
        let error = hears.try_recv()?;
        let error =
            error.source().and_then(|source| source.downcast_ref::<io::Error>()).expect("an end that came early");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        Ok(())
    });
}

#[test]
fn a_head_that_takes_too_long_ends_the_connection() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
    let handle = rt.handle().clone();
    let (ready, go) = std::sync::mpsc::channel();
    let mut server = rt.run(async move {
        let (near, far) = pair().await?;
        let timer = HyperTimer::new(handle);
        let mut builder = Server::new();
        builder.timer(timer).header_read_timeout(Duration::from_secs(30));
        let mut connection = pin!(builder.serve_connection(HyperStream::new(far), service_fn(path)));
        // A whole request first: its limit is over with it, and the next one gets a new one.
        near.write_all(b"GET /1 HTTP/1.1\r\nhost: here\r\n\r\n").await?;
        let mut answer = [0; 15];
        {
            let mut first = pin!(near.read_exact(&mut answer));
            poll_fn(|cx| {
                assert!(connection.as_mut().poll(cx).is_pending());
                first.as_mut().poll(cx)
            })
            .await?;
        }
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        near.write_all(b"GET /2 HTTP/1.1\r\nhost").await?;
        ready.send(()).ok();
        let ended = connection.await;
        drop(near);
        Ok::<_, BoxError>(ended)
    });
    go.recv().expect("the second request has begun");
    let mut waited = Duration::ZERO;
    let ended = loop {
        match server.wait_timeout(Duration::from_millis(1)) {
            Some(ended) => break ended.expect("no failure"),
            None => waited += clock.advance(Duration::from_secs(1)),
        }
    };
    assert!(ended.expect_err("it took too long").is_timeout());
    assert!(waited >= Duration::from_secs(29), "{waited:?}");
}

#[test]
fn a_graceful_shutdown_answers_what_has_begun() {
    run(|_| async move {
        let (near, far) = pair().await?;
        let begun = AtomicBool::new(false);
        let answer = service_fn(async |request: Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            let body = request.into_body().collect().await?;
            Ok::<_, hyper::Error>(Response::new(Full::new(body.to_bytes())))
        });
        let mut connection = pin!(Server::new().serve_connection(HyperStream::new(far), answer));
        near.write_all(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nhello").await?;
        poll_fn(|cx| {
            assert!(connection.as_mut().poll(cx).is_pending());
            if begun.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        connection.as_mut().graceful_shutdown();
        // The rest of this request, and one that comes too late.
        near.write_all(b"again\r\n\r\nGET /late HTTP/1.1\r\nhost: here\r\n\r\n").await?;
        connection.await?;
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        // The server leaves a request unread, so its end may be a reset.
        while let Ok(n @ 1..) = near.read(&mut buffer).await {
            text.extend_from_slice(&buffer[..n]);
        }
        let text = String::from_utf8(text)?;
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 1, "{text}");
        assert!(text.contains("connection: close"), "{text}");
        assert!(text.ends_with("helloagain"), "{text}");
        Ok(())
    });
}
