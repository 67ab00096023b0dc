//! How many requests a second does a server echo over 1 and over 64 connections, and what CPU time does it take for each?

use super::{Scale, served};
use crate::measure::{Against, Case};
use crate::net::Traffic;

const MESSAGE: usize = 100;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    [(1, scale.of(20_000)), (64, scale.of(200_000))]
        .into_iter()
        .flat_map(|(connections, requests)| {
            let peers = [
                ("offtick", "offtick-echo"),
                ("offtick LocalRuntime", "offtick-local-echo"),
                ("tokio current_thread", "tokio-echo"),
                ("smol", "smol-echo"),
                ("FLOOR: mio loop", "mio-echo"),
            ];
            let (names, latency) = if connections == 1 {
                (["tcp_echo/1/requests", "tcp_echo/1/server_cpu"], "tcp_echo/1/latency")
            } else {
                (["tcp_echo/64/requests", "tcp_echo/64/server_cpu"], "tcp_echo/64/latency")
            };
            let [rate, cpu] = served::cases(names, &peers, Traffic::Echo(MESSAGE), connections, requests);
            let latency = served::latency(latency, &peers, Traffic::Echo(MESSAGE), connections, requests / 4);
            [
                rate,
                latency,
                cpu.goal("offtick", Against::Peer("tokio current_thread"), 0.95).goal(
                    "offtick",
                    Against::Peer("FLOOR: mio loop"),
                    1.05,
                ),
            ]
        })
        .collect()
}
