//! `TaskGroup`: the limit holds, every way to end makes room, and nothing starts that was cancelled.
#![cfg(feature = "toolkit")]

#[path = "common/gate.rs"]
mod gate;

use gate::Gate;
use offtick::{Builder, Runtime, Status, TaskError, TaskGroup};
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A future that says that it started and waits at a gate.
fn body(started: &Sender<u32>, number: u32, gate: &Gate) -> impl Future<Output = u32> + Send + use<> {
    let (started, gate) = (started.clone(), gate.clone());
    async move {
        started.send(number).unwrap();
        gate.passed().await;
        number
    }
}

#[test]
fn a_limit_of_zero_is_an_error() {
    let rt = Runtime::new().unwrap();
    assert!(TaskGroup::with_limit(&rt, 0).is_err());
}

#[test]
fn the_limit_holds_and_turns_are_first_in_first_out() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 2).unwrap();
    let (started, seen) = channel();
    let gates: Vec<_> = (0..5).map(|_| Gate::new()).collect();
    let tasks: Vec<_> = (0..5).map(|n| group.spawn(body(&started, n, &gates[n as usize]))).collect();
    assert_eq!((seen.recv().unwrap(), seen.recv().unwrap()), (0, 1));
    rt.spawn(async {}).wait().unwrap();
    assert!(seen.try_recv().is_err());
    assert!(tasks[2..].iter().all(|task| task.status() == Status::Pending));
    let progress = group.progress();
    assert_eq!((progress.total, progress.pending, progress.running), (5, 3, 2));
    gates[1].open();
    assert_eq!(seen.recv().unwrap(), 2);
    gates[0].open();
    assert_eq!(seen.recv().unwrap(), 3);
    gates.iter().for_each(Gate::open);
    group.wait().unwrap();
    assert!(tasks.iter().all(|task| task.is_done()));
    let progress = group.progress();
    assert_eq!((progress.done, progress.finished(), progress.running, progress.pending), (5, 5, 0, 0));
    assert!(group.is_idle());
}

#[test]
fn every_way_to_end_makes_room() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (started, seen) = channel();
    let gate = Gate::new();
    let cancelled = group.spawn(body(&started, 0, &gate));
    let dropped = group.spawn(body(&started, 1, &gate));
    let mut panics = group.spawn(async { panic!("member of a group") });
    let mut fails = group.run(async { Err::<(), _>("no") });
    let mut blocking_panics = group.spawn_blocking(|| panic!("member of a group"));
    let mut blocking_fails = group.run_blocking(|| Err::<(), _>("no"));
    let mut last = group.spawn(async { 5 });
    assert_eq!(seen.recv().unwrap(), 0);
    assert!(cancelled.cancel());
    assert_eq!(seen.recv().unwrap(), 1);
    drop(dropped);
    assert_eq!(last.wait().unwrap(), 5);
    assert!(panics.wait().unwrap_err().is_panic());
    assert!(blocking_panics.wait().unwrap_err().is_panic());
    assert!(matches!(fails.wait(), Err(TaskError::Failed(_))));
    assert!(matches!(blocking_fails.wait(), Err(TaskError::Failed(_))));
    group.wait().unwrap();
    let progress = group.progress();
    assert_eq!((progress.done, progress.failed, progress.cancelled), (1, 4, 2));
}

#[test]
fn a_waiting_member_that_is_cancelled_never_starts() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let gate = Gate::new();
    let (started, seen) = channel();
    let first = group.spawn(body(&started, 0, &gate));
    let held = Arc::new(());
    let (a, b) = (held.clone(), held.clone());
    let waiting = group.spawn(async move { drop(a) });
    let waiting_blocking = group.spawn_blocking(move || drop(b));
    assert_eq!(seen.recv().unwrap(), 0);
    assert!(waiting.cancel() && waiting_blocking.cancel());
    assert_eq!((waiting.status(), waiting_blocking.status()), (Status::Cancelled, Status::Cancelled));
    // Their bodies are dropped now, not at their turn.
    while Arc::strong_count(&held) > 1 {
        std::thread::yield_now();
    }
    let progress = group.progress();
    assert_eq!((progress.pending, progress.running, progress.cancelled), (0, 1, 2));
    assert!(!first.is_done());
}

#[test]
fn a_cancelled_closure_keeps_its_slot_until_it_returns() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (gate, (started, seen)) = (Gate::new(), channel());
    let door = gate.clone();
    let first = group.spawn_blocking(move || {
        started.send(()).unwrap();
        door.pass();
    });
    seen.recv().unwrap();
    let mut second = group.spawn_blocking(|| 2);
    assert!(first.cancel());
    assert_eq!(first.status(), Status::Cancelled);
    rt.spawn_blocking(|| ()).wait().unwrap();
    assert_eq!(second.status(), Status::Pending);
    gate.open();
    assert_eq!(second.wait().unwrap(), 2);
}

#[test]
fn never_more_closures_than_the_limit_under_fire() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 3).unwrap();
    let (inside, most, ran) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for n in 0..600 {
        let (inside, most, ran) = (inside.clone(), most.clone(), ran.clone());
        tasks.push(group.spawn_blocking(move || {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
            ran.fetch_add(1, Ordering::SeqCst);
            assert!(n % 7 != 0, "every seventh member panics");
        }));
        if n % 3 == 0 {
            tasks[n / 2].cancel();
        }
        assert!(group.progress().running <= 3);
    }
    group.wait().unwrap();
    assert!(tasks.iter().all(|task| task.is_done()));
    let progress = group.progress();
    assert_eq!(progress.finished(), 600);
    assert!(most.load(Ordering::SeqCst) <= 3);
    assert!(progress.done + progress.failed <= ran.load(Ordering::SeqCst));
}

#[test]
fn dropping_the_group_cancels_all_and_starts_none() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (started, seen) = channel();
    let gate = Gate::new();
    let mut tasks: Vec<_> = (0..5000).map(|n| group.spawn(body(&started, n, &gate))).collect();
    group.spawn(body(&started, 9999, &gate)).detach();
    assert_eq!(seen.recv().unwrap(), 0);
    drop(group);
    assert!(tasks.iter_mut().all(|task| task.wait().is_err_and(|error| error.is_cancelled())));
    drop(started);
    // All bodies are gone, and no other one ever started.
    assert!(seen.recv_timeout(PATIENCE).is_err());
}

#[test]
fn cancel_all_counts_and_the_group_goes_on() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 2).unwrap();
    let tasks: Vec<_> = (0..10).map(|_| group.spawn(pending::<()>())).collect();
    assert_eq!(group.cancel_all(), 10);
    group.wait().unwrap();
    assert!(tasks.iter().all(|task| task.status() == Status::Cancelled));
    assert_eq!(group.spawn(async { 1 }).wait().unwrap(), 1);
    assert_eq!(group.cancel_all(), 0);
}

#[test]
fn a_detached_member_is_counted_and_forgotten() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::new(&rt);
    for _ in 0..10_000 {
        group.spawn(async {}).detach();
    }
    group.wait().unwrap();
    assert_eq!(group.progress().done, 10_000);
}

#[test]
fn join_can_be_awaited_while_members_come() {
    let rt = Runtime::new().unwrap();
    let group = Arc::new(TaskGroup::with_limit(&rt, 1).unwrap());
    let gate = Gate::new();
    let (started, seen) = channel();
    group.spawn(body(&started, 0, &gate)).detach();
    let inner = group.clone();
    let mut joined = rt.spawn(async move {
        inner.join().await;
        inner.progress().done
    });
    seen.recv().unwrap();
    group.spawn(async {}).detach();
    gate.open();
    assert_eq!(joined.wait().unwrap(), 2);
}

#[test]
fn waiting_where_it_would_deadlock_is_an_error() {
    let rt = Runtime::new().unwrap();
    let group = Arc::new(TaskGroup::new(&rt));
    let inner = group.clone();
    let mut inside = group.spawn_blocking(move || matches!(inner.wait(), Err(TaskError::WouldDeadlock)));
    assert!(inside.wait().unwrap());
    let gate = Gate::new();
    let door = gate.clone();
    let member = group.spawn(async move { door.passed().await });
    let inner = group.clone();
    let mut on_reactor = rt.spawn(async move { matches!(inner.wait(), Err(TaskError::WouldDeadlock)) });
    assert!(on_reactor.wait().unwrap());
    assert!(group.wait_timeout(Duration::ZERO).is_none());
    gate.open();
    group.wait().unwrap();
    assert!(member.is_done());
}

#[test]
fn dropping_the_group_inside_of_its_own_members() {
    let rt = Runtime::new().unwrap();
    for blocking in [false, true] {
        let slot = Arc::new(Mutex::new(None));
        let gate = Gate::new();
        let (report, seen) = channel();
        let group = TaskGroup::with_limit(&rt, 1).unwrap();
        let (mine, door) = (slot.clone(), gate.clone());
        let drop_it = move || {
            let group: Option<TaskGroup> = mine.lock().unwrap().take();
            drop(group);
            report.send(()).unwrap();
        };
        let mut first = if blocking {
            group.spawn_blocking(move || {
                door.pass();
                drop_it();
            })
        } else {
            group.spawn(async move {
                door.passed().await;
                drop_it();
            })
        };
        let mut second = group.spawn(pending::<()>());
        *slot.lock().unwrap() = Some(group);
        gate.open();
        seen.recv_timeout(PATIENCE).unwrap();
        assert!(first.wait().unwrap_err().is_cancelled());
        assert!(second.wait().unwrap_err().is_cancelled());
    }
}

#[test]
fn without_a_runtime_members_end_and_nothing_hangs() {
    let rt = Runtime::new().unwrap();
    let handle = rt.handle().clone();
    let group = TaskGroup::with_limit(&handle, 1).unwrap();
    let mut tasks: Vec<_> = (0..2000).map(|_| group.spawn(pending::<()>())).collect();
    tasks.extend((0..20).map(|_| group.spawn_blocking(|| ())));
    drop(rt);
    tasks.push(group.spawn(pending()));
    tasks.push(group.spawn_blocking(|| ()));
    for mut task in tasks {
        assert!(matches!(task.wait(), Err(TaskError::RuntimeGone)));
    }
    group.wait().unwrap();
}

/// The one slot is held by a closure that was cancelled and never returns; still the shutdown reaches who waits.
#[test]
fn shutdown_reaches_members_behind_a_stuck_closure() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (gate, (started, seen)) = (Gate::new(), channel());
    let door = gate.clone();
    let stuck = group.spawn_blocking(move || {
        started.send(()).unwrap();
        door.pass();
    });
    seen.recv().unwrap();
    assert!(stuck.cancel());
    let mut waiting = group.spawn(async {});
    let mut waiting_blocking = group.spawn_blocking(|| ());
    rt.shutdown(Duration::ZERO);
    assert!(matches!(waiting.wait(), Err(TaskError::RuntimeGone)));
    assert!(matches!(waiting_blocking.wait(), Err(TaskError::RuntimeGone)));
    assert!(group.wait_timeout(Duration::ZERO).is_none(), "the closure still runs");
    // Counted a moment after the handles show it.
    while (group.progress().left_running, group.progress().cancelled) != (1, 3) {
        std::thread::yield_now();
    }
    gate.open();
    group.wait().unwrap();
    assert_eq!(group.progress().left_running, 0);
}

#[test]
fn what_a_member_drops_may_use_the_group() {
    struct Respawns(Arc<Mutex<Option<TaskGroup>>>, Sender<()>);
    impl Drop for Respawns {
        fn drop(&mut self) {
            if let Some(group) = &*self.0.lock().unwrap() {
                group.spawn(async {}).detach();
            }
            self.1.send(()).unwrap();
        }
    }
    let rt = Runtime::new().unwrap();
    let slot = Arc::new(Mutex::new(Some(TaskGroup::with_limit(&rt, 1).unwrap())));
    let (report, seen) = channel();
    let tasks: Vec<_> = {
        let guard = slot.lock().unwrap();
        let group = guard.as_ref().unwrap();
        let make = || {
            let respawns = Respawns(slot.clone(), report.clone());
            group.spawn(async move {
                let _respawns = respawns;
                pending::<()>().await;
            })
        };
        (0..4).map(|_| make()).collect()
    };
    drop(tasks);
    for _ in 0..4 {
        seen.recv_timeout(PATIENCE).unwrap();
    }
    let group = slot.lock().unwrap().take().unwrap();
    group.wait().unwrap();
    let progress = group.progress();
    assert_eq!((progress.done, progress.cancelled), (4, 4));
}

#[test]
fn many_members_with_a_limit() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 4).unwrap();
    let sum = Arc::new(AtomicUsize::new(0));
    for n in 0..20_000_usize {
        let sum = sum.clone();
        let add = move || {
            sum.fetch_add(n, Ordering::Relaxed);
        };
        if n % 10 == 0 { group.spawn_blocking(add).detach() } else { group.spawn(async move { add() }).detach() }
    }
    group.wait().unwrap();
    assert_eq!(sum.load(Ordering::Relaxed), 20_000 * 19_999 / 2);
}

/// Counts its wakes.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waiter_of_an_earlier_end_takes_nobody_elses_waker_along() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::new(&rt);
    let counted = [Arc::<Counted>::default(), Arc::default()];
    let wakers = counted.clone().map(Waker::from);
    let member = group.spawn(pending::<()>());
    let mut earlier = Box::pin(group.join());
    assert!(earlier.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
    member.cancel();
    group.wait().unwrap();
    let member = group.spawn(pending::<()>());
    let mut later = Box::pin(group.join());
    assert!(later.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
    drop(earlier);
    member.cancel();
    group.wait().unwrap();
    while counted[1].0.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(counted[0].0.load(Ordering::SeqCst), 1);
}

#[test]
fn waiters_that_give_up_leave_nothing_behind() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::new(&rt);
    let member = group.spawn(pending::<()>());
    let counted = Arc::new(Counted::default());
    for _ in 0..3 {
        let waker = Waker::from(Arc::clone(&counted));
        let mut join = std::pin::pin!(group.join());
        let mut cx = Context::from_waker(&waker);
        assert!(join.as_mut().poll(&mut cx).is_pending());
        assert!(join.as_mut().poll(&mut cx).is_pending());
        assert!(group.wait_timeout(Duration::from_micros(1)).is_none());
    }
    assert_eq!(Arc::strong_count(&counted), 1, "each took its waker along");
    member.cancel();
    group.wait().unwrap();
}

#[test]
fn waiters_of_several_kinds_are_all_woken() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::new(&rt);
    let gate = Gate::new();
    let inside = gate.clone();
    let _member = group.spawn(async move { inside.passed().await });
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| group.wait().unwrap());
        }
        scope.spawn(|| offtick::block_on(async { group.join().await }).unwrap());
        gate.open();
    });
    assert!(group.is_idle());
}

#[test]
fn a_closure_without_a_thread_leaves_nothing_on_the_thread_that_brought_it() {
    let held = Arc::new(());
    let hook = Arc::clone(&held);
    let rt = Builder::new()
        .blocking_stack_size(isize::MAX as usize)
        .on_update(move || drop(Arc::clone(&hook)))
        .build()
        .unwrap();
    let group = TaskGroup::new(&rt);
    let mut task = group.spawn_blocking(|| ());
    assert!(matches!(task.wait(), Err(TaskError::Failed(_))));
    drop((task, group, rt));
    assert_eq!(Arc::strong_count(&held), 1, "the runtime is gone to the last byte");
}

#[test]
fn a_closure_without_a_thread_takes_no_seat_from_the_closure_that_brought_it() {
    let rt = Runtime::new().unwrap();
    let cramped = Builder::new().blocking_stack_size(isize::MAX as usize).build().unwrap();
    let (give, get) = channel();
    let outer: Arc<Mutex<Option<offtick::SharedTask<bool>>>> = Arc::default();
    let own = Arc::clone(&outer);
    let task = rt.spawn_blocking(move || {
        get.recv().unwrap();
        let mut refused = TaskGroup::new(&cramped).spawn_blocking(|| ());
        assert!(refused.wait().is_err());
        let own = own.lock().unwrap().take().unwrap();
        matches!(own.wait(), Err(TaskError::WouldDeadlock))
    });
    let task = task.share();
    *outer.lock().unwrap() = Some(task.clone());
    give.send(()).unwrap();
    assert!(*task.wait().unwrap(), "it still knows that it is inside of itself");
}
