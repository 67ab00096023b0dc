//! The servers by name: the same service on each runtime, on one thread, beside the main one that waits. (A process of
//! one thread would pay less for each system call: no runtime with a background thread is one.)

use super::{http, mio_server};
use async_executor::LocalExecutor;
use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use offtick_compat::hyper::HyperStream;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;

type Serve = fn(TcpListener) -> io::Result<()>;

/// All of them.
pub const SERVERS: &[(&str, Serve)] = &[
    ("offtick-echo", offtick_echo),
    ("offtick-local-echo", offtick_local_echo),
    ("tokio-echo", tokio_echo),
    ("smol-echo", smol_echo),
    ("mio-echo", mio_server::echo),
    ("offtick-hyper", offtick_hyper),
    ("tokio-hyper", tokio_hyper),
    ("mio-hello", mio_server::hello),
];

/// Serves by the server of this name until the process is killed.
///
/// # Errors
/// A name that is not there; those of the system.
pub fn serve(name: &str) -> Result<(), String> {
    let (_, serve) = SERVERS.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("no server {name}"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    println!("{port}");
    let serve = *serve;
    let server = std::thread::spawn(move || serve(listener).map_err(|error| error.to_string()));
    server.join().unwrap_or_else(|_| Err(format!("{name} panicked")))
}

fn offtick_echo(listener: TcpListener) -> io::Result<()> {
    let rt = offtick::Runtime::new().map_err(io::Error::other)?;
    let server = accept_for_echo(rt.handle().clone(), listener)?;
    rt.run(server).wait().map_err(io::Error::other)
}

fn offtick_local_echo(listener: TcpListener) -> io::Result<()> {
    let rt = offtick::LocalRuntime::new().map_err(io::Error::other)?;
    let server = accept_for_echo(rt.handle().clone(), listener)?;
    rt.run_until(server).map_err(io::Error::other)?
}

fn accept_for_echo(
    handle: offtick::Handle,
    listener: TcpListener,
) -> io::Result<impl Future<Output = io::Result<()>> + Send> {
    let listener = offtick::net::TcpListener::from_std_on(&handle, listener)?;
    Ok(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let echo = async move {
                let mut buffer = [0; 4096];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return io::Result::Ok(()),
                        n => stream.write_all(&buffer[..n]).await?,
                    }
                }
            };
            handle.run(echo).detach();
        }
    })
}

/// A `current_thread` runtime with all drivers.
fn on_tokio(server: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    crate::peers::current_thread().enable_all().build()?.block_on(server)
}

fn tokio_listener(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn tokio_echo(listener: TcpListener) -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    on_tokio(async {
        let listener = tokio_listener(listener)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return io::Result::Ok(()),
                        n => stream.write_all(&buffer[..n]).await?,
                    }
                }
            });
        }
    })
}

fn smol_echo(listener: TcpListener) -> io::Result<()> {
    let executor = Rc::new(LocalExecutor::new());
    let theirs = Rc::clone(&executor);
    async_io::block_on(executor.run(async {
        let listener = Async::new(listener)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            let echo = async move {
                let mut buffer = [0; 4096];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return io::Result::Ok(()),
                        n => stream.write_all(&buffer[..n]).await?,
                    }
                }
            };
            theirs.spawn(echo).detach();
        }
    }))
}

async fn greet(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from(http::BODY)))
}

fn offtick_hyper(listener: TcpListener) -> io::Result<()> {
    let rt = offtick::Runtime::new().map_err(io::Error::other)?;
    let listener = offtick::net::TcpListener::from_std_on(rt.handle(), listener)?;
    let handle = rt.handle().clone();
    let mut server = rt.run(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            handle.run(Builder::new().serve_connection(HyperStream::new(stream), service_fn(greet))).detach();
        }
        #[allow(unreachable_code)]
        io::Result::Ok(())
    });
    server.wait().map_err(io::Error::other)
}

fn tokio_hyper(listener: TcpListener) -> io::Result<()> {
    on_tokio(async {
        let listener = tokio_listener(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(Builder::new().serve_connection(TokioIo::new(stream), service_fn(greet)));
        }
    })
}
