//! What does a tick cost that finds nothing to do, and nothing to wait for?

use super::{Scale, frames};
use crate::measure::{Against, Case, Peer, Unit};
use crate::peers::current_thread;
use async_executor::LocalExecutor;
use futures::executor::LocalPool;
use offtick::net::UdpSocket;
use offtick::{LocalBuilder, LocalRuntime};
use std::future::pending;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(10_000_000), scale.of(500_000));
    let ours = LocalRuntime::new().expect("offtick starts");
    let told = LocalBuilder::new().on_wake(|| {}).build().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let without_io = current_thread().enable_time().build().expect("tokio starts");
    let executor = LocalExecutor::new();
    let mut pool = LocalPool::new();
    let online = LocalRuntime::new().expect("offtick starts");
    let socket = async {
        let _socket = UdpSocket::bind("127.0.0.1:0").await.expect("the loopback has a port");
        pending::<()>().await;
    };
    online.spawn(socket).detach();
    let case = Case::new("tick_empty", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || frames::ticks(many, &ours)))
        .peer(Peer::ours("offtick, on_wake", move || frames::ticks(many, &told)))
        .peer(
            Peer::ours("offtick, an idle socket", move || frames::ticks(few, &online)).note("looks at the system's poll"),
        )
        .peer(
            Peer::rival("tokio block_on(yield_now)", move || frames::yields(few, &tokio))
                .note("looks at the system's poll"),
        )
        .peer(Peer::rival("tokio block_on(yield_now), no I/O", move || frames::yields(few, &without_io)))
        .peer(Peer::rival("LocalExecutor::try_tick", move || frames::each(many, || assert!(!executor.try_tick()))))
        .peer(Peer::rival("LocalPool::run_until_stalled", move || frames::each(many, || pool.run_until_stalled())))
        .goal("offtick", Against::Figure(20.0), 1.0)
        .goal("offtick, on_wake", Against::Figure(20.0), 1.0)
        .goal("offtick, an idle socket", Against::Peer("tokio block_on(yield_now)"), 1.0);
    vec![case]
}
