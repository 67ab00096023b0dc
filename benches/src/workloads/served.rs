//! The cases of one service: requests a second as its client sees them, CPU time of the server for each request, and how
//! long a request takes.

use crate::measure::{Case, Peer, Sample, Unit};
use crate::net::{Load, Server, Traffic, wrk};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

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

/// Requests a second, with the CPU time of the server beside them, and that CPU time. `peers`: the name in the table, and
/// that of the server.
pub(super) fn cases(
    names: [&'static str; 2],
    peers: &[(&'static str, &'static str)],
    traffic: Traffic,
    connections: usize,
    requests: usize,
) -> [Case; 2] {
    let mut rate = Case::new(names[0], Unit::ThousandPerSecond);
    let mut cpu = Case::new(names[1], Unit::Microseconds);
    let note = load_of(traffic);
    for &(name, server) in peers {
        let station = Rc::new(RefCell::new(Station::open(server, traffic, connections)));
        let theirs = Rc::clone(&station);
        rate = rate.peer(peer(name, move || station.borrow_mut().serve(requests).0).note(note));
        cpu = cpu.peer(peer(name, move || theirs.borrow_mut().serve(requests).1).note(note));
    }
    [rate, cpu]
}

/// From the request to its answer, as the client sees it, with every connection asking again at once.
pub(super) fn latency(
    name: &'static str,
    peers: &[(&'static str, &'static str)],
    traffic: Traffic,
    connections: usize,
    requests: usize,
) -> Case {
    peers.iter().fold(Case::new(name, Unit::Microseconds), |case, &(name, server)| {
        let mut station = Station::open(server, traffic, connections);
        case.peer(peer(name, move || station.latency(requests)).note(load_of(traffic)))
    })
}

/// Who loads the server.
fn load_of(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Http if wrk::is_installed() => "load by wrk",
        Traffic::Http => "load by a loop of the suite: wrk is not installed",
        Traffic::Echo(_) => "",
    }
}

fn peer(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Peer {
    match name {
        ours if ours.starts_with("offtick") => Peer::ours(ours, run),
        floor if floor.starts_with("FLOOR") => Peer::floor(name, run),
        rival => Peer::rival(rival, run),
    }
}

impl Station {
    fn open(server: &str, traffic: Traffic, connections: usize) -> Self {
        let server = Server::start(server).expect("the server starts");
        let load = if matches!(traffic, Traffic::Http) && wrk::is_installed() {
            Driver::Wrk(connections)
        } else {
            Driver::Own(Load::open(server.address, connections, traffic).expect("it accepts"))
        };
        Self { server, load }
    }

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
                let seen = whole_seconds(&self.server, *connections, requests);
                (seen.requests, seen.wall)
            }
        };
        let cpu = self.server.cpu().saturating_sub(before).as_secs_f64() / requests as f64;
        let wall = wall.as_secs_f64() / requests as f64;
        (Sample::number(wall).with_cpu(cpu), Sample::number(cpu).with_cpu(cpu))
    }

    /// The median time of a request and its tail, with the CPU time of the server.
    fn latency(&mut self, requests: usize) -> Sample {
        let before = self.server.cpu();
        let (sample, requests) = match &mut self.load {
            Driver::Own(load) => {
                let times = load.times(requests).expect("the server answers");
                (Sample::median(times, 1), requests)
            }
            Driver::Wrk(connections) => {
                let seen = whole_seconds(&self.server, *connections, requests);
                (Sample::number(seen.median.as_secs_f64()).with_p99(seen.p99.as_secs_f64()), seen.requests)
            }
        };
        sample.with_cpu(self.server.cpu().saturating_sub(before).as_secs_f64() / requests as f64)
    }
}

fn whole_seconds(server: &Server, connections: usize, requests: usize) -> wrk::Seen {
    wrk::run(server.address, connections, requests.div_ceil(EXPECTED) as u64).expect("the server answers")
}
