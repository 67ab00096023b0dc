//! QUIC over sockets of ours, on both kinds of runtime.
#![cfg(feature = "quinn")]

mod common;

use common::{pattern, tls};
use offtick::{BoxError, Budget, Handle, LocalRuntime, Runtime};
use offtick_compat::quinn::QuinnRuntime;
use quinn::rustls::RootCertStore;
use quinn::{ClientConfig, Endpoint, EndpointConfig, ServerConfig};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Streams that are open at once, and bytes that go each way over all of them. `OFFTICK_QUINN=1000,50` sets streams and MB.
fn size() -> (usize, usize) {
    let size = std::env::var("OFFTICK_QUINN").ok();
    let size = size.as_deref().and_then(|text| text.split_once(','));
    let parsed = size.and_then(|(streams, megabytes)| Some((streams.parse().ok()?, megabytes.parse::<usize>().ok()?)));
    parsed.map_or((20, 200_000), |(streams, megabytes)| (streams, megabytes << 20))
}

/// Each stream echoes; each client stream checks what comes back.
async fn talk(handle: Handle) -> Result<usize, BoxError> {
    let (streams, bytes) = size();
    let runtime = Arc::new(QuinnRuntime::new(handle.clone()));
    let (certificate, key) = tls::certificate("ours")?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let mut config = ServerConfig::with_single_cert(vec![certificate], key)?;
    Arc::get_mut(&mut config.transport).ok_or("shared")?.max_concurrent_bidi_streams(u32::try_from(streams)?.into());
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let server = Endpoint::new(EndpointConfig::default(), Some(config), socket()?, runtime.clone())?;
    let mut client = Endpoint::new(EndpointConfig::default(), None, socket()?, runtime)?;
    client.set_default_client_config(ClientConfig::with_root_certificates(Arc::new(roots))?);
    let (address, echoes) = (server.local_addr()?, handle.clone());
    let serving = handle.run(async move {
        let connection = server.accept().await.ok_or("closed")?.await?;
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            let echo = async move {
                while let Some(chunk) = receive.read_chunk(64 * 1024, true).await? {
                    send.write_all(&chunk.bytes).await?;
                }
                send.finish()?;
                offtick::Ok(())
            };
            echoes.run(echo).detach();
        }
        server.close(0_u32.into(), b"");
        server.wait_idle().await;
        offtick::Ok(())
    });
    let connection = client.connect(address, tls::NAME)?.await?;
    let each = bytes / streams;
    let tasks: Vec<_> = (0..streams)
        .map(|nth| {
            let (connection, handle) = (connection.clone(), handle.clone());
            handle.clone().run(async move {
                let (mut send, mut receive) = connection.open_bi().await?;
                let sent = pattern(nth, each);
                let writing = handle.run(async move {
                    send.write_all(&sent).await?;
                    send.finish()?;
                    offtick::Ok(())
                });
                let back = receive.read_to_end(each).await?;
                writing.await?;
                assert_eq!(back, pattern(nth, each));
                offtick::Ok(back.len())
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await?;
    }
    connection.close(0_u32.into(), b"done");
    drop(connection);
    client.close(0_u32.into(), b"");
    client.wait_idle().await;
    serving.await?;
    Ok(total)
}

fn expected() -> usize {
    let (streams, bytes) = size();
    bytes / streams * streams
}

#[test]
fn streams_on_a_runtime() {
    let rt = Runtime::new().expect("a runtime");
    assert_eq!(rt.run(talk(rt.handle().clone())).wait().expect("the talk"), expected());
    let begun = std::time::Instant::now();
    while rt.metrics().sockets > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "a socket stays");
        std::thread::yield_now();
    }
}

#[test]
fn streams_on_a_ticked_runtime() {
    let rt = LocalRuntime::new().expect("a runtime");
    let talk = rt.run(talk(rt.handle().clone()));
    let begun = std::time::Instant::now();
    while !talk.is_done() {
        assert!(begun.elapsed() < Duration::from_secs(300), "it never ends");
        rt.tick(Budget::time(Duration::from_millis(2))).expect("a tick");
    }
    assert_eq!(talk.result().expect("it is done").expect("the talk"), &expected());
    while rt.metrics().sockets > 0 {
        assert!(begun.elapsed() < Duration::from_secs(300), "a socket stays");
        rt.tick(Budget::time(Duration::from_millis(2))).expect("a tick");
    }
}
