//! After the end of a runtime, and what its end leaves behind: timers, descriptors, chains of owners, stacks.

mod common;

use common::{HANG, block_on, poll_once, quiet_planned_panics, runtime, until};
use offtick::time::{Clock, ManualClock, timeout};
use offtick::{Budget, Builder, Handle, LocalRuntime, Runtime, Status, Task, TaskError};
use std::any::Any;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

/// Runs `test` with handles of runtimes that are gone: with the system's clock, with a manual one, and with one that is
/// paused.
fn with_gone(test: impl Fn(Handle, Option<ManualClock>)) {
    let rt = runtime();
    let handle = rt.handle().clone();
    drop(rt);
    test(handle, None);
    for paused in [false, true] {
        let clock = Clock::manual();
        if paused {
            clock.pause();
        }
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
        let handle = rt.handle().clone();
        drop(rt);
        test(handle, Some(clock));
    }
}

/// Waits on a thread of its own, so that a wait without end is a failed test.
#[track_caller]
fn ends<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (done, end) = channel();
    thread::spawn(move || done.send(offtick::block_on(future)));
    end.recv_timeout(HANG).expect("the wait ends").expect("no reactor thread")
}

#[test]
fn a_sleep_after_the_end_takes_as_long_as_it_should() {
    with_gone(|handle, _| {
        let start = Instant::now();
        for _ in 0..3 {
            ends(handle.sleep(SHORT));
        }
        assert!(start.elapsed() >= 3 * SHORT);
        ends(handle.sleep(Duration::ZERO));
    });
}

#[test]
fn a_sleep_that_the_end_meets_is_neither_early_nor_forgotten() {
    let rt = runtime();
    let start = Instant::now();
    let (short, long) = (rt.sleep(2 * SHORT), rt.sleep(LONG));
    let mut long = Box::pin(long);
    assert!(poll_once(&mut long).is_pending());
    let waiter = thread::spawn(move || ends(short));
    until(|| rt.metrics().timers == 2);
    drop(rt);
    waiter.join().expect("it is woken");
    assert!(start.elapsed() >= 2 * SHORT);
    assert!(poll_once(&mut long).is_pending());
}

#[test]
fn a_timeout_after_the_end_elapses_when_it_is_time() {
    with_gone(|handle, _| {
        assert_eq!(ends(handle.timeout(LONG, offtick::time::sleep(SHORT))), Ok(()));
        let start = Instant::now();
        assert!(ends(handle.timeout(SHORT, pending::<()>())).is_err());
        assert!(start.elapsed() >= SHORT);
        assert!(ends(handle.timeout_at(handle.clock().now(), pending::<()>())).is_err());
    });
}

#[test]
fn an_interval_after_the_end_ticks_on() {
    with_gone(|handle, _| {
        let start = Instant::now();
        let mut interval = handle.interval(SHORT / 4).expect("a period");
        let ticks = ends(async move { [interval.tick().await, interval.tick().await, interval.tick().await] });
        assert_eq!([ticks[1] - ticks[0], ticks[2] - ticks[1]], [SHORT / 4; 2]);
        assert!(start.elapsed() >= 3 * SHORT / 4);
    });
}

#[test]
fn an_interval_goes_on_where_the_end_met_it() {
    let rt = runtime();
    let mut interval = rt.interval(SHORT / 4).expect("a period");
    let (tick, mut interval) = ends(async move { (interval.tick().await, interval) });
    drop(rt);
    assert_eq!(ends(async move { interval.tick().await }) - tick, SHORT / 4);
}

#[test]
fn a_clock_that_is_still_moved_fires_what_its_runtime_left() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    let before = rt.sleep(LONG);
    let handle = rt.handle().clone();
    let (done, end) = channel();
    let waits = [before, handle.sleep(LONG)].map(|sleep| {
        let done = done.clone();
        thread::spawn(move || {
            block_on(sleep);
            done.send(()).ok();
        })
    });
    until(|| rt.metrics().timers == 2);
    drop(rt);
    assert!(end.try_recv().is_err());
    clock.advance(LONG);
    for wait in waits {
        end.recv_timeout(HANG).expect("the clock has moved");
        wait.join().expect("no panic");
    }
}

#[test]
fn another_runtime_waits_with_the_timers_of_one_that_is_gone() {
    with_gone(|handle, _| {
        let rt = runtime();
        let start = Instant::now();
        let mut task = rt.spawn(async move {
            handle.sleep(SHORT).await;
            timeout(SHORT, handle.sleep(LONG)).await.is_err()
        });
        assert!(task.wait_timeout(HANG).expect("it ends").expect("no panic"));
        assert!(start.elapsed() >= 2 * SHORT);
    });
}

/// A closure that sleeps between two attempts is a task of the runtime: it ends with it.
#[test]
fn a_closure_that_waits_for_its_next_attempt_ends_with_its_runtime() {
    let rt = runtime();
    let policy = offtick::RetryPolicy::fixed(LONG).max_attempts(3);
    let task: Task<()> = rt.task().retry(policy).run_blocking(|_| Err::<(), _>("again"));
    until(|| task.next_attempt_at().is_some());
    assert!(rt.shutdown(HANG).is_clean());
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
}

#[cfg(feature = "toolkit")]
#[test]
fn a_rate_limiter_after_the_end_keeps_its_pace() {
    with_gone(|handle, _| {
        let limiter = offtick::toolkit::RateLimiter::new(&handle, SHORT).expect("a gap");
        let start = Instant::now();
        limiter.try_pass().expect("the first");
        assert!(limiter.try_pass().is_err());
        ends(limiter.acquire());
        assert!(start.elapsed() >= SHORT);
    });
}

#[cfg(feature = "toolkit")]
#[test]
fn a_token_with_a_deadline_of_a_runtime_that_is_gone_says_so() {
    with_gone(|handle, _| {
        let token = offtick::toolkit::CancelToken::with_timeout(&handle, LONG);
        assert!(matches!(token.reason(), Some(offtick::toolkit::CancelReason::RuntimeGone)));
    });
}

#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("it is there").count()
}

/// Whatever is kept of a runtime, its descriptors go with it. The other tests of this file open some meanwhile: what is
/// kept of the runtimes here would be far more.
#[cfg(target_os = "linux")]
#[test]
fn descriptors_go_with_their_runtime() {
    const RUNTIMES: usize = 300;
    let mut kept: Vec<Box<dyn Any>> = Vec::new();
    let before = descriptors();
    for _ in 0..RUNTIMES {
        let rt = LocalRuntime::new().expect("a runtime is built");
        let waker = Arc::new(Mutex::new(None));
        let theirs = Arc::clone(&waker);
        let waits = rt.spawn(std::future::poll_fn(move |cx| {
            *theirs.lock().expect("no panic") = Some(cx.waker().clone());
            std::task::Poll::<()>::Pending
        }));
        let done = rt.spawn(async { 7 });
        rt.tick(Budget::unlimited()).expect("not nested");
        assert!(done.is_done());
        let sleep = rt.sleep(LONG);
        kept.push(Box::new((waits.cancel_handle(), waits, waker, done, sleep)));
        kept.push(Box::new((rt.handle().clone(), rt.local_handle().clone(), rt.spawn(async {}).share())));
    }
    for _ in 0..RUNTIMES / 10 {
        let rt = runtime();
        let mut closure = rt.spawn_blocking(|| 7);
        closure.wait().expect("it runs");
        kept.push(Box::new((rt.handle().clone(), closure, rt.sleep(LONG), rt.spawn(pending::<()>()))));
        assert!(rt.shutdown(HANG).is_clean());
    }
    let left = descriptors().saturating_sub(before);
    assert!(left < RUNTIMES / 4, "{left} descriptors more than before");
    drop(kept);
}

#[cfg(all(target_os = "linux", feature = "net"))]
#[test]
fn sockets_that_are_kept_keep_their_own_descriptor_only() {
    const RUNTIMES: usize = 100;
    let mut kept = Vec::new();
    let before = descriptors();
    for _ in 0..RUNTIMES {
        let rt = runtime();
        let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).expect("a socket");
        let socket = offtick::net::UdpSocket::from_std_on(rt.handle(), socket).expect("it is watched");
        drop(rt);
        kept.push(socket);
    }
    let left = descriptors().saturating_sub(before);
    assert!(left < 2 * RUNTIMES, "{left} descriptors more than before, for {RUNTIMES} sockets");
}

/// A guard that starts its work again when it is dropped.
struct Respawn {
    handle: Handle,
    started: Arc<AtomicUsize>,
    blocking: bool,
}

impl Respawn {
    fn start(self) -> Task<()> {
        self.started.fetch_add(1, SeqCst);
        let handle = self.handle.clone();
        if self.blocking {
            return handle.spawn_blocking(move || drop(self));
        }
        handle.spawn(async move {
            let _again = self;
            pending::<()>().await
        })
    }
}

impl Drop for Respawn {
    fn drop(&mut self) {
        let again = Self { handle: self.handle.clone(), started: Arc::clone(&self.started), blocking: self.blocking };
        let task = again.start();
        assert!(!self.handle.is_closed() || task.is_done(), "what is refused ends at once");
        task.detach();
    }
}

#[test]
fn a_future_that_spawns_as_it_is_dropped_is_refused_without_recursion() {
    for blocking in [false, true] {
        let rt = runtime();
        let started = Arc::new(AtomicUsize::new(0));
        let guard = Respawn { handle: rt.handle().clone(), started: Arc::clone(&started), blocking: false };
        guard.start().detach();
        drop(rt);
        let once = started.load(SeqCst);
        assert!((2..100).contains(&once), "{once} generations");
        let rt = LocalRuntime::new().expect("a runtime is built");
        let guard = Respawn { handle: rt.handle().clone(), started: Arc::clone(&started), blocking };
        let handle = rt.handle().clone();
        drop(rt);
        let refused = handle.spawn(async move { drop(guard) });
        assert!(matches!(refused.error(), Some(TaskError::RuntimeGone)));
    }
}

/// Many at once are no generations: each is dropped.
#[test]
fn a_refused_future_may_spawn_many() {
    let rt = runtime();
    let handle = rt.handle().clone();
    drop(rt);
    let dropped = Arc::new(());
    let theirs = common::OnDrop::new({
        let (handle, dropped) = (handle.clone(), Arc::clone(&dropped));
        move || {
            for _ in 0..1000 {
                let dropped = Arc::clone(&dropped);
                assert!(handle.spawn(async move { drop(dropped) }).is_done());
            }
        }
    });
    let refused = handle.spawn(async move { drop(theirs) });
    assert_eq!(refused.status(), Status::Cancelled);
    assert_eq!(Arc::strong_count(&dropped), 1);
}

const CHAIN: usize = 200_000;

type Link = Option<Box<dyn Any + Send + Sync>>;

/// On a thread with little stack: what recurses ends the process.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(test).expect("a thread");
    thread.join().expect("no panic");
}

#[test]
fn a_chain_of_results_is_dropped_without_deep_recursion() {
    with_little_stack(|| {
        let rt = LocalRuntime::new().expect("a runtime is built");
        let mut last: Link = None;
        for _ in 0..CHAIN {
            last = Some(Box::new(rt.spawn(async move { last })));
            // The one before is inside of it, and over.
            rt.tick(Budget::unlimited()).expect("not nested");
        }
        drop(last);
        let mut last: Link = None;
        for _ in 0..CHAIN {
            let task = rt.spawn(async move { last }).share();
            rt.tick(Budget::unlimited()).expect("not nested");
            last = Some(Box::new(task));
        }
        drop(rt);
        drop(last);
    });
}

#[test]
fn a_chain_of_pending_tasks_is_dropped_without_deep_recursion() {
    with_little_stack(|| {
        let dropped = Arc::new(());
        let chain = |handle: &Handle| {
            (0..CHAIN).fold(None::<Task<()>>, |next, _| {
                let kept = Arc::clone(&dropped);
                Some(handle.spawn(async move {
                    let (_next, _kept) = (next, kept);
                    pending().await
                }))
            })
        };
        // Dropped with its runtime, by its head, and by its head before anything ran.
        for case in 0..3 {
            let rt = LocalRuntime::new().expect("a runtime is built");
            let head = chain(rt.handle());
            if case != 2 {
                rt.tick(Budget::unlimited()).expect("not nested");
            }
            if case != 0 {
                drop(head);
                rt.run_until_stalled().expect("not nested");
            }
            drop(rt);
            assert_eq!(Arc::strong_count(&dropped), 1);
        }
        let rt = Runtime::new().expect("a runtime is built");
        let head = chain(rt.handle());
        assert!(rt.shutdown(HANG).is_clean());
        assert!(head.is_some_and(|head| head.is_done()));
        assert_eq!(Arc::strong_count(&dropped), 1);
    });
}

#[test]
fn a_chain_of_closures_that_wait_for_their_next_attempt_ends_without_deep_recursion() {
    const CLOSURES: usize = 20_000;
    let rt = Builder::new().blocking_threads(1).build().expect("a runtime is built");
    let dropped = Arc::new(());
    let head = (0..CLOSURES).fold(None::<Task<()>>, |next, _| {
        let kept = Arc::clone(&dropped);
        let policy = offtick::RetryPolicy::fixed(LONG).max_attempts(3);
        let body = move |_: &mut offtick::TaskContext| {
            let (_next, _kept) = (&next, &kept);
            Err::<(), _>("again")
        };
        Some(rt.task().retry(policy).run_blocking(body))
    });
    until(|| rt.metrics().timers == CLOSURES as u64);
    let handle = rt.handle().clone();
    with_little_stack(move || drop(rt));
    drop(head);
    until(|| Arc::strong_count(&dropped) == 1);
    assert!(handle.is_closed());
}

/// Starts a future of `SIZE` bytes inside the one before, `left` times more; tells how deep the first polls nested.
fn nest<const SIZE: usize>(handle: Handle, depth: usize, left: usize, deepest: Arc<AtomicUsize>) -> Task<()> {
    let padding = [depth as u8; SIZE];
    let starter = handle.clone();
    let future: Nested<SIZE> = Box::new(move || {
        deepest.fetch_max(depth, SeqCst);
        std::hint::black_box(&padding);
        if left > 0 {
            nest::<SIZE>(handle, depth + 1, left - 1, deepest).detach();
        }
    });
    starter.spawn_eager(std::future::poll_fn(large::<SIZE>(future)))
}

type Nested<const SIZE: usize> = Box<dyn FnOnce() + Send>;

/// A poll function of `SIZE` bytes.
fn large<const SIZE: usize>(
    run: Nested<SIZE>,
) -> impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<()> + Send {
    let (mut run, bytes) = (Some(run), [0_u8; SIZE]);
    move |_| {
        std::hint::black_box(&bytes);
        run.take().into_iter().for_each(|run| run());
        std::task::Poll::Ready(())
    }
}

#[test]
fn eager_starts_nest_as_deep_as_the_stack_allows() {
    const LARGE: usize = 5_000;
    let deepest_on = |stack: usize| {
        let rt = Builder::new().stack_size(stack).build().expect("a runtime is built");
        let deepest = Arc::new(AtomicUsize::new(0));
        let (handle, theirs) = (rt.handle().clone(), Arc::clone(&deepest));
        let mut first = rt.spawn(async move { nest::<LARGE>(handle, 1, 200, theirs).detach() });
        first.wait().expect("no overflow");
        until(|| deepest.load(SeqCst) > 0 && rt.metrics().alive == 0);
        deepest.load(SeqCst)
    };
    // All 201 run in the end; what the stack decides is how many nest. So none of these overflows.
    assert_eq!(deepest_on(4 << 20), 201);
    assert_eq!(deepest_on(256 << 10), 201);
    // And on a thread of the host, which has 2 MiB.
    let rt = runtime();
    let deepest = Arc::new(AtomicUsize::new(0));
    nest::<20_000>(rt.handle().clone(), 1, 200, Arc::clone(&deepest)).detach();
    until(|| deepest.load(SeqCst) == 201);
}

#[test]
fn a_stack_that_is_too_small_is_refused() {
    quiet_planned_panics();
    let error = Builder::new().stack_size(1000).build().expect_err("too small");
    assert!(error.to_string().contains("stack_size"), "{error}");
}
