//! The client and the server of hyper-util.
#![cfg(feature = "hyper-util")]

mod common;

use common::run;
use common::server::{listener, serve};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use offtick::LocalRuntime;
use offtick_compat::hyper::{HyperConnector, HyperExecutor, HyperLocalExecutor, HyperStream, HyperTimer};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn the_client_reuses_connections_to_the_server() {
    run(|handle| async move {
        let (listener, address) = listener().await?;
        let _server = handle.run(serve(handle.clone(), listener));
        for http2 in [false, true] {
            let client: Client<_, Empty<Bytes>> = Client::builder(HyperExecutor::new(handle.clone()))
                .http2_only(http2)
                .pool_timer(HyperTimer::new(handle.clone()))
                .build(HyperConnector::new().connect_timeout(Duration::from_secs(60)));
            let before = handle.metrics().sockets;
            for n in 0..20 {
                let response = client.get(format!("http://{address}/{n}").parse()?).await?;
                assert_eq!(response.into_body().collect().await?.to_bytes(), format!("/{n}"));
            }
            assert!(handle.metrics().sockets <= before + 4, "one connection, as a rule");
            assert!(client.get(format!("https://{address}/").parse()?).await.is_err());
        }
        Ok(())
    });
}

#[test]
fn services_that_are_not_send_run_on_a_local_runtime() {
    let rt = LocalRuntime::new().expect("a runtime");
    let executor = HyperLocalExecutor::new(rt.local_handle().clone());
    let (handle, local) = (rt.handle().clone(), rt.local_handle().clone());
    let body = async move {
        let (listener, address) = listener().await?;
        let served = Rc::new(std::cell::Cell::new(0));
        let counter = Rc::clone(&served);
        let _server = local.run(async move {
            let stream = HyperStream::new(listener.accept().await?.0);
            let count = service_fn(move |_: Request<Incoming>| {
                counter.set(counter.get() + 1);
                async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("local"))) }
            });
            hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, count).await?;
            offtick::Ok(())
        });
        let client: Client<_, Empty<Bytes>> =
            Client::builder(HyperExecutor::new(handle)).http2_only(true).build(HyperConnector::new());
        for _ in 0..3 {
            let response = client.get(format!("http://{address}/").parse()?).await?;
            assert_eq!(response.into_body().collect().await?.to_bytes(), "local");
        }
        offtick::Ok(served.get())
    };
    assert_eq!(rt.run_until(body).expect("no nesting").expect("the answers"), 3);
}
