//! Which threads there are while hyper works: ours, and nobody else's.
#![cfg(all(feature = "hyper", target_os = "linux"))]

mod common;

use common::{MEGABYTE, Made, pair, read_pattern, run};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use offtick::BoxError;
use offtick_compat::hyper::{HyperExecutor, HyperStream, HyperTimer};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;

/// The names of all threads of this process, as the system has them: 15 bytes at most.
fn threads() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/task").expect("a list of threads");
    // A thread may end between the listing and the look.
    let name = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).ok();
    entries.filter_map(|entry| name(entry.expect("a thread"))).map(|name| name.trim_end().to_owned()).collect()
}

#[test]
fn only_ours() {
    let before = threads();
    let during = run(|handle| async move {
        let (near, far) = pair().await?;
        let executor = HyperExecutor::new(handle.clone());
        let (told, hears) = std::sync::mpsc::channel();
        let echo = service_fn(move |request: Request<Incoming>| {
            told.send(threads()).ok();
            async { Ok::<_, Infallible>(Response::new(request.into_body())) }
        });
        let mut http = server::conn::http2::Builder::new(executor.clone());
        http.timer(HyperTimer::new(handle.clone()));
        let _server = handle.run(http.serve_connection(HyperStream::new(far), echo));
        let (mut sender, connection) = client::conn::http2::handshake(executor, HyperStream::new(near)).await?;
        handle.run(connection).detach();
        let request = Request::post("http://here/").body(Made::new(MEGABYTE, 10_000))?;
        assert_eq!(read_pattern(sender.send_request(request).await?.into_body()).await?, MEGABYTE);
        let mut seen = hears.try_recv()?;
        seen.extend(threads());
        Ok::<_, BoxError>(seen)
    });
    let new: Vec<&str> = during.difference(&before).map(String::as_str).collect();
    assert_eq!(new, ["offtick-reactor"]);
}
