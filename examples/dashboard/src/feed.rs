//! A server on loopback that sends a line now and then, and hangs up now and then, in the middle of one.

use fastrand::Rng;
use offtick::net::{TcpListener, TcpStream};
use offtick::time::sleep;
use offtick::{BoxError, Handle, Task, TaskGroup};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The time from line to line.
const PAUSE: Duration = Duration::from_millis(50);

/// How many lines a connection lives to send.
const LINES: std::ops::Range<u32> = 40..160;

/// A server that runs in the background until it is dropped.
pub(crate) struct Feed {
    pub(crate) address: SocketAddr,
    /// Dropping a task cancels it, and this one owns all the connections.
    _accepting: Task<()>,
}

impl Feed {
    /// Listens on loopback, at a port that the system chooses. Waits until it does: there is no loop yet that ticks.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(rt: &Handle) -> Result<Self, BoxError> {
        let listener = rt.run(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).wait()?;
        let address = listener.local_addr()?;
        let connections = TaskGroup::new(rt);
        let accepting = rt.task().name("feed").spawn(move |_cx| async move {
            let mut rng = Rng::with_seed(1);
            let mut incoming = listener.incoming();
            while let Some(stream) = incoming.next().await {
                // After an error (no descriptor left) `next` waits a little by itself.
                let Ok(stream) = stream else { continue };
                let lines = rng.u32(LINES);
                let served = connections.task().name("feed to one").run(move |_cx| serve(stream, lines));
                // A client that goes away is its own business.
                served.detach();
            }
        });
        Ok(Self { address, _accepting: accepting })
    }
}

async fn serve(stream: TcpStream, lines: u32) -> io::Result<()> {
    for line in 1..=lines {
        stream.write_all(format!("{line} of {lines}\n").as_bytes()).await?;
        sleep(PAUSE).await;
    }
    stream.write_all(b"broken o").await
}
