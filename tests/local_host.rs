//! A host that sleeps between two ticks: it is told by its hook, or by the descriptor that it waits for.

mod common;

use common::{PLANNED, Signal, Tally, quiet_planned_panics, yield_once};
use offtick::time::{Clock, sleep};
use offtick::{Budget, LocalBuilder, LocalRuntime};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn all(rt: &LocalRuntime) -> offtick::TickReport {
    rt.tick(Budget::unlimited()).expect("not nested")
}

fn hooked(builder: LocalBuilder) -> (LocalRuntime, Tally) {
    let calls = Tally::new();
    let theirs = calls.clone();
    (builder.on_wake(move || theirs.note()).build().expect("a runtime"), calls)
}

#[test]
fn the_hook_is_called_once_until_the_next_tick() {
    let (rt, calls) = hooked(LocalBuilder::new());
    assert_eq!(calls.count(), 0);
    let handle = rt.handle().clone();
    let signal = Signal::new();
    let theirs = signal.clone();
    let other = thread::spawn(move || {
        for _ in 0..10 {
            handle.spawn(async {}).detach();
        }
        handle.spawn(async move { theirs.given().await })
    });
    let task = other.join().expect("spawns");
    assert_eq!(calls.count(), 1);
    all(&rt);
    assert_eq!(calls.count(), 1, "a tick itself tells nobody");
    thread::spawn(move || signal.give()).join().expect("wakes");
    assert_eq!(calls.count(), 2);
    all(&rt);
    all(&rt);
    assert!(task.is_done());
    // The host's own calls run no hook: it asks.
    let _task = rt.spawn(async {});
    assert_eq!(calls.count(), 2);
    assert!(!calls.threads().contains(&thread::current().id()));
    assert!(rt.needs_tick());
    all(&rt);
    assert!(!rt.needs_tick());
    let handle = rt.handle().clone();
    thread::spawn(move || handle.spawn(async {}).detach()).join().expect("spawns");
    assert_eq!(calls.count(), 3);
    drop(rt);
    assert_eq!(calls.count(), 3, "the end tells nobody");
}

#[test]
fn the_hook_tells_of_a_timer_that_became_the_earliest_and_of_a_moved_clock() {
    let clock = Clock::manual();
    let (rt, calls) = hooked(LocalBuilder::new().clock(clock.clone()));
    let late = rt.spawn(sleep(60 * SECOND));
    all(&rt);
    assert_eq!(calls.count(), 0);
    let handle = rt.handle().clone();
    let sleepers = thread::spawn(move || {
        let poll = |seconds: u32| {
            let mut sleep = Box::pin(handle.sleep(seconds * SECOND));
            assert!(common::poll_once(&mut sleep).is_pending());
            sleep
        };
        [poll(90), poll(30)]
    });
    let sleepers = sleepers.join().expect("sleeps");
    assert_eq!(calls.count(), 1, "for the one of 30 seconds");
    let report = all(&rt);
    assert_eq!(report.next_deadline, Some(clock.now() + 30 * SECOND));
    // Time that the host gives is no news to the host.
    rt.advance(20 * SECOND, Budget::unlimited()).expect("not nested");
    rt.advance(20 * SECOND, Budget::unlimited()).expect("not nested");
    assert_eq!(calls.count(), 1);
    let theirs = clock.clone();
    thread::spawn(move || theirs.advance(10 * SECOND)).join().expect("moves");
    assert_eq!(calls.count(), 1, "nothing is due");
    thread::spawn(move || clock.advance(10 * SECOND)).join().expect("moves");
    assert_eq!(calls.count(), 2);
    all(&rt);
    assert!(late.is_done());
    drop(sleepers);
}

#[test]
fn work_that_comes_inside_a_tick_is_not_told() {
    let (rt, calls) = hooked(LocalBuilder::new());
    let spawner = rt.local_handle().clone();
    let _task = rt.spawn(async move {
        spawner.spawn(async { yield_once().await }).detach();
        yield_once().await;
    });
    all(&rt);
    assert_eq!(rt.run_until(async { 5 }).expect("not nested"), 5);
    assert_eq!(calls.count(), 0);
}

#[test]
fn a_hook_that_panics_costs_its_own_call() {
    quiet_planned_panics();
    let rt = LocalBuilder::new().on_wake(|| panic!("{PLANNED}")).build().expect("a runtime");
    let task = rt.handle().spawn(async { 1 });
    all(&rt);
    assert!(matches!(task.result(), Some(Ok(1))));
}

/// A host that sleeps on the hook alone, against a thread that spawns and wakes: a lost call would hang it.
#[test]
fn no_call_is_lost() {
    let (post, messages) = std::sync::mpsc::channel();
    let rt = LocalBuilder::new().on_wake(move || post.send(()).unwrap_or(())).build().expect("a runtime");
    let (worker, done) = (worker(&rt), Tally::new());
    let (stop, over) = (rt.handle().clone(), done.clone());
    let last = thread::spawn(move || {
        worker.join().expect("every task it waited for was run");
        stop.spawn(async move { over.note() }).detach();
    });
    while done.count() == 0 {
        messages.recv_timeout(common::HANG).expect("no call is lost");
        all(&rt);
    }
    last.join().expect("joins");
}

const ERRANDS: usize = 2000;

/// Spawns, and wakes what it has spawned, one after the other; each has to be over before the next one.
fn worker(rt: &LocalRuntime) -> thread::JoinHandle<()> {
    let handle = rt.handle().clone();
    thread::spawn(move || {
        for _ in 0..ERRANDS {
            let signal = Signal::new();
            let theirs = signal.clone();
            let mut task = handle.spawn(async move { theirs.given().await });
            signal.give();
            task.wait_timeout(common::HANG).expect("no wake is lost").expect("well");
        }
    })
}

#[cfg(all(unix, feature = "net"))]
mod descriptor {
    use super::*;
    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};
    use offtick::net::{TcpListener, TcpStream};
    use std::future::pending;
    use std::os::fd::{AsFd, AsRawFd};
    use std::rc::Rc;
    use std::time::Instant;

    /// The host's own poll.
    struct Host {
        poll: Poll,
        events: Events,
    }

    impl Host {
        fn of(rt: &LocalRuntime) -> Self {
            let poll = Poll::new().expect("a poll");
            let descriptor = rt.as_fd().as_raw_fd();
            poll.registry().register(&mut SourceFd(&descriptor), Token(0), Interest::READABLE).expect("registered");
            Self { poll, events: Events::with_capacity(8) }
        }

        /// Sleeps until the descriptor is readable.
        #[track_caller]
        fn sleep(&mut self) {
            loop {
                match self.poll.poll(&mut self.events, Some(common::HANG)) {
                    Ok(()) => return assert!(!self.events.is_empty(), "the descriptor never became readable"),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }

        /// The same without sleep: it sees at once that the descriptor became readable.
        #[track_caller]
        fn watch(&mut self) {
            let start = Instant::now();
            while start.elapsed() < common::HANG {
                self.poll.poll(&mut self.events, Some(Duration::ZERO)).expect("polls");
                if !self.events.is_empty() {
                    return;
                }
            }
            panic!("the descriptor never became readable");
        }
    }

    /// As `poll(2)` sees it: is it readable now?
    fn readable(rt: &LocalRuntime) -> bool {
        let mut fresh = Host::of(rt);
        fresh.poll.poll(&mut fresh.events, Some(Duration::ZERO)).expect("polls");
        !fresh.events.is_empty()
    }

    fn local() -> LocalRuntime {
        LocalRuntime::new().expect("a runtime")
    }

    #[test]
    fn it_is_readable_while_there_is_work_from_elsewhere() {
        let rt = local();
        assert!(!readable(&rt));
        let handle = rt.handle().clone();
        let task = thread::spawn(move || handle.spawn(pending::<()>())).join().expect("spawns");
        assert!(readable(&rt));
        assert!(readable(&rt), "until the tick");
        all(&rt);
        assert!(!readable(&rt));
        thread::spawn(move || task.cancel()).join().expect("cancels");
        assert!(readable(&rt));
        rt.tick(Budget::polls(0)).expect("not nested");
        assert!(readable(&rt), "a tick that does nothing leaves it so");
        all(&rt);
        all(&rt);
        assert!(!readable(&rt));
    }

    #[test]
    fn it_is_readable_while_the_tick_left_something() {
        let rt = local();
        let _fd = rt.as_fd();
        let tasks: Vec<_> = (0..3).map(|_| rt.spawn(async {})).collect();
        for _ in 0..2 {
            assert_eq!(rt.tick(Budget::polls(1)).expect("not nested").polled, 1);
            assert!(readable(&rt));
        }
        all(&rt);
        assert!(!readable(&rt));
        assert!(tasks.iter().all(offtick::Task::is_done));
    }

    #[test]
    fn asking_for_it_late_or_in_a_task_misses_nothing() {
        let rt = Rc::new(local());
        let _before = rt.spawn(async {});
        assert!(readable(&rt));
        all(&rt);
        let other = Rc::new(local());
        let theirs = Rc::clone(&other);
        let _task = other.spawn(async move {
            let _asked = theirs.as_fd();
            yield_once().await;
            yield_once().await;
        });
        other.tick(Budget::polls(1)).expect("not nested");
        assert!(readable(&other));
        all(&other);
        assert!(!readable(&other));
    }

    #[test]
    fn a_deadline_makes_it_readable() {
        let rt = local();
        let mut host = Host::of(&rt);
        let far = rt.spawn(sleep(3600 * SECOND));
        let near = rt.spawn(sleep(Duration::from_micros(1500)));
        while !near.is_done() {
            // On other systems the host itself minds the deadline.
            if cfg!(any(target_os = "linux", target_os = "android")) {
                host.sleep();
            }
            all(&rt);
        }
        assert!(!readable(&rt) && !far.is_done());
    }

    /// In `run_until` the thread learns to set its alarm ahead. A host that is told of a deadline must not be told so early
    /// that its tick finds nothing due and leaves all as it is: of an edge it is told once.
    #[test]
    fn a_deadline_that_run_until_has_waited_for_makes_it_readable() {
        let rt = local();
        let mut host = Host::of(&rt);
        for _ in 0..100 {
            rt.run_until(sleep(Duration::from_micros(200))).expect("not nested");
        }
        for _ in 0..20 {
            let task = rt.spawn(sleep(Duration::from_millis(2)));
            let signal = Signal::new();
            let theirs = signal.clone();
            let other = thread::spawn(move || theirs.give());
            rt.run_until(signal.given()).expect("not nested");
            other.join().expect("gives");
            while !task.is_done() {
                // On other systems the host itself minds the deadline.
                if cfg!(any(target_os = "linux", target_os = "android")) {
                    host.watch();
                }
                all(&rt);
            }
        }
        assert!(!readable(&rt));
    }

    #[test]
    fn an_earlier_deadline_and_a_moved_clock_make_it_readable() {
        let clock = Clock::manual();
        let rt = LocalBuilder::new().clock(clock.clone()).build().expect("a runtime");
        let task = rt.spawn(sleep(60 * SECOND));
        all(&rt);
        assert!(!readable(&rt));
        clock.advance(59 * SECOND);
        assert!(!readable(&rt));
        clock.advance(SECOND);
        assert!(readable(&rt));
        all(&rt);
        assert!(task.is_done() && !readable(&rt));
        let rt = local();
        let _late = rt.spawn(sleep(3600 * SECOND));
        all(&rt);
        let mut earlier = Box::pin(rt.handle().sleep(1800 * SECOND));
        assert!(!readable(&rt));
        assert!(common::poll_once(&mut earlier).is_pending());
        assert!(readable(&rt), "the alarm is to be set anew");
        all(&rt);
        assert!(!readable(&rt));
    }

    #[test]
    fn time_that_is_owed_makes_it_readable() {
        let clock = Clock::manual();
        let rt = LocalBuilder::new().clock(clock.clone()).build().expect("a runtime");
        let _fd = rt.as_fd();
        let _task = rt.spawn(async {
            loop {
                sleep(SECOND).await;
            }
        });
        all(&rt);
        rt.advance(10 * SECOND, Budget::polls(3)).expect("not nested");
        assert!(readable(&rt));
        clock.pause();
        all(&rt);
        assert!(!readable(&rt), "what is owed stands still");
        clock.resume();
        assert_eq!(all(&rt).behind, Duration::ZERO);
        assert!(!readable(&rt));
    }

    #[test]
    fn sockets_wake_a_host_that_sleeps_on_it() {
        let rt = local();
        let mut host = Host::of(&rt);
        let spawner = rt.local_handle().clone();
        let task = rt.run(async move {
            let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            let server = spawner.run(async move {
                let (stream, _) = listener.accept().await?;
                let mut got = [0; 5];
                stream.read_exact(&mut got).await?;
                stream.write_all(&got).await?;
                std::io::Result::Ok(())
            });
            let stream = TcpStream::connect(address).await?;
            stream.write_all(b"hello").await?;
            let mut got = [0; 5];
            stream.read_exact(&mut got).await?;
            server.await.map_err(std::io::Error::other)?;
            std::io::Result::Ok(Rc::new(got))
        });
        while !task.is_done() {
            host.sleep();
            all(&rt);
        }
        assert!(matches!(task.result(), Some(Ok(got)) if **got == *b"hello"), "{task:?}");
    }

    #[test]
    fn sockets_work_for_hosts_that_only_tick_and_for_run_until() {
        let rt = local();
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).expect("binds");
        let address = listener.local_addr().expect("an address");
        let task = rt.run(async move {
            let stream = TcpStream::connect(address).await?;
            let mut got = [0; 2];
            stream.read_exact(&mut got).await?;
            std::io::Result::Ok((stream, got))
        });
        let (mut peer, _) = {
            all(&rt);
            listener.accept().expect("accepts")
        };
        std::io::Write::write_all(&mut peer, b"ok").expect("writes");
        common::until(|| {
            all(&rt);
            task.is_done()
        });
        let Some(Ok((stream, _))) = { task }.take() else { panic!("connected") };
        let mut got = [0; 3];
        std::io::Write::write_all(&mut peer, b"end").expect("writes");
        rt.run_until(stream.read_exact(&mut got)).expect("not nested").expect("reads");
        assert_eq!(got, *b"end");
    }

    /// A host that sleeps on the descriptor alone, against a thread that spawns and wakes: a lost wake would hang it.
    #[test]
    fn no_wake_is_lost() {
        let rt = local();
        let mut host = Host::of(&rt);
        let (worker, done) = (worker(&rt), Tally::new());
        let (stop, over) = (rt.handle().clone(), done.clone());
        let last = thread::spawn(move || {
            worker.join().expect("every task it waited for was run");
            stop.spawn(async move { over.note() }).detach();
        });
        while done.count() == 0 {
            host.sleep();
            all(&rt);
        }
        last.join().expect("joins");
    }
}

/// A waker of a socket runs in the middle of the tick's look at the sockets.
#[cfg(feature = "net")]
#[test]
fn a_waker_in_a_tick_may_ask_the_runtime() {
    use std::future::Future;
    use std::task::{Context, Waker};
    thread_local!(static RT: LocalRuntime = LocalRuntime::new().expect("a runtime is built"));
    let answers = Tally::new();
    let theirs = answers.clone();
    let waker = Waker::from(std::sync::Arc::new(common::WakeFn(move || {
        RT.with(|rt| {
            assert!(rt.tick(Budget::unlimited()).is_err() && !rt.needs_tick() && rt.next_deadline().is_none());
            assert_eq!(rt.metrics().sockets, 1);
            theirs.note();
        });
    })));
    RT.with(|rt| {
        let [near, far] = [(); 2].map(|()| std::net::UdpSocket::bind(("127.0.0.1", 0)).expect("a socket"));
        let address = near.local_addr().expect("it has one");
        let near = offtick::net::UdpSocket::from_std_on(rt.handle(), near).expect("it is watched");
        let mut bytes = [0; 8];
        let mut receive = Box::pin(near.recv_from(&mut bytes));
        assert!(receive.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        far.send_to(b"now", address).expect("it is sent");
        common::until(|| {
            all(rt);
            answers.count() > 0
        });
    });
}
