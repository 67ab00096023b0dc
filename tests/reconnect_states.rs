//! Reconnecting streams: their states, from the first try to the last, under a manual clock.
#![cfg(feature = "net")]

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::{HANG, Latch, OnDrop, Tally, block_on, quiet_planned_panics, reactor_thread, until};
use offtick::net::Reconnecting;
use offtick::net::reconnect::{AtEnd, CloseReason, Fresh, ReadError, ReconnectBuilder, State, Unsent, UnsentReason};
use offtick::retry::StopReason;
use offtick::time::{Clock, ManualClock};
use offtick::{BuildError, Builder, RetryPolicy, Runtime, Task};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::{End, Network, Plan, Wire};

const SECOND: Duration = Duration::from_secs(1);

/// A runtime whose time stands still.
fn still() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    (rt, clock)
}

/// A second between tries, and every connection holds.
fn link(network: &Network) -> ReconnectBuilder<End> {
    let network = network.clone();
    Reconnecting::builder(async move || network.connect().await)
        .policy(RetryPolicy::fixed(SECOND).max_attempts(100))
        .stable_after(Duration::ZERO)
}

/// All that a stream has told.
#[derive(Default)]
struct Log {
    told: Vec<String>,
    /// Of the losses that were not passed yet.
    waits: VecDeque<Duration>,
}

impl Log {
    fn pull(&mut self, link: &Reconnecting<End>) {
        for state in link.events() {
            self.told.push(state.to_string());
            if let State::Lost { wait, .. } = state {
                self.waits.push_back(wait);
            }
        }
    }

    /// As text, since the last call. The state can be seen a moment before it is told.
    #[track_caller]
    fn told(&mut self, link: &Reconnecting<End>) -> Vec<String> {
        until(|| {
            self.pull(link);
            self.told.last() == Some(&link.state().to_string())
        });
        std::mem::take(&mut self.told)
    }

    /// Waits for the next loss, says how long the wait is, and moves on to its end.
    #[track_caller]
    fn pass(&mut self, link: &Reconnecting<End>, clock: &ManualClock) -> Duration {
        until(|| {
            self.pull(link);
            !self.waits.is_empty()
        });
        let wait = self.waits.pop_front().expect("it was lost");
        clock.advance(wait);
        wait
    }
}

/// Nothing that was made ready before is ready any more.
fn settle(rt: &Runtime) {
    for _ in 0..3 {
        reactor_thread(rt.handle());
    }
}

#[track_caller]
fn connected(link: &Reconnecting<End>) {
    until(|| link.state().is_connected());
}

#[track_caller]
fn closed(link: &Reconnecting<End>) -> CloseReason {
    until(|| link.state().is_closed());
    block_on(link.closed())
}

#[track_caller]
fn over<T>(mut task: Task<T>) -> T {
    task.wait_timeout(HANG).expect("the task ends").expect("the task ends well")
}

#[test]
fn it_connects_by_the_policy_and_tells_of_it() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let network = Network::new([Plan::Refuse("one"), Plan::Refuse("two"), Plan::Refuse("three")]);
    let policy = RetryPolicy::exponential(SECOND).max_attempts(9).max_delay(3 * SECOND);
    let link = link(&network).policy(policy).open_on(&rt).expect("valid settings");
    for (tries, wait) in [(1, 1), (2, 2), (3, 3)] {
        until(|| matches!(link.state(), State::Lost { .. }));
        assert_eq!(network.tries(), tries);
        // Not a moment too soon.
        clock.advance(wait * SECOND - Duration::from_nanos(1));
        settle(&rt);
        assert!(matches!(link.state(), State::Lost { .. }));
        clock.advance(Duration::from_nanos(1));
        until(|| !matches!(link.state(), State::Lost { .. }) || network.tries() > tries);
    }
    let wire = network.wire();
    connected(&link);
    assert_eq!(
        log.told(&link),
        [
            "connecting, attempt 1",
            "lost: one; next attempt in 1s",
            "connecting, attempt 2",
            "lost: two; next attempt in 2s",
            "connecting, attempt 3",
            "lost: three; next attempt in 3s",
            "connecting, attempt 4",
            "connected",
        ]
    );
    // A connection that held: the first try is made at once, and counts from the beginning.
    log.waits.clear();
    let next = network.wire();
    wire.fail(ErrorKind::ConnectionReset);
    until(|| network.tries() == 5);
    connected(&link);
    assert_eq!(log.pass(&link, &clock), Duration::ZERO);
    assert_eq!(log.told(&link), ["lost: connection reset; next attempt in 0ns", "connecting, attempt 1", "connected"]);
    // So does the end of the peer's bytes, if nothing else was said.
    network.plan(Plan::Refuse("down"));
    next.end();
    assert_eq!(log.pass(&link, &clock), Duration::ZERO);
    assert_eq!(log.pass(&link, &clock), SECOND);
    until(|| matches!(link.state(), State::Connecting { attempt: 2, .. }));
    assert_eq!(
        log.told(&link),
        [
            "lost: the peer ended the connection; next attempt in 0ns",
            "connecting, attempt 1",
            "lost: down; next attempt in 1s",
            "connecting, attempt 2",
        ]
    );
    assert!(rt.take_update(), "a host hears of it");
}

#[test]
fn when_it_gives_up_everyone_hears_how_often_it_tried_and_why_it_failed() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let network = Network::new([Plan::Refuse("one"), Plan::Refuse("two"), Plan::Refuse("three")]);
    let policy = RetryPolicy::fixed(SECOND).max_attempts(3);
    let link = Arc::new(link(&network).policy(policy).open_on(&rt).expect("valid settings"));
    let reader = rt.spawn({
        let link = Arc::clone(&link);
        async move { link.read_line().await }
    });
    let (waiter, writer) = (rt.spawn(link.connected()), rt.spawn(link.send("hello")));
    log.pass(&link, &clock);
    log.pass(&link, &clock);
    let CloseReason::GaveUp(error) = closed(&link) else { panic!("{:?}", link.state()) };
    assert_eq!((error.attempts(), error.elapsed(), error.reason()), (3, 2 * SECOND, &StopReason::Attempts));
    assert_eq!(error.last_failure().map(io::Error::kind), Some(ErrorKind::ConnectionRefused));
    let text = "gave up connecting: all 3 attempts failed: three";
    assert_eq!(common::chain(&over(reader).expect_err("closed")), format!("the stream is closed: {text}"));
    assert_eq!(common::chain(&over(waiter).expect_err("closed")), text);
    let unsent = over(writer).expect_err("closed");
    assert_eq!(
        common::chain(&unsent),
        format!("0 of 5 bytes were handed to the connection: the stream is closed: {text}")
    );
    assert_eq!(unsent.into_rest(), b"hello");
    assert_eq!(log.told(&link).last().map(String::as_str), Some(&*format!("closed: {text}")));
    // What comes later is refused at once.
    let late = block_on(link.write_all("late")).expect_err("closed");
    assert!(matches!(late.reason(), UnsentReason::Closed(CloseReason::GaveUp(_))));
    assert!(matches!(link.try_read_line(), Err(ReadError::Closed(CloseReason::GaveUp(_)))));
}

#[test]
fn errors_that_are_not_to_be_retried_are_not() {
    let (rt, _clock) = still();
    let network = Network::new([Plan::Refuse("locked out")]);
    let policy = RetryPolicy::fixed(SECOND)
        .max_attempts(9)
        .retry_if(|error: &io::Error| error.kind() != ErrorKind::ConnectionRefused);
    let link = link(&network).policy(policy).open_on(&rt).expect("valid settings");
    let CloseReason::GaveUp(error) = closed(&link) else { panic!("{:?}", link.state()) };
    assert_eq!((error.attempts(), error.reason()), (1, &StopReason::NotRetryable));
}

#[test]
fn a_try_has_a_limit_in_time_and_its_handshake_is_a_part_of_it() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let policy = RetryPolicy::fixed(SECOND).max_attempts(9).attempt_timeout(5 * SECOND);
    let network = Network::new([Plan::Silence]);
    let drops = Tally::new();
    let counted = drops.clone();
    let link = link(&network)
        .policy(policy)
        .handshake(async move |fresh: &mut Fresh<End>| {
            let drops = counted.clone();
            let _left = OnDrop::new(move || drops.note());
            fresh.read_line().await.map(drop)
        })
        .open_on(&rt)
        .expect("valid settings");
    until(|| network.tries() == 1);
    let mute = network.wire();
    for tries in [1, 2] {
        until(|| network.tries() == tries);
        clock.advance(5 * SECOND - Duration::from_nanos(1));
        settle(&rt);
        assert!(matches!(link.state(), State::Connecting { .. }), "{}", link.state());
        clock.advance(Duration::from_nanos(1));
        log.pass(&link, &clock);
    }
    assert!(mute.is_dropped());
    assert_eq!(drops.count(), 1, "the handshake was dropped where it waited");
    let wire = network.wire();
    wire.deliver("welcome\n");
    connected(&link);
    assert_eq!(
        log.told(&link),
        [
            "connecting, attempt 1",
            "lost: the attempt timed out after 5s; next attempt in 1s",
            "connecting, attempt 2",
            "lost: the attempt timed out after 5s; next attempt in 1s",
            "connecting, attempt 3",
            "connected",
        ]
    );
}

#[test]
fn a_handshake_comes_before_everything_else_on_each_connection() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let network = Network::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    let link = link(&network)
        .handshake(async move |fresh: &mut Fresh<End>| {
            let partial = String::from_utf8(fresh.take_partial(b'\n')).expect("text");
            seeing.lock().unwrap().push((fresh.number(), fresh.attempt(), partial));
            fresh.write_all(b"login\n").await?;
            match &*fresh.read_line().await? {
                "welcome\n" => Ok(()),
                other => Err(io::Error::other(other.trim().to_owned())),
            }
        })
        .open_on(&rt)
        .expect("valid settings");
    let message = rt.spawn(link.send("message\n"));
    let bad = network.wire();
    bad.deliver("no\nnever read\n");
    let good = network.wire();
    assert_eq!(log.pass(&link, &clock), SECOND);
    assert!(bad.is_dropped());
    until(|| good.written() == "login\n");
    settle(&rt);
    assert!(!link.state().is_connected(), "not before the answer");
    assert_eq!(good.written(), "login\n");
    // What comes in one packet with the answer is not lost.
    good.deliver("welcome\nfirst\nseco");
    over(message).expect("it is sent");
    assert_eq!(good.written(), "login\nmessage\n");
    assert_eq!(block_on(link.read_line()).expect("a line"), "first\n");
    until(|| link.unread() == 4);
    let next = network.wire();
    next.deliver("welcome\n");
    good.end();
    until(|| next.written() == "login\n");
    next.deliver("third\n");
    assert_eq!(block_on(link.read_line()).expect("a line"), "third\n");
    let expected = [(1, 1, ""), (1, 2, ""), (2, 1, "seco")].map(|(n, a, p)| (n, a, p.to_owned()));
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(
        log.told(&link),
        [
            "connecting, attempt 1",
            "lost: no; next attempt in 1s",
            "connecting, attempt 2",
            "connected",
            "lost: the peer ended the connection; next attempt in 0ns",
            "connecting, attempt 1",
            "connected",
        ]
    );
}

#[test]
fn a_connection_that_did_not_hold_counts_as_a_failed_try() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let network = Network::default();
    let policy = RetryPolicy::exponential(SECOND).max_attempts(3);
    let link = link(&network).policy(policy).stable_after(10 * SECOND).open_on(&rt).expect("valid settings");
    let short = || {
        let wire = network.wire();
        connected(&link);
        wire
    };
    short().end();
    assert_eq!(log.pass(&link, &clock), SECOND);
    let wire = short();
    clock.advance(10 * SECOND - Duration::from_nanos(1));
    wire.end();
    assert_eq!(log.pass(&link, &clock), 2 * SECOND);
    // This one holds, and the count begins anew.
    let wire = short();
    clock.advance(10 * SECOND);
    wire.end();
    assert_eq!(log.pass(&link, &clock), Duration::ZERO);
    short().end();
    assert_eq!(log.pass(&link, &clock), SECOND);
    short().end();
    assert_eq!(log.pass(&link, &clock), 2 * SECOND);
    short().fail(ErrorKind::ConnectionReset);
    let CloseReason::GaveUp(error) = closed(&link) else { panic!("{:?}", link.state()) };
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.last_failure().map(io::Error::kind), Some(ErrorKind::ConnectionReset));
}

#[test]
fn another_connection_can_be_asked_for() {
    let (rt, _clock) = still();
    let network = Network::new([Plan::Refuse("down")]);
    let link = link(&network).stable_after(SECOND).open_on(&rt).expect("valid settings");
    until(|| matches!(link.state(), State::Lost { .. }));
    let first = network.wire();
    // Time stands still.
    link.reconnect();
    connected(&link);
    let second = network.wire();
    link.reconnect();
    until(|| first.is_dropped() && network.tries() == 3);
    connected(&link);
    let third = network.wire();
    settle(&rt);
    assert!(!second.is_dropped() && network.tries() == 3, "once is once");
    second.end();
    until(|| matches!(link.state(), State::Lost { .. }));
    link.reconnect();
    connected(&link);
    third.end();
    until(|| second.is_dropped() && third.is_dropped());
    // While a try is under way there is nothing to give up.
    link.reconnect();
    until(|| matches!(link.state(), State::Connecting { .. }));
    link.reconnect();
    let fourth = network.wire();
    connected(&link);
    settle(&rt);
    assert!(!fourth.is_dropped());
    assert_eq!(
        Log::default().told(&link)[..7],
        [
            "connecting, attempt 1",
            "lost: down; next attempt in 1s",
            "connecting, attempt 2",
            "connected",
            "lost: given up by this program, for another connection; next attempt in 0ns",
            "connecting, attempt 1",
            "connected",
        ]
    );
}

/// Where a stream stands when it is closed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Connecting,
    Connected,
    Writing,
    Waiting,
}

#[test]
fn a_close_wakes_everyone_wherever_the_stream_stands() {
    for when in [When::Connecting, When::Connected, When::Writing, When::Waiting] {
        for drops in [false, true] {
            let (rt, _clock) = still();
            let wire = Wire::default();
            if when == When::Writing {
                wire.allow(2);
            }
            let network = Network::new([match when {
                When::Connecting => Plan::Silence,
                When::Waiting => Plan::Refuse("down"),
                When::Connected | When::Writing => Plan::Accept(wire.clone()),
            }]);
            let link = link(&network).open_on(&rt).expect("valid settings");
            until(|| match (when, link.state()) {
                (When::Connecting, _) => network.tries() == 1,
                (When::Waiting, state) => matches!(state, State::Lost { .. }),
                (_, state) => state.is_connected(),
            });
            let link = Arc::new(link);
            let readers: Vec<_> = (0..3)
                .filter(|_| !drops)
                .map(|_| {
                    let link = Arc::clone(&link);
                    rt.spawn(async move { link.read_line().await })
                })
                .collect();
            let end = rt.spawn(link.closed());
            let waiters: Vec<_> = (0..3).map(|_| rt.spawn(link.connected())).collect();
            let held = (when == When::Writing).then(|| rt.spawn(link.write_all("four")));
            until(|| held.is_none() || wire.written() == "fo");
            let stuck = matches!(when, When::Connecting | When::Writing | When::Waiting);
            let writers: Vec<_> = (0..3).filter(|_| stuck).map(|_| rt.spawn(link.send("message"))).collect();
            until(|| link.waiting_writes() == writers.len());
            settle(&rt);
            if drops {
                drop(link);
            } else {
                link.close();
                assert!(matches!(link.state(), State::Closed(CloseReason::Requested)));
                assert!(matches!(link.try_read(&mut [0]), Err(ReadError::Closed(CloseReason::Requested))));
                link.reconnect();
                link.close();
                settle(&rt);
                let told = Log::default().told(&link);
                assert_eq!(told.last().map(String::as_str), Some("closed: closed by this program"));
                assert_eq!(told.iter().filter(|told| told.starts_with("closed")).count(), 1);
            }
            assert!(matches!(over(end), CloseReason::Requested));
            for reader in readers {
                assert!(matches!(over(reader), Err(ReadError::Closed(CloseReason::Requested))), "{when:?}");
            }
            let connected = matches!(when, When::Connected | When::Writing);
            for waiter in waiters {
                assert_eq!(over(waiter).is_ok(), connected, "{when:?}");
            }
            if let Some(held) = held {
                let unsent = over(held).expect_err("closed");
                assert_eq!((unsent.handed_over(), unsent.rest()), (2, &b"ur"[..]));
                assert!(matches!(unsent.reason(), UnsentReason::Closed(CloseReason::Requested)));
            }
            for writer in writers {
                let unsent = over(writer).expect_err("closed");
                assert_eq!((unsent.handed_over(), unsent.rest()), (0, &b"message"[..]));
            }
            if connected {
                until(|| wire.is_dropped());
                assert!(wire.is_closed(), "with a good-bye");
            }
            until(|| rt.metrics().alive == 0);
        }
    }
}

#[test]
fn a_good_bye_takes_a_second_at_most() {
    let (rt, clock) = still();
    let network = Network::default();
    let wire = network.wire();
    wire.hold_close();
    wire.allow(2);
    let link = link(&network).open_on(&rt).expect("valid settings");
    connected(&link);
    let write = rt.spawn(link.write_all("four"));
    until(|| wire.written() == "fo");
    drop(link);
    assert_eq!(over(write).expect_err("closed").rest(), b"ur", "it waits for no good-bye");
    until(|| wire.is_closed() && rt.metrics().timers == 1);
    clock.advance(SECOND - Duration::from_nanos(1));
    settle(&rt);
    assert!(!wire.is_dropped());
    clock.advance(Duration::from_nanos(1));
    until(|| wire.is_dropped() && rt.metrics().alive == 0);
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_the_stream() {
    let (rt, _clock) = still();
    let network = Network::default();
    let wire = network.wire();
    wire.allow(2);
    let link = link(&network).open_on(&rt).expect("valid settings");
    connected(&link);
    let other = Runtime::new().expect("a runtime");
    let (held, waits) = (other.spawn(link.send("four")), other.spawn(link.write_all("message")));
    until(|| wire.written() == "fo" && link.waiting_writes() == 1);
    let handle = rt.handle().clone();
    drop(rt);
    assert!(matches!(closed(&link), CloseReason::RuntimeGone));
    let unsent: Unsent = over(held).expect_err("closed");
    assert_eq!((unsent.handed_over(), unsent.rest()), (2, &b"ur"[..]));
    assert!(matches!(unsent.reason(), UnsentReason::Closed(CloseReason::RuntimeGone)));
    assert_eq!(over(waits).expect_err("closed").into_all(), b"message");
    assert!(wire.is_dropped());
    // Opened too late, it was never open.
    let late = self::link(&network).open_on(&handle).expect("valid settings");
    assert!(matches!(late.state(), State::Closed(CloseReason::RuntimeGone)));
    assert!(block_on(late.connected()).is_err());
}

#[test]
fn a_panic_of_the_connector_or_of_a_connection_closes_the_stream() {
    quiet_planned_panics();
    let (rt, _clock) = still();
    let link = link(&Network::new([Plan::Panic])).open_on(&rt).expect("valid settings");
    assert!(matches!(closed(&link), CloseReason::Panicked));

    let network = Network::default();
    let wire = network.wire();
    wire.allow(2);
    let link = self::link(&network).open_on(&rt).expect("valid settings");
    let write = rt.spawn(link.write_all("four"));
    until(|| wire.written() == "fo");
    wire.panic();
    assert!(matches!(closed(&link), CloseReason::Panicked));
    assert_eq!(over(write).expect_err("closed").rest(), b"ur");
    assert_eq!(Log::default().told(&link).last().map(|told| told.starts_with("closed: ")), Some(true));
}

#[test]
fn the_end_of_the_peers_bytes_may_be_the_end() {
    let (rt, _clock) = still();
    let network = Network::default();
    let wire = network.wire();
    let link = link(&network).at_end(AtEnd::Close).open_on(&rt).expect("valid settings");
    wire.deliver("one\ntw");
    until(|| wire.is_empty());
    wire.end();
    assert!(matches!(closed(&link), CloseReason::Ended));
    // What had arrived can be read; then it is an error.
    assert_eq!(block_on(link.read_line()).expect("a line"), "one\n");
    assert!(matches!(block_on(link.read_line()), Err(ReadError::Closed(CloseReason::Ended))));
    let mut rest = [0; 8];
    assert_eq!(link.try_read(&mut rest).expect("the rest"), Some(2));
    assert!(matches!(link.try_read(&mut rest), Err(ReadError::Closed(CloseReason::Ended))));
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_tried() {
    let (rt, _clock) = still();
    let network = Network::default();
    let invalid = |built: Result<Reconnecting<End>, BuildError>| match built.expect_err("refused") {
        BuildError::Invalid(error) => error.setting(),
        other => panic!("{other}"),
    };
    assert_eq!(invalid(link(&network).policy(RetryPolicy::none().max_attempts(0)).open_on(&rt)), "max_attempts");
    assert_eq!(invalid(link(&network).read_limit(0).open_on(&rt)), "read_limit");
    assert_eq!(invalid(link(&network).write_queue(0).open_on(&rt)), "write_queue");
    assert_eq!(invalid(link(&network).event_capacity(0).open_on(&rt)), "event_capacity");
    assert_eq!(invalid(link(&network).event_capacity(usize::MAX).open_on(&rt)), "event_capacity");
    settle(&rt);
    assert_eq!(network.tries(), 0);
}

#[test]
fn events_that_nobody_reads_are_bounded_and_counted() {
    let (rt, clock) = still();
    let mut log = Log::default();
    let network = Network::new((0..10).map(|_| Plan::Refuse("down")));
    let link = link(&network).event_capacity(3).open_on(&rt).expect("valid settings");
    for tries in 1..=10 {
        until(|| network.tries() == tries && matches!(link.state(), State::Lost { .. }));
        clock.advance(SECOND);
    }
    let _last = network.wire();
    connected(&link);
    assert_eq!(log.told(&link), ["lost: down; next attempt in 1s", "connecting, attempt 11", "connected"]);
    assert_eq!(link.events_dropped(), 19);
}

#[test]
fn a_connector_that_fails_at_once_without_a_wait_leaves_others_their_turn() {
    let (rt, _clock) = still();
    let tries = Tally::new();
    let trying = tries.clone();
    let link: Reconnecting<End> = Reconnecting::builder(async move || {
        trying.note();
        Err(io::Error::other("never"))
    })
    .policy(RetryPolicy::none().max_attempts(u32::MAX))
    .open_on(&rt)
    .expect("valid settings");
    tries.wait_for(100);
    reactor_thread(rt.handle());
    // Nor does one whose connections are lost at once.
    drop(link);
    let lost = Tally::new();
    let losing = lost.clone();
    let link = Reconnecting::builder(async move || {
        losing.note();
        let (network, wire) = (Network::default(), Wire::default());
        wire.end();
        network.plan(Plan::Accept(wire));
        network.connect().await
    })
    .stable_after(Duration::ZERO)
    .open_on(&rt)
    .expect("valid settings");
    lost.wait_for(100);
    reactor_thread(rt.handle());
    drop(link);
    until(|| rt.metrics().alive == 0);
}

#[test]
fn those_who_wait_for_a_connection_may_stop_waiting() {
    let (rt, _clock) = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let gone = Latch::new();
    let opens = gone.clone();
    let mut waiting = link.connected();
    let given_up = rt.spawn({
        let waiting = link.connected();
        async move {
            let _gone = OnDrop::new(move || opens.open());
            waiting.await
        }
    });
    assert!(common::poll_once(&mut waiting).is_pending());
    settle(&rt);
    drop(given_up);
    gone.wait();
    let _wire = network.wire();
    assert!(block_on(waiting).is_ok(), "it was polled with another waker before");
    assert!(block_on(link.connected()).is_ok());
}

#[test]
fn it_may_be_shared_whatever_its_connections_are() {
    fn shared<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    fn future<T: Future<Output = Result<(), Unsent>> + Send + Unpin + 'static>() {}
    shared::<Reconnecting<std::rc::Rc<std::cell::Cell<u8>>>>();
    shared::<State>();
    error::<CloseReason>();
    error::<ReadError>();
    error::<Unsent>();
    error::<UnsentReason>();
    future::<offtick::net::reconnect::Writing>();
}
