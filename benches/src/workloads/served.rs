//! The cases of one service: requests a second as its client sees them, and CPU time of the server for each request.

use crate::measure::{Case, Peer, Sample, Unit};
use crate::net::{Load, Server, Traffic, wrk};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Requests that `wrk` is expected to have answered in a second: it runs for a time, not for a number of them.
const EXPECTED: usize = 150_000;

/// A server that runs, and who loads it.
struct Station {
    server: Server,
    load: Driver,
}

enum Driver {
    /// The loop of this suite, with its connections.
    Own(Load),
    /// `wrk`, over so many connections.
    Wrk(usize),
}

/// `peers`: the name in the table, and that of the server.
pub(super) fn cases(
    names: [&'static str; 2],
    peers: &[(&'static str, &'static str)],
    traffic: Traffic,
    connections: usize,
    requests: usize,
) -> [Case; 2] {
    let mut rate = Case::new(names[0], Unit::ThousandPerSecond);
    let mut cpu = Case::new(names[1], Unit::Microseconds);
    let by_wrk = matches!(traffic, Traffic::Http) && wrk::is_installed();
    let note = match traffic {
        Traffic::Http if by_wrk => "load by wrk",
        Traffic::Http => "load by a loop of the suite: wrk is not installed",
        Traffic::Echo(_) => "",
    };
    for &(name, server) in peers {
        let server = Server::start(server).expect("the server starts");
        let own = || Load::open(server.address, connections, traffic).expect("it accepts");
        let load = if by_wrk { Driver::Wrk(connections) } else { Driver::Own(own()) };
        let station = Rc::new(RefCell::new(Station { server, load }));
        let theirs = Rc::clone(&station);
        rate = rate.peer(peer(name, move || station.borrow_mut().serve(requests).0).note(note));
        cpu = cpu.peer(peer(name, move || theirs.borrow_mut().serve(requests).1).note(note));
    }
    [rate, cpu]
}

fn peer(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Peer {
    match name {
        ours if ours.starts_with("offtick") => Peer::ours(ours, run),
        floor if floor.starts_with("FLOOR") => Peer::floor(name, run),
        rival => Peer::rival(rival, run),
    }
}

impl Station {
    /// Time a request, and CPU time of the server for a request.
    fn serve(&mut self, requests: usize) -> (Sample, Sample) {
        let before = self.server.cpu();
        let (requests, wall) = match &mut self.load {
            Driver::Own(load) => {
                let start = Instant::now();
                load.run(requests).expect("the server answers");
                (requests, start.elapsed())
            }
            Driver::Wrk(connections) => {
                let seconds = requests.div_ceil(EXPECTED) as u64;
                wrk::run(self.server.address, *connections, seconds).expect("the server answers")
            }
        };
        let cpu = self.server.cpu().saturating_sub(before);
        let each = |time: Duration| Sample::number(time.as_secs_f64() / requests as f64);
        (each(wall), each(cpu))
    }
}
