//! `WorkerThread` whose set-up and tear-down are futures: on its own thread, awaited by start and stop, and dropped there.
#![cfg(feature = "toolkit")]
#![cfg_attr(not(feature = "net"), allow(unused_imports, reason = "one test needs sockets"))]

#[path = "common/mod.rs"]
mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{HANG, Log, PLANNED, poll_once, quiet_planned_panics, settled, until};
use gate::Gate;
use offtick::{BoxError, Priority, Status, TaskError, ThreadBound, ThreadError, WorkerThread, yield_now};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A connection that stays on its thread, and logs.
struct Link {
    log: Log,
    thread: thread::ThreadId,
    _not_send: Rc<()>,
}

impl Link {
    async fn connect(log: &Log, gate: &Gate) -> Self {
        log.push("connecting");
        gate.passed().await;
        log.push("connected");
        Self { log: log.clone(), thread: thread::current().id(), _not_send: Rc::default() }
    }

    async fn close(self, gate: &Gate) {
        self.log.push("closing");
        gate.passed().await;
        self.log.push("goodbye");
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        assert_eq!(self.thread, thread::current().id());
        self.log.push("gone");
    }
}

fn open() -> Gate {
    let gate = Gate::new();
    gate.open();
    gate
}

fn linked(log: &Log, connect: &Gate, close: &Gate) -> WorkerThread<Link> {
    let (log, connect, close) = (log.clone(), connect.clone(), close.clone());
    WorkerThread::builder("link")
        .set_up_async(async move || Ok::<_, BoxError>(Link::connect(&log, &connect).await))
        .tear_down_async(async move |link: Link| link.close(&close).await)
        .build()
        .unwrap()
}

/// Logs its drop, and whether the value is there.
struct Uses(ThreadBound<Link>, Log);

impl Drop for Uses {
    fn drop(&mut self) {
        self.1.push(if self.0.with(|_| ()).is_ok() { "used" } else { "unused" });
    }
}

#[test]
fn a_start_waits_for_the_set_up_and_a_stop_for_the_tear_down() {
    let (log, connect, close) = (Log::new(), Gate::new(), Gate::new());
    let pool = linked(&log, &connect, &close);
    let mut start = Box::pin(pool.start());
    assert!(poll_once(&mut start).is_pending());
    until(|| log.text() == "connecting");
    assert!(poll_once(&mut start).is_pending() && !pool.is_running());
    connect.open();
    offtick::block_on(start).unwrap().unwrap();
    assert!(pool.call(|link| link.thread == thread::current().id()).unwrap());
    let theirs = log.clone();
    settled(pool.spawn(move |_| async move { theirs.push("task") }));
    let mut stop = Box::pin(pool.stop(None));
    assert!(poll_once(&mut stop).is_pending());
    until(|| {
        assert!(poll_once(&mut stop).is_pending());
        log.text().ends_with("closing")
    });
    close.open();
    let report = offtick::block_on(stop).unwrap().unwrap();
    assert!(report.is_clean());
    assert_eq!(log.text(), "connecting connected task closing goodbye gone");
    // And once more, by blocking calls.
    pool.start_blocking().unwrap();
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}

#[test]
fn futures_that_are_left_are_dropped_before_the_tear_down_whatever_their_priority() {
    let log = Log::new();
    let pool = linked(&log, &open(), &open());
    pool.start_blocking().unwrap();
    let stuck = [Priority::Background, Priority::UserVisible, Priority::UserBlocking].map(|level| {
        let uses = Uses(pool.value(), log.clone());
        pool.pool().unwrap().task().priority(level).spawn(move |_cx| async move {
            let _uses = uses;
            pending::<()>().await;
        })
    });
    until(|| stuck.iter().all(|task| task.status() == Status::Running));
    settled(pool.spawn(|_| async {}));
    // A task that is always ready keeps the lower levels waiting.
    pool.pool()
        .unwrap()
        .runtime()
        .task()
        .priority(Priority::UserBlocking)
        .spawn(|_cx| async {
            loop {
                yield_now().await;
            }
        })
        .detach();
    let report = pool.stop_blocking(Some(Duration::ZERO)).unwrap();
    assert_eq!(report.tasks.running.len(), 3);
    assert!(report.thread_ended && report.tear_down.is_none());
    assert_eq!(log.text(), "connecting connected used used used closing goodbye gone");
}

#[test]
fn a_set_up_that_fails_or_panics_leaves_no_thread() {
    quiet_planned_panics();
    let fails = WorkerThread::builder("fails").set_up_async(async || {
        yield_now().await;
        Err::<(), _>("no route")
    });
    let panics = WorkerThread::builder("panics").set_up_async(async || -> Result<(), BoxError> {
        yield_now().await;
        panic!("{PLANNED}: set-up")
    });
    for (builder, panic) in [(fails, false), (panics, true)] {
        let pool = builder.tear_down_async(async |()| unreachable!("there is no value")).build().unwrap();
        for _ in 0..2 {
            let Err(ThreadError::SetUp(error)) = pool.start_blocking() else { panic!("it fails") };
            assert_eq!((error.is_panic(), pool.is_running()), (panic, false));
        }
    }
}

#[test]
fn a_start_that_is_given_up_drops_the_set_up_on_its_thread() {
    let (log, connect) = (Log::new(), Gate::new());
    let pool = linked(&log, &connect, &open());
    let mut start = Box::pin(pool.start());
    assert!(poll_once(&mut start).is_pending());
    until(|| log.text() == "connecting");
    drop(start);
    assert!(!pool.is_running());
    connect.open();
    pool.start_blocking().unwrap();
    assert!(pool.stop_blocking(None).unwrap().is_clean());
    assert_eq!(log.text(), "connecting connecting connected closing goodbye gone");
}

#[test]
fn a_panic_of_the_tear_down_is_in_the_report() {
    quiet_planned_panics();
    let pool = WorkerThread::builder("panics")
        .set_up_async(async || Ok::<_, BoxError>(Rc::new(7)))
        .tear_down_async(async |_value: Rc<i32>| {
            yield_now().await;
            panic!("{PLANNED}: tear-down")
        })
        .build()
        .unwrap();
    pool.start_blocking().unwrap();
    let report = pool.stop_blocking(None).unwrap();
    assert!(report.thread_ended && !report.is_clean());
    assert!(report.tear_down.is_some_and(|error: TaskError| error.is_panic()));
}

#[test]
fn a_tear_down_that_never_ends_is_dropped_when_the_time_is_up() {
    let log = Log::new();
    let pool = linked(&log, &open(), &Gate::new());
    pool.start_blocking().unwrap();
    let report = pool.stop_blocking(Some(Duration::ZERO)).unwrap();
    assert!(!report.is_clean());
    until(|| log.text() == "connecting connected closing gone");
    pool.start_blocking().unwrap();
    drop(pool);
    until(|| log.text() == "connecting connected closing gone connecting connected closing gone");
}

#[test]
fn a_dropped_pool_is_torn_down() {
    let log = Log::new();
    let pool = linked(&log, &open(), &open());
    pool.start_blocking().unwrap();
    let task = pool.spawn(|_| pending::<()>());
    drop(pool);
    assert!(task.is_done());
    assert_eq!(log.text(), "connecting connected closing goodbye gone");
}

/// A closure on a thread for blocking work holds up neither the tear-down nor the report.
#[test]
fn a_closure_that_is_left_running_does_not_hold_the_tear_down() {
    let (log, gate) = (Log::new(), Gate::new());
    let pool = linked(&log, &open(), &open());
    pool.start_blocking().unwrap();
    let waits = gate.clone();
    let task = pool.pool().unwrap().spawn_blocking(move || waits.pass());
    until(|| task.status() == Status::Running);
    let report = pool.stop_blocking(Some(Duration::ZERO)).unwrap();
    assert!(report.thread_ended && report.blocking_left == 1);
    assert_eq!(log.text(), "connecting connected closing goodbye gone");
    gate.open();
}

#[cfg(feature = "net")]
#[test]
fn a_connect_is_awaited_on_the_thread_of_the_connection() {
    use offtick::net::{BufReader, TcpListener, TcpStream};
    let rt = common::runtime();
    let (told, address) = std::sync::mpsc::channel();
    let mut server = rt.run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        told.send(listener.local_addr()?).map_err(std::io::Error::other)?;
        let (peer, _) = listener.accept().await?;
        peer.write_all(b"hello\n").await?;
        BufReader::new(peer).read_line().await
    });
    let address = address.recv_timeout(HANG).unwrap();
    let pool = WorkerThread::builder("client")
        .set_up_async(async move || {
            let mut reader = BufReader::new(TcpStream::connect(address).await?);
            assert_eq!(reader.read_line().await?.as_deref(), Some("hello\n"));
            Ok::<_, std::io::Error>(Rc::new(reader))
        })
        .tear_down_async(async |link: Rc<BufReader<TcpStream>>| {
            link.get_ref().write_all(b"bye\n").await.expect("the peer listens");
        })
        .build()
        .unwrap();
    pool.start_blocking().unwrap();
    assert!(pool.stop_blocking(None).unwrap().is_clean());
    assert_eq!(server.wait().unwrap().as_deref(), Some("bye\n"));
    let _kept = Arc::new(pool);
}
