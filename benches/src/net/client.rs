//! The load: one thread over a bare poll, the same for every server.

use super::http;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is sent, and how the end of an answer is found.
#[derive(Clone, Copy, Debug)]
pub enum Traffic {
    /// So many bytes, which come back.
    Echo(usize),
    /// A GET request.
    Http,
}

impl Traffic {
    fn request(self) -> Vec<u8> {
        match self {
            Self::Echo(length) => vec![b'x'; length],
            Self::Http => http::REQUEST.to_vec(),
        }
    }

    /// The length of the answer that these bytes begin with, once it can be told.
    fn answer(self, received: &[u8]) -> Option<usize> {
        match self {
            Self::Echo(length) => Some(length),
            Self::Http => http::length_of_answer(received),
        }
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// When the last request was sent, where times are taken.
    asked: Option<Instant>,
}

/// Open connections, each of which has one request on its way at a time.
pub struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    traffic: Traffic,
    request: Vec<u8>,
}

impl Load {
    /// Opens the connections.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(address: SocketAddr, connections: usize, traffic: Traffic) -> io::Result<Self> {
        let poll = Poll::new()?;
        let open = |nth| {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(nth), Interest::READABLE)?;
            Ok(Connection { stream, received: Vec::new(), asked: None })
        };
        let connections = (0..connections).map(open).collect::<io::Result<_>>()?;
        Ok(Self { poll, connections, traffic, request: traffic.request() })
    }

    /// Sends so many requests, one after the other on each connection, and waits for all answers.
    ///
    /// # Errors
    /// Those of the system; a server that hangs up.
    pub fn run(&mut self, requests: usize) -> io::Result<()> {
        self.drive(requests, None)
    }

    /// The same, and how long each answer took. It asks the clock twice a request: not for throughput.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn times(&mut self, requests: usize) -> io::Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(requests);
        self.drive(requests, Some(&mut times))?;
        Ok(times)
    }

    fn drive(&mut self, requests: usize, mut times: Option<&mut Vec<Duration>>) -> io::Result<()> {
        let (mut unsent, mut unanswered) = (requests, requests);
        for connection in self.connections.iter_mut().take(requests) {
            connection.ask(&self.request, times.is_some())?;
            unsent -= 1;
        }
        let mut events = Events::with_capacity(256);
        while unanswered > 0 {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                for _ in 0..connection.answers(self.traffic)? {
                    unanswered -= 1;
                    if let (Some(times), Some(asked)) = (&mut times, connection.asked) {
                        times.push(asked.elapsed());
                    }
                    if unsent > 0 {
                        connection.ask(&self.request, times.is_some())?;
                        unsent -= 1;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    fn ask(&mut self, request: &[u8], timed: bool) -> io::Result<()> {
        self.asked = timed.then(Instant::now);
        self.stream.write_all(request)
    }

    /// Reads what is there, and counts the answers that it completes.
    fn answers(&mut self, traffic: Traffic) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.received.extend_from_slice(&buffer[..n]);
                    if n < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let mut count = 0;
        while let Some(length) = traffic.answer(&self.received)
            && length <= self.received.len()
        {
            self.received.drain(..length);
            count += 1;
            if self.received.is_empty() {
                break;
            }
        }
        Ok(count)
    }
}
