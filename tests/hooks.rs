//! Hooks against the calls of a host: no hook runs inside a call, and none is lost. Every hook takes a lock that the host
//! holds during the call, as an egui program does: `ctx.input(|_| task.cancel())` with `ctx.request_repaint()` as the hook.
#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, Hog, Latch, Signal, Tally, quiet_planned_panics};
use offtick::toolkit::Background;
use offtick::{
    Builder, Handle, LocalBuilder, LocalRuntime, Priority, RetryPolicy, Runtime, Scheduler, Session, Status,
};
use offtick::{Task, TaskGroup, TaskManager, TaskPool, TaskSet};
use std::cell::Cell;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Long: nothing waits for it.
const LONG: Duration = Duration::from_secs(3600);

thread_local! {
    /// This thread is inside a call of the host, and holds the lock.
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

/// The host's lock, and what the hooks did.
#[derive(Clone)]
struct Ui {
    lock: Arc<Mutex<()>>,
    inside: Tally,
    updates: Tally,
    panics: Tally,
    unhandled: Tally,
    ends: Tally,
    retries: Tally,
    wakes: Tally,
}

impl Ui {
    fn new() -> Self {
        let [inside, updates, panics, unhandled, ends, retries, wakes] = [(); 7].map(|()| Tally::new());
        Self { lock: Arc::default(), inside, updates, panics, unhandled, ends, retries, wakes }
    }

    /// What every hook does: it takes the host's lock.
    fn hook(&self, which: fn(&Self) -> &Tally) -> impl Fn() + Send + Sync + use<> {
        let ui = self.clone();
        move || {
            if IN_CALL.get() {
                ui.inside.note();
            } else {
                drop(ui.lock.lock().unwrap());
            }
            which(&ui).note();
        }
    }

    /// A call of the host, which holds the lock meanwhile.
    fn call<R>(&self, call: impl FnOnce() -> R) -> R {
        let _frame = self.lock.lock().unwrap();
        IN_CALL.set(true);
        let result = call();
        IN_CALL.set(false);
        result
    }
}

/// One value, or one error, that a host is to read; the drop of the value panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("planned");
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    /// A future that waits for room in its progress; its destructor panics.
    Sending,
    Closure,
    Waiting,
    WaitingClosure,
    /// Finished, with a value whose destructor panics.
    Done,
    Failed,
}

const STATES: [State; 7] =
    [State::Pending, State::Sending, State::Closure, State::Waiting, State::WaitingClosure, State::Done, State::Failed];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Cancel,
    Drop,
    Take,
    Detach,
    Share,
    Progress,
    SetPriority,
    DropSet,
    DropSession,
    DropManager,
    DropGroup,
    CancelGroup,
    DropPool,
    DropRuntime,
}

const CALLS: [Call; 14] = [
    Call::Cancel,
    Call::Drop,
    Call::Take,
    Call::Detach,
    Call::Share,
    Call::Progress,
    Call::SetPriority,
    Call::DropSet,
    Call::DropSession,
    Call::DropManager,
    Call::DropGroup,
    Call::CancelGroup,
    Call::DropPool,
    Call::DropRuntime,
];

/// Either kind of runtime, with all hooks.
enum Host {
    Threaded(Runtime),
    Ticked(Box<LocalRuntime>),
}

impl Host {
    fn new(ticked: bool, ui: &Ui) -> Self {
        let update = ui.hook(|ui| &ui.updates);
        let panic = ui.hook(|ui| &ui.panics);
        let unhandled = ui.hook(|ui| &ui.unhandled);
        if ticked {
            let builder = LocalBuilder::new().blocking_threads(1).on_update(update).on_wake(ui.hook(|ui| &ui.wakes));
            let builder = builder.on_panic(move |_, _| panic()).on_unhandled_error(move |_, _| unhandled());
            Self::Ticked(Box::new(builder.build().unwrap()))
        } else {
            let builder = Builder::new().blocking_threads(1).on_update(update);
            Self::Threaded(
                builder.on_panic(move |_, _| panic()).on_unhandled_error(move |_, _| unhandled()).build().unwrap(),
            )
        }
    }

    fn handle(&self) -> &Handle {
        match self {
            Self::Threaded(rt) => rt.handle(),
            Self::Ticked(rt) => rt.handle(),
        }
    }

    /// Waits for something that the runtime does.
    fn until(&self, done: impl Fn() -> bool) {
        common::until(|| {
            if let Self::Ticked(rt) = self {
                rt.run_until_stalled().unwrap();
            }
            done()
        });
    }
}

/// Starts the task of a state, from the builder of whoever owns it.
macro_rules! start {
    ($builder:expr, $state:expr, $ui:expr, $gate:expr) => {{
        let (end, retry, gate) = ($ui.hook(|ui| &ui.ends), $ui.hook(|ui| &ui.retries), $gate.clone());
        let builder = $builder.name("row").on_end(move |_| end()).progress::<u8>(1);
        let policy = RetryPolicy::fixed(LONG).max_attempts(2).on_retry(move |_, _, _| retry());
        let task: Task<Bomb, u8> = match $state {
            State::Pending => builder.spawn(|_cx| pending()),
            State::Sending => builder.spawn(|mut cx| async move {
                let _bomb = Bomb;
                while cx.send(1).await.is_ok() {}
                pending().await
            }),
            State::Closure => builder.spawn_blocking(move |_cx| {
                gate.wait();
                panic!("planned")
            }),
            State::Waiting => builder.retry(policy).run(|_cx| async { Err("planned") }),
            State::WaitingClosure => builder.retry(policy).run_blocking(|_cx| Err("planned")),
            State::Done => builder.spawn(|_cx| async { Bomb }),
            State::Failed => builder.run(|_cx| async { Err("planned") }),
        };
        task
    }};
}

fn reached(task: &Task<Bomb, u8>, state: State) -> bool {
    match state {
        State::Pending => true,
        State::Sending => task.progress_len() == 1,
        State::Closure => task.status() == Status::Running,
        State::Waiting | State::WaitingClosure => task.next_attempt_at().is_some(),
        State::Done | State::Failed => task.is_done(),
    }
}

/// One cell of the matrix.
fn live(ticked: bool, state: State, call: Call) {
    let (ui, gate) = (Ui::new(), Latch::new());
    let host = Host::new(ticked, &ui);
    let handle = host.handle().clone();
    let (group, pool) = (TaskGroup::new(&handle), TaskPool::new(&handle, 2).unwrap());
    // A reactor that is held keeps the task pending; a host that does not tick does as well.
    let hog = match &host {
        Host::Threaded(rt) if state == State::Pending => Some(Hog::reactor(rt.handle())),
        _ => None,
    };
    let mut task = match call {
        Call::DropGroup | Call::CancelGroup => start!(group.task(), state, ui, gate),
        Call::DropPool => start!(pool.handle().task(), state, ui, gate),
        _ => start!(handle.task(), state, ui, gate),
    };
    if state != State::Pending {
        host.until(|| reached(&task, state));
    }
    let what = format!("ticked: {ticked}, {state:?}, {call:?}");
    println!("{what}"); // the last one of a run that fails
    let retries = usize::from(matches!(state, State::Waiting | State::WaitingClosure));
    assert_eq!(ui.retries.count(), retries, "{what}");

    let mut host = Some(host);
    let mut kept = None;
    match call {
        Call::Cancel => {
            ui.call(|| task.cancel());
            kept = Some(task);
        }
        Call::Drop => ui.call(|| drop(task)),
        Call::Take => {
            // What is dropped of the value is the host's own.
            std::mem::forget(ui.call(|| task.take()).map(Result::ok));
            kept = Some(task);
        }
        Call::Detach => ui.call(|| task.detach()),
        Call::Share => ui.call(|| drop(task.share())),
        Call::Progress => {
            ui.call(|| task.progress().count());
            kept = Some(task);
        }
        Call::SetPriority => {
            ui.call(|| task.set_priority(Priority::Background));
            kept = Some(task);
        }
        Call::DropSet => {
            let mut set = TaskSet::new();
            set.insert(1, task);
            ui.call(|| drop(set));
        }
        Call::DropSession => {
            let mut session = Session::new(&handle);
            drop(session.replace("row", task));
            ui.call(|| drop(session));
        }
        Call::DropManager => {
            let manager = TaskManager::new(&handle);
            drop(manager.insert(task));
            ui.call(|| drop(manager));
        }
        Call::DropGroup => {
            ui.call(|| drop(group));
            kept = Some(task);
        }
        Call::CancelGroup => {
            ui.call(|| group.cancel_all());
            kept = Some(task);
        }
        Call::DropPool => {
            ui.call(|| drop(pool));
            kept = Some(task);
        }
        // That of a ticked runtime is its last tick, in which hooks may run.
        Call::DropRuntime if ticked => {
            drop(host.take());
            kept = Some(task);
        }
        Call::DropRuntime => {
            ui.call(|| drop(host.take()));
            kept = Some(task);
        }
    }
    if let Some(Host::Ticked(rt)) = &host {
        // A pool thread may be about to notify, so the answer may still become true.
        let before = rt.needs_tick();
        assert!(rt.needs_tick() || !before, "{what}: it only asks");
    }
    if let Some(hog) = hog {
        hog.release();
    }
    gate.open();
    // The end of it all, in the open.
    drop(kept);
    let goes_on = call == Call::Detach && !matches!(state, State::Closure | State::Done | State::Failed);
    if let Some(host) = host.as_ref().filter(|_| !goes_on) {
        host.until(|| ui.ends.count() == 1);
    }
    drop(host);
    common::until(|| ui.ends.count() == 1);
    if state == State::Done && call != Call::Take {
        common::until(|| ui.panics.count() == 1);
    }
    assert_eq!(ui.inside.count(), 0, "{what}: a hook ran inside the call");
    assert!(ui.unhandled.count() <= 1 && ui.panics.count() <= 1 && ui.ends.count() == 1, "{what}: each once");
}

#[test]
fn no_hook_runs_inside_a_call_of_a_host() {
    quiet_planned_panics();
    for state in STATES {
        for call in CALLS {
            live(false, state, call);
        }
    }
}

#[test]
fn no_hook_runs_inside_a_call_between_two_ticks() {
    quiet_planned_panics();
    for state in STATES {
        for call in CALLS {
            live(true, state, call);
        }
    }
}

/// The four ways of an egui program: it drops a closure, cancels it, drops a future, cancels a task that waits to retry.
#[test]
fn a_host_that_holds_its_lock_over_a_frame() {
    let ui = Ui::new();
    let Host::Threaded(rt) = Host::new(false, &ui) else { unreachable!() };
    let gate = Latch::new();
    let closure = || {
        let gate = gate.clone();
        rt.task().progress::<u8>(1).spawn_blocking(move |_cx| gate.wait())
    };
    let running = closure();
    common::until(|| running.status() == Status::Running);
    let queued = closure();
    let policy = RetryPolicy::fixed(LONG).max_attempts(3);
    let retried = rt.task().retry(policy).run(|_cx| async { Err::<(), _>("offline") });
    common::until(|| retried.next_attempt_at().is_some());
    rt.take_update();
    let before = ui.updates.count();
    ui.call(|| {
        assert!(queued.cancel());
        drop(running);
        drop(rt.spawn(pending::<()>()));
        assert!(retried.cancel());
        assert!(rt.take_update(), "the host sees it in this very frame");
    });
    ui.updates.wait_for(before + 1);
    gate.open();
    assert_eq!(ui.inside.count(), 0);
}

/// What is refused, and what comes after the end of the runtime.
#[test]
fn refused_tasks_and_late_ends_call_their_hooks_elsewhere() {
    quiet_planned_panics();
    let ui = Ui::new();
    let Host::Threaded(rt) = Host::new(false, &ui) else { unreachable!() };
    let end = || {
        let hook = ui.hook(|ui| &ui.ends);
        move |_: &offtick::TaskInfo| hook()
    };
    let hog = Hog::reactor(rt.handle());
    let refused = |handle: &Handle| {
        ui.call(|| {
            let task: Task<(), u8> = handle.task().on_end(end()).progress(0).spawn(|_cx| async {});
            assert!(task.is_done());
            task.detach();
            let bad = RetryPolicy::<&str>::none().max_attempts(0);
            let task = handle.task().on_end(end()).retry(bad).run(|_cx| async { Ok(()) });
            assert!(task.is_done());
            task.detach();
        });
    };
    refused(rt.handle());
    assert_eq!((ui.ends.count(), ui.unhandled.count()), (0, 0), "the reactor is held");
    hog.release();
    ui.ends.wait_for(2);
    ui.unhandled.wait_for(2);

    // A value and an error that outlive the runtime, a closure that returns late.
    let (value, error) = (rt.spawn(async { Bomb }), rt.run(async { Err::<(), _>("planned") }));
    common::until(|| value.is_done() && error.is_done());
    let gate = Latch::new();
    let started = Latch::new();
    let (theirs, begun) = (gate.clone(), started.clone());
    let closure = rt.spawn_blocking(move || {
        begun.open();
        theirs.wait();
        panic!("planned")
    });
    started.wait();
    let handle = rt.handle().clone();
    let left = rt.shutdown(Duration::from_millis(300));
    assert!(left.reactor_stopped && !left.is_clean());
    handle.take_update();
    let (ends, unhandled, panics) = (ui.ends.count(), ui.unhandled.count(), ui.panics.count());
    ui.call(|| drop(value));
    ui.call(|| error.detach());
    ui.call(|| drop(closure));
    ui.call(|| handle.task().on_end(end()).spawn(|_cx| async {}).detach());
    ui.ends.wait_for(ends + 1);
    ui.unhandled.wait_for(unhandled + 1);
    ui.panics.wait_for(panics + 1);
    gate.open();
    ui.panics.wait_for(panics + 2);
    assert_eq!(ui.inside.count(), 0);
}

/// Jobs and what runs again and again: the host's calls between the ticks, and those on a runtime with a thread.
#[test]
fn hooks_of_jobs_run_outside_of_the_host_s_calls() {
    for ticked in [false, true] {
        let ui = Ui::new();
        let host = Host::new(ticked, &ui);
        let handle = host.handle().clone();
        let scheduler = Scheduler::new(&TaskManager::new(&handle));
        let gate = Latch::new();
        let theirs = gate.clone();
        let [run, missed, overlapped] = [(); 3].map(|()| ui.hook(|ui| &ui.ends));
        let job = ui.call(|| {
            let builder = scheduler.every(LONG).now().on_run(move |_| run()).on_missed(move |_| missed());
            builder.on_overlapped(move |_| overlapped()).spawn_blocking(move |_cx| theirs.wait()).unwrap()
        });
        host.until(|| ui.ends.count() == 1);
        ui.call(|| job.run_now());
        host.until(|| ui.ends.count() == 2);
        ui.call(|| job.cancel_runs());
        ui.call(|| job.remove());
        ui.call(|| scheduler.shutdown(Duration::ZERO));
        ui.call(|| drop((job, scheduler)));
        let again = Background::on(&handle).spawn(|_cx| pending::<()>()).unwrap();
        ui.call(|| again.start());
        ui.call(|| drop(again));
        gate.open();
        drop(host);
        assert_eq!(ui.inside.count(), 0);
    }
}

/// What a hook calls: a runtime, and tasks of its own to cancel.
type Within = (Handle, Vec<Task<()>>);

/// Each hook calls everything there is; nothing waits for itself.
#[test]
fn hooks_that_call_back() {
    quiet_planned_panics();
    for ticked in [false, true] {
        let ui = Ui::new();
        let slot: Arc<Mutex<Option<Within>>> = Arc::default();
        let calls = Tally::new();
        let back = {
            let (slot, calls) = (Arc::clone(&slot), calls.clone());
            move || {
                let taken = slot.lock().unwrap().as_mut().map(|(handle, tasks)| (handle.clone(), tasks.pop()));
                let Some((handle, Some(last))) = taken else { return };
                last.cancel();
                drop(last);
                let mut spawned = handle.spawn(async {});
                assert!(spawned.wait().is_err(), "this thread drives the runtime");
                spawned.detach();
                handle.spawn_blocking(|| ()).detach();
                handle.take_update();
                handle.metrics();
                handle.tasks();
                calls.note();
                panic!("planned");
            }
        };
        let (update, panicked, unhandled, end) = (back.clone(), back.clone(), back.clone(), back);
        let common = |rt: &Handle| {
            let tasks = (0..4).map(|_| rt.spawn(pending())).collect();
            *slot.lock().unwrap() = Some((rt.clone(), tasks));
            rt.task().on_end(move |_| end()).run(|_cx| fails()).detach();
        };
        if ticked {
            let builder = LocalBuilder::new().on_update(update).on_panic(move |_, _| panicked());
            let rt = builder.on_unhandled_error(move |_, _| unhandled()).build().unwrap();
            common(rt.handle());
            host_until(&rt, || calls.count() >= 3);
        } else {
            let builder = Builder::new().on_update(update).on_panic(move |_, _| panicked());
            let rt = builder.on_unhandled_error(move |_, _| unhandled()).build().unwrap();
            common(rt.handle());
            calls.wait_for(3);
            drop(rt);
        }
        assert!(calls.count() >= 3);
        slot.lock().unwrap().take();
        drop(ui);
    }
}

async fn fails() -> Result<(), &'static str> {
    panic!("planned")
}

fn host_until(rt: &LocalRuntime, done: impl Fn() -> bool) {
    common::until(|| {
        rt.run_until_stalled().unwrap();
        done()
    });
}

/// A hook drops its own runtime, from inside.
#[test]
fn a_hook_that_drops_the_runtime() {
    let slot: Arc<Mutex<Option<Runtime>>> = Arc::default();
    let (theirs, dropped) = (Arc::clone(&slot), Tally::new());
    let done = dropped.clone();
    let rt = Builder::new()
        .on_update(move || {
            drop(theirs.lock().unwrap().take());
            done.note();
        })
        .build()
        .unwrap();
    let gate = Signal::new();
    let given = gate.clone();
    let task = rt.task().quiet().spawn(move |_cx| async move { given.given().await });
    *slot.lock().unwrap() = Some(rt);
    let trigger = slot.lock().unwrap().as_ref().map(|rt| rt.spawn(async {}));
    dropped.wait_for(1);
    common::until(|| task.is_done());
    drop(trigger);
    gate.give();
}

/// Two hosts look at one runtime, a third one never takes the flag: an update reaches one of the two, and the hook is
/// called once for all that come before somebody takes it.
#[test]
fn two_hosts_of_one_runtime() {
    let ui = Ui::new();
    let Host::Threaded(rt) = Host::new(false, &ui) else { unreachable!() };
    for round in 1..=20 {
        let tasks: Vec<_> = (0..10).map(|_| rt.spawn(async {})).collect();
        common::until(|| tasks.iter().all(Task::is_done));
        common::after_hooks(rt.handle());
        assert_eq!(ui.updates.count(), round);
        let taken = std::thread::scope(|scope| {
            let hosts = [(); 2].map(|()| scope.spawn(|| usize::from(rt.take_update())));
            hosts.into_iter().map(|host| host.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 1);
    }
    for _ in 0..20 {
        let mut task = rt.spawn(async {});
        task.wait_timeout(HANG).unwrap().unwrap();
    }
    common::after_hooks(rt.handle());
    assert_eq!(ui.updates.count(), 21, "nobody has taken it");
}

/// The lines of the cookbook: the repaint is asked for while the frame holds its lock.
#[test]
fn the_lines_of_the_cookbook() {
    let ctx = Arc::new((Mutex::new(()), Tally::new()));
    let repaint = Arc::clone(&ctx);
    let request_repaint = move || {
        let _inner = repaint.0.lock().unwrap();
        repaint.1.note();
    };
    let rt = Builder::new().on_update(request_repaint).build().unwrap();
    let mut load: Option<Task<&str>> = Some(rt.spawn_blocking(|| "loaded"));
    ctx.1.wait_for(1);
    rt.take_update();
    let input = ctx.0.lock().unwrap();
    drop(load.take()); // escape
    load.get_or_insert_with(|| rt.spawn_blocking(|| "again")); // a click
    drop(input);
    ctx.1.wait_for(2);
    common::until(|| load.as_ref().is_some_and(Task::is_done));
}
