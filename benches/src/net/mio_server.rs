//! The floor: a server that is nothing but a loop over the system's poll.

use super::http;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};

const LISTENER: Token = Token(usize::MAX);

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Sends back what comes.
pub(super) fn echo(listener: std::net::TcpListener) -> io::Result<()> {
    serve(listener, |client, bytes| client.stream.write_all(bytes))
}

/// Answers every request with the same greeting.
pub(super) fn hello(listener: std::net::TcpListener) -> io::Result<()> {
    let answer = http::answer();
    serve(listener, move |client, bytes| {
        client.received.extend_from_slice(bytes);
        while let Some(length) = http::length_of_head(&client.received) {
            client.received.drain(..length);
            client.stream.write_all(&answer)?;
        }
        Ok(())
    })
}

fn serve(
    listener: std::net::TcpListener,
    mut take: impl FnMut(&mut Client, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut events = Events::with_capacity(256);
    let mut buffer = [0; 4096];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(clients.len()), Interest::READABLE)?;
                    clients.push(Some(Client { stream, received: Vec::new() }));
                }
                continue;
            }
            let place = &mut clients[event.token().0];
            while let Some(client) = place {
                match client.stream.read(&mut buffer) {
                    Ok(n) if n > 0 => {
                        take(client, &buffer[..n])?;
                        if n < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    _ => *place = None,
                }
            }
        }
    }
}
