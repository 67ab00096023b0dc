//! Reconnecting streams: which bytes arrive, which wait, and which come back, over connections that follow a script.
#![cfg(feature = "net")]

mod common;
#[path = "common/wire.rs"]
mod wire;

use common::{CountedWaker, HANG, block_on, poll_once, reactor_thread, until};
use offtick::net::Reconnecting;
use offtick::net::reconnect::{Connection, ReadError, ReconnectBuilder, Unsent, UnsentReason};
use offtick::time::Clock;
use offtick::{Builder, RetryPolicy, Runtime, Task};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use wire::{End, Network, Plan, Wire};

/// A runtime whose time stands still.
fn still() -> Runtime {
    Builder::new().clock(Clock::manual()).build().expect("a runtime is built")
}

/// Connects again at once.
fn link(network: &Network) -> ReconnectBuilder<End> {
    let network = network.clone();
    Reconnecting::builder(async move || network.connect().await)
        .policy(RetryPolicy::none().max_attempts(100))
        .stable_after(Duration::ZERO)
}

/// Everything that was made ready before has had its turn.
fn settle(rt: &Runtime) {
    for _ in 0..3 {
        reactor_thread(rt.handle());
    }
}

#[track_caller]
fn over<T>(mut task: Task<T>) -> T {
    task.wait_timeout(HANG).expect("the task ends").expect("the task ends well")
}

#[track_caller]
fn lost(unsent: &Unsent) -> ErrorKind {
    match unsent.reason() {
        UnsentReason::Lost(error) => error.kind(),
        reason => panic!("{reason}"),
    }
}

#[test]
fn reads_go_on_across_losses_in_the_middle_of_what_they_read() {
    let rt = still();
    let network = Network::default();
    let link = Arc::new(link(&network).open_on(&rt).expect("valid settings"));
    let reading = rt.spawn({
        let link = Arc::clone(&link);
        async move {
            let line = link.read_line().await?;
            let part = link.read_until(b';').await?;
            let mut exact = [0; 6];
            link.read_exact(&mut exact).await?;
            let mut some = [0; 9];
            let n = link.read(&mut some).await?;
            Ok::<_, ReadError>((line, part, exact, some[..n].to_vec()))
        }
    });
    for piece in ["on", "", "e\npa", "rt", ";exa", "ct", "some"] {
        let wire = network.wire();
        wire.deliver(piece);
        wire.end();
        until(|| wire.is_dropped());
    }
    let (line, part, exact, some) = over(reading).expect("it is read");
    assert_eq!((&*line, &*part, &exact, &*some), ("one\n", &b"part;"[..], b"exact\x73", &b"ome"[..]));
}

#[test]
fn reads_take_all_or_nothing_and_may_be_dropped_at_any_time() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let wire = network.wire();
    let (counted, waker) = CountedWaker::pair(None);
    let mut cx = Context::from_waker(&waker);
    {
        let (mut five, mut some) = ([0; 5], [0; 5]);
        let mut line = pin!(link.read_line());
        let mut exact = pin!(link.read_exact(&mut five));
        let mut read = pin!(link.read(&mut some));
        assert!(line.as_mut().poll(&mut cx).is_pending());
        assert!(exact.as_mut().poll(&mut cx).is_pending());
        assert!(read.as_mut().poll(&mut cx).is_pending());
        wire.deliver("ab");
        counted.wakes.wait_for(3);
        assert!(line.as_mut().poll(&mut cx).is_pending());
        assert!(exact.as_mut().poll(&mut cx).is_pending());
        // `read` was woken and is never polled again.
    }
    assert_eq!(link.unread(), 2);
    assert_eq!(link.try_read_line().expect("open"), None);
    wire.deliver("\n");
    until(|| link.unread() == 3);
    assert_eq!(counted.wakes.count(), 3, "nobody waits any more");
    assert_eq!(link.try_read_line().expect("open").as_deref(), Some("ab\n"));
    assert_eq!(link.try_read(&mut [0; 4]).expect("open"), None);
    assert_eq!(link.try_read(&mut []).expect("open"), Some(0));
}

#[test]
fn of_many_readers_each_line_goes_to_one() {
    let rt = still();
    let network = Network::default();
    let link = Arc::new(link(&network).open_on(&rt).expect("valid settings"));
    let got = Arc::new(Mutex::new(Vec::new()));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (link, got) = (Arc::clone(&link), Arc::clone(&got));
            rt.spawn(async move {
                while let Ok(line) = link.read_line().await {
                    got.lock().unwrap().push(line);
                }
            })
        })
        .collect();
    let mut expected = Vec::new();
    for number in 100..200 {
        let wire = network.wire();
        let line = format!("{number}\n");
        // Each connection ends in the middle of a line.
        wire.deliver(&line[2..]);
        wire.deliver(format!("x{line}{}", &line[..2]));
        wire.end();
        until(|| wire.is_dropped());
        expected.push(format!("x{line}"));
    }
    until(|| got.lock().unwrap().len() == 200);
    link.close();
    readers.into_iter().for_each(over);
    let mut got = got.lock().unwrap().clone();
    got.retain(|line| line.starts_with('x'));
    got.sort();
    assert_eq!(got, expected);
}

#[test]
fn what_is_too_long_stays_until_it_is_taken() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).read_limit(8).open_on(&rt).expect("valid settings");
    let wire = network.wire();
    wire.deliver("0123456789abcdef\nnext\n");
    let error = block_on(link.read_line()).expect_err("no end within eight");
    assert!(matches!(error, ReadError::TooLong { limit: 8, .. }), "{error}");
    assert!(matches!(link.try_read_line(), Err(ReadError::TooLong { limit: 8, .. })));
    assert!(matches!(block_on(link.read_exact(&mut [0; 9])), Err(ReadError::TooLong { limit: 8, .. })));
    // No more than that is received, and nothing is lost.
    settle(&rt);
    assert_eq!((link.unread(), wire.is_empty()), (8, false));
    let mut first = [0; 8];
    assert_eq!(block_on(link.read(&mut first)).expect("bytes"), 8);
    assert_eq!(&first, b"01234567");
    let mut second = [0; 8];
    block_on(link.read_exact(&mut second)).expect("bytes");
    assert_eq!(&second, b"89abcdef");
    assert_eq!(block_on(link.read_line()).expect("a line"), "\n");
    assert_eq!(block_on(link.read_line()).expect("a line"), "next\n");
    // A reader that needs more than is there makes room for itself, if it takes only a little.
    wire.deliver("abcdefgh");
    until(|| link.unread() == 8);
    wire.deliver("i;");
    assert_eq!(block_on(link.read(&mut [0; 2])).expect("bytes"), 2);
    assert_eq!(block_on(link.read_until(b';')).expect("up to it"), b"cdefghi;");
}

#[test]
fn a_line_that_is_not_text_is_given_back() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    network.wire().deliver(b"\xff\xfe\nok\n");
    let Err(ReadError::NotUtf8(error)) = block_on(link.read_line()) else { panic!("it is no text") };
    assert_eq!(error.into_bytes(), b"\xff\xfe\n");
    assert_eq!(block_on(link.read_line()).expect("a line"), "ok\n");
}

#[test]
fn writes_wait_for_a_connection_and_go_out_whole_in_their_order() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let writes: Vec<_> = ["one", "two", "", "three"]
        .iter()
        .map(|text| {
            let write = rt.spawn(link.write_all(*text));
            settle(&rt);
            write
        })
        .collect();
    assert_eq!(link.waiting_writes(), 4);
    let wire = Wire::default();
    wire.allow(4);
    network.plan(Plan::Accept(wire.clone()));
    until(|| wire.written() == "onet");
    until(|| writes[0].is_done());
    assert!(!writes[1].is_done(), "half of it is not written");
    wire.allow(100);
    for write in writes {
        over(write).expect("it is written");
    }
    assert_eq!(wire.written(), "onetwothree");
}

#[test]
fn a_write_that_fails_halfway_gives_the_rest_back_and_others_wait_on() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let first = network.wire();
    first.allow(6);
    let writes = ["1234", "5678", "9"].map(|text| {
        let write = rt.spawn(link.write_all(text));
        settle(&rt);
        write
    });
    until(|| first.written() == "123456");
    first.break_writes(ErrorKind::BrokenPipe);
    let [one, two, three] = writes;
    over(one).expect("it was written");
    let unsent = over(two).expect_err("in the middle of it");
    assert_eq!(
        common::chain(&unsent),
        "2 of 4 bytes were handed to the connection: the connection was lost: broken pipe"
    );
    assert_eq!((unsent.handed_over(), unsent.rest(), lost(&unsent)), (2, &b"78"[..], ErrorKind::BrokenPipe));
    assert_eq!(unsent.into_rest(), b"78");
    let second = network.wire();
    over(three).expect("the next connection has it");
    assert_eq!(second.written(), "9");
    // So does a loss that a read notices, and one of a flush: handed over is not arrived.
    link.reconnect();
    for flush in [false, true] {
        let wire = network.wire();
        if flush {
            wire.break_flushes(ErrorKind::TimedOut);
        } else {
            wire.allow(1);
        }
        let write = rt.spawn(link.write_all("four"));
        if !flush {
            until(|| wire.written() == "f");
            wire.fail(ErrorKind::ConnectionReset);
        }
        let unsent = over(write).expect_err("lost");
        assert_eq!(unsent.rest(), if flush { &b""[..] } else { b"our" });
        assert_eq!(unsent.into_all(), b"four");
        until(|| wire.is_dropped());
    }
}

#[test]
fn a_message_is_sent_again_whole_before_those_that_came_later() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let wires: [Wire; 3] = std::array::from_fn(|_| network.wire());
    wires[0].allow(3);
    wires[1].hold_flushes(true);
    let message = rt.spawn(link.send("message;"));
    until(|| wires[0].written() == "mes");
    let later = rt.spawn(link.write_all("later;"));
    settle(&rt);
    wires[0].end();
    until(|| wires[1].written() == "message;");
    settle(&rt);
    assert!(!message.is_done(), "not flushed yet");
    wires[1].fail(ErrorKind::ConnectionReset);
    over(message).expect("at least once");
    over(later).expect("after it");
    assert_eq!(wires[2].written(), "message;later;");
}

#[test]
fn a_full_queue_refuses_and_gives_the_bytes_back() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).write_queue(2).open_on(&rt).expect("valid settings");
    let mut waiting = ["a", "b"].map(|text| link.write_all(text));
    for write in &mut waiting {
        assert!(poll_once(write).is_pending());
    }
    let unsent = block_on(link.send("c")).expect_err("two wait");
    assert!(matches!(unsent.reason(), UnsentReason::QueueFull { limit: 2, .. }));
    assert_eq!((unsent.handed_over(), unsent.into_rest()), (0, b"c".to_vec()));
    // One that stops waiting makes room.
    let [a, b] = waiting;
    drop(a);
    assert_eq!(link.waiting_writes(), 1);
    let mut c = link.send("c");
    assert!(poll_once(&mut c).is_pending());
    let wire = network.wire();
    block_on(b).expect("written");
    block_on(c).expect("written");
    assert_eq!(wire.written(), "bc");
}

#[test]
fn a_write_that_is_dropped_is_sent_whole_or_not_at_all() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    drop(link.write_all("never polled"));
    let [first, second] = std::array::from_fn(|_| network.wire());
    first.allow(2);
    for again in [false, true] {
        let wire = if again { &second } else { &first };
        wire.allow(2);
        let mut begun = if again { link.send("begun;") } else { link.write_all("begun;") };
        let mut waits = link.send("waits;");
        let mut last = link.send("last;");
        for write in [&mut begun, &mut waits, &mut last] {
            assert!(poll_once(write).is_pending());
        }
        until(|| wire.written() == "be");
        drop((begun, waits));
        settle(&rt);
        if again {
            // What nobody waits for is not sent again.
            let third = network.wire();
            wire.end();
            block_on(last).expect("written");
            assert_eq!(third.written(), "last;");
        } else {
            wire.allow(100);
            block_on(last).expect("written");
            assert_eq!(wire.written(), "begun;last;");
            wire.end();
            until(|| wire.is_dropped());
        }
    }
}

#[test]
fn the_peers_last_words_are_read_before_a_failed_write_counts() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let wire = network.wire();
    wire.allow(0);
    let write = rt.spawn(link.write_all("hello"));
    until(|| link.state().is_connected());
    settle(&rt);
    // Both are there when the engine looks.
    let hog = common::Hog::reactor(rt.handle());
    wire.break_writes(ErrorKind::BrokenPipe);
    wire.deliver("go away:");
    wire.deliver(" too many\n");
    wire.fail(ErrorKind::ConnectionReset);
    hog.release();
    assert_eq!(lost(&over(write).expect_err("lost")), ErrorKind::BrokenPipe);
    assert_eq!(block_on(link.read_line()).expect("a line"), "go away: too many\n");
}

#[test]
fn a_connection_that_is_always_ready_leaves_others_their_turn() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).read_limit(4).open_on(&rt).expect("valid settings");
    let wire = network.wire();
    wire.deliver(vec![b'x'; 200_000]);
    // Four bytes at a time, taken by a reader that never waits for long.
    let mut all = 0;
    let mut buffer = [0; 4];
    while all < 100_000 {
        all += block_on(link.read(&mut buffer)).expect("bytes");
    }
    reactor_thread(rt.handle());
    let write = rt.spawn(link.write_all("also"));
    while all < 200_000 {
        all += block_on(link.read(&mut buffer)).expect("bytes");
    }
    over(write).expect("written");
    assert_eq!((wire.written().as_str(), link.unread()), ("also", 0));
}

/// Takes one byte a call, at once. At the first it starts another task, which notes how many there were when it ran.
struct Eager {
    rt: offtick::Handle,
    taken: Arc<Mutex<usize>>,
    noted: Arc<Mutex<Option<usize>>>,
}

impl Connection for Eager {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        let mut taken = self.taken.lock().unwrap();
        *taken += 1;
        if *taken == 1 {
            let (taken, noted) = (Arc::clone(&self.taken), Arc::clone(&self.noted));
            self.rt.spawn(async move { *noted.lock().unwrap() = Some(*taken.lock().unwrap()) }).detach();
        }
        Poll::Ready(Ok(1))
    }
}

#[test]
fn a_long_message_leaves_others_their_turn() {
    let rt = still();
    let (taken, noted) = (Arc::default(), Arc::default());
    let (handle, takes, notes) = (rt.handle().clone(), Arc::clone(&taken), Arc::clone(&noted));
    let link = Reconnecting::builder(async move || {
        Ok(Eager { rt: handle.clone(), taken: Arc::clone(&takes), noted: Arc::clone(&notes) })
    });
    let link = link.open_on(&rt).expect("valid settings");
    block_on(link.write_all(vec![b'x'; 10_000])).expect("written");
    assert_eq!(*taken.lock().unwrap(), 10_000);
    let noted = noted.lock().unwrap().expect("it ran before the end");
    assert!(noted < 100, "after {noted} writes");
}

#[test]
fn received_bytes_are_news_for_the_host() {
    let rt = still();
    let network = Network::default();
    let link = link(&network).open_on(&rt).expect("valid settings");
    let wire = network.wire();
    until(|| link.state().is_connected());
    settle(&rt);
    while rt.take_update() {}
    wire.deliver("news\n");
    until(|| rt.take_update());
    until(|| link.unread() == 5);
    assert_eq!(link.try_read_line().expect("open").as_deref(), Some("news\n"));
}
