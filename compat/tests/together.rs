//! A WebSocket over HTTP over TLS over a connection of ours: hyper, async-tungstenite and futures-rustls at once.
#![cfg(feature = "hyper")]

mod common;

use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::protocol::Role;
use async_tungstenite::{WebSocketStream, client_async};
use common::tls::{NAME, acceptor, certificate, connector};
use common::{MEGABYTE, pair, pattern, run};
use futures_rustls::rustls::pki_types::ServerName;
use futures_util::{AsyncWriteExt, StreamExt};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use offtick::{BoxError, Handle};
use offtick_compat::hyper::HyperStream;

/// Agrees to the upgrade, and sends back what comes.
async fn upgrade(handle: Handle, mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, BoxError> {
    let key = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    handle
        .run(async move {
            let stream = HyperStream::new(upgrade.await?);
            let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            while let Some(message) = socket.next().await {
                if let message @ (Message::Text(_) | Message::Binary(_)) = message? {
                    socket.send(message).await?;
                }
            }
            // TLS has a last word too, which dropping the connection would not say.
            socket.get_mut().close().await?;
            Ok::<_, BoxError>(())
        })
        .detach();
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", key);
    Ok(response.body(Empty::new())?)
}

#[test]
fn messages_come_back_through_all_layers() {
    run(|handle| async move {
        let (trusted, key) = certificate("we")?;
        let (acceptor, connector) = (acceptor((trusted.clone(), key))?, connector(trusted)?);
        let (near, far) = pair().await?;
        let tasks = handle.clone();
        let server = handle.run(async move {
            let stream = HyperStream::new(acceptor.accept(far).await?);
            let service = service_fn(move |request| upgrade(tasks.clone(), request));
            let http = hyper::server::conn::http1::Builder::new();
            http.serve_connection(stream, service).with_upgrades().await?;
            Ok::<_, BoxError>(())
        });
        let stream = connector.connect(ServerName::try_from(NAME)?, near).await?;
        let (mut socket, response) = client_async(format!("wss://{NAME}/"), stream).await?;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        server.await?;
        for sent in [Message::text("through them all"), Message::Binary(pattern(0, MEGABYTE))] {
            socket.send(sent.clone()).await?;
            assert_eq!(socket.next().await.ok_or("closed")??, sent);
        }
        socket.close(None).await?;
        let answer = socket.next().await;
        assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
        assert!(socket.next().await.is_none(), "nothing comes after the close");
        Ok(())
    });
}
