//! How many greetings a second does hyper serve over 64 connections, and what CPU time does it take for each?

use super::{Scale, served};
use crate::measure::{Against, Case};
use crate::net::Traffic;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let peers =
        [("offtick", "offtick-hyper"), ("tokio current_thread", "tokio-hyper"), ("FLOOR: mio loop", "mio-hello")];
    let names = ["hyper_hello/requests", "hyper_hello/server_cpu"];
    let [rate, cpu] = served::cases(names, &peers, Traffic::Http, 64, scale.of(150_000));
    let latency = served::latency("hyper_hello/latency", &peers, Traffic::Http, 64, scale.of(100_000));
    vec![rate, latency, cpu.goal("offtick", Against::Peer("tokio current_thread"), 0.95)]
}
