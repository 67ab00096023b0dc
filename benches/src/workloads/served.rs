//! The cases of one service: requests a second as its client sees them, and CPU time of the server for each request.

use crate::measure::{Case, Peer, Sample, Unit, Watch};
use crate::net::{Load, Server, Traffic};
use std::cell::RefCell;
use std::rc::Rc;

/// A server that runs, and the connections to it.
struct Station {
    server: Server,
    load: Load,
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
    for &(name, server) in peers {
        let server = Server::start(server).expect("the server starts");
        let load = Load::open(server.address, connections, traffic).expect("it accepts");
        let station = Rc::new(RefCell::new(Station { server, load }));
        let theirs = Rc::clone(&station);
        rate = rate.peer(peer(name, move || station.borrow_mut().serve(requests).0));
        cpu = cpu.peer(peer(name, move || theirs.borrow_mut().serve(requests).1));
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
        let watch = Watch::start();
        self.load.run(requests).expect("the server answers");
        let rate = watch.stop_beside(requests);
        let cpu = self.server.cpu().saturating_sub(before);
        (rate, Sample::number(cpu.as_secs_f64() / requests as f64))
    }
}
