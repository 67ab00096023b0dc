//! WebSockets by async-tungstenite over connections of ours.

mod common;

use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::{Error, Message};
use async_tungstenite::{WebSocketStream, accept_async, client_async};
use common::{MEGABYTE, pair, pattern, run};
use futures_util::StreamExt;
use offtick::net::TcpStream;
use offtick::{BoxError, Handle, Task};

/// What the server saw, besides what it sent back.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    pings: usize,
    closed: Option<CloseFrame>,
}

/// A client, and a server that sends text and binary messages back until it is told that the connection closes.
async fn start(handle: &Handle) -> Result<(WebSocketStream<TcpStream>, Task<Seen>), BoxError> {
    let (near, far) = pair().await?;
    let server = handle.run(async move {
        let mut socket = accept_async(far).await?;
        let mut seen = Seen::default();
        while let Some(message) = socket.next().await {
            match message? {
                message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
                Message::Ping(_) => seen.pings += 1,
                Message::Close(frame) => seen.closed = frame,
                other => return Err(format!("unexpected {other:?}").into()),
            }
        }
        Ok::<_, BoxError>(seen)
    });
    let (socket, _response) = client_async("ws://here/echo", near).await?;
    Ok((socket, server))
}

#[test]
fn messages_of_all_kinds_and_sizes_come_back() {
    let seen = run(|handle| async move {
        let (mut socket, server) = start(&handle).await?;
        let large = pattern(0, MEGABYTE);
        for sent in [
            Message::text(""),
            Message::text("grüezi"),
            Message::binary(vec![0, 159, 146, 150]),
            Message::Binary(large),
            Message::text("x".repeat(70_000)),
        ] {
            socket.send(sent.clone()).await?;
            assert_eq!(socket.next().await.ok_or("closed")??, sent);
        }
        socket.send(Message::Ping("there?".into())).await?;
        assert_eq!(socket.next().await.ok_or("closed")??, Message::Pong("there?".into()));
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.close(Some(goodbye.clone())).await?;
        assert_eq!(socket.next().await.ok_or("closed")??, Message::Close(Some(goodbye)));
        assert!(socket.next().await.is_none(), "nothing comes after the close");
        Ok(server.await?)
    });
    assert_eq!(seen.pings, 1);
    assert_eq!(seen.closed.expect("a close frame").code, CloseCode::Normal);
}

#[test]
fn many_clients_talk_at_once() {
    run(|handle| async move {
        let mut clients = Vec::new();
        for n in 0..20 {
            let (mut socket, server) = start(&handle).await?;
            clients.push(handle.run(async move {
                for round in 0..50 {
                    let sent = Message::text(format!("{n}: {round}"));
                    socket.send(sent.clone()).await?;
                    assert_eq!(socket.next().await.ok_or("closed")??, sent);
                }
                socket.close(None).await?;
                while let Some(message) = socket.next().await {
                    message?;
                }
                server.await?;
                Ok::<_, BoxError>(())
            }));
        }
        for client in clients {
            client.await?;
        }
        Ok(())
    });
}

#[test]
fn a_client_that_vanishes_is_an_error() {
    run(|handle| async move {
        let (socket, server) = start(&handle).await?;
        drop(socket);
        let error = server.await.expect_err("no close handshake");
        let error = error.downcast_ref::<Error>().ok_or("an error of tungstenite's")?;
        assert!(matches!(error, Error::Protocol(_) | Error::Io(_)), "{error:?}");
        Ok(())
    });
}
