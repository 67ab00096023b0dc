//! **offtick** runs futures and blocking closures in the background of programs that poll: game loops, immediate-mode GUIs,
//! terminal dashboards, embedded-Linux control loops.
//!
//! Such a program never waits. It starts work, keeps a [`Task`] handle, and checks its status, progress and result on
//! each tick. The executor, the reactor and the blocking pool are written from scratch. No other async runtime is
//! beneath.
//!
//! # Quick start
//! ```
//! use offtick::{Runtime, Task};
//!
//! let rt = Runtime::new()?;
//! // A closure that may block and reports its progress, on a pool thread.
//! let import: Task<usize, u32> = rt.task().name("import").progress(64).run_blocking(|cx| {
//!     for percent in (0..=100).step_by(25) {
//!         cx.check()?; // leaves if the task was cancelled
//!         cx.report(percent);
//!     }
//!     Ok::<_, offtick::Cancelled>(42)
//! });
//! // A future, on the reactor thread.
//! let greeting: Task<&str> = rt.spawn(async { "hello" });
//!
//! loop {
//!     // One tick. The results first: a finished task has all of its progress below.
//!     let results = (import.result(), greeting.result());
//!     for percent in import.progress() {
//!         println!("{percent} %");
//!     }
//!     match results {
//!         (Some(Ok(rows)), Some(Ok(text))) => break println!("{text}: {rows} rows"),
//!         (Some(Err(error)), _) | (_, Some(Err(error))) => panic!("{error}"),
//!         _ => std::thread::yield_now(), // draw, handle input ...
//!     }
//! }
//! # Ok::<(), offtick::BuildError>(())
//! ```
//!
//! # Which method
//! | body | returns `T` | returns `Result<T, E>` |
//! |---|---|---|
//! | future, on the reactor thread | [`spawn`](Handle::spawn) | [`run`](Handle::run) |
//! | closure that may block, on a pool thread | [`spawn_blocking`](Handle::spawn_blocking) | [`run_blocking`](Handle::run_blocking) |
//!
//! [`TaskBuilder`] ([`rt.task()`](Handle::task)) has the same four methods. Its bodies get a [`TaskContext`], and their
//! futures need not be `Send`. [`try_spawn_blocking`](Handle::try_spawn_blocking) and
//! [`try_run_blocking`](Handle::try_run_blocking) return the closure when the queue is full. When the compiler asks for
//! the type `E`, end the body with [`offtick::Ok(value)`](Ok()): then `?` converts any error into a [`BoxError`].
//!
//! The functions [`spawn()`], [`run()`], [`spawn_blocking()`], [`run_blocking()`] and [`task()`] do the same on the process-wide
//! [`runtime()`].
//!
//! The [`cookbook`] has a page for each everyday job: a progress bar, HTTP from a GUI, a debounced search, a graceful
//! shutdown, tests with fake time.
//!
//! # What happens when
//! - **A handle is dropped**: its task is cancelled. [`Task::detach`] lets it run on.
//! - **A task is cancelled**: if it has not started, it never runs. A waiting future is dropped on the reactor thread.
//!   A running closure finds out through its context; its task ends immediately, and a value that it still returns is
//!   dropped.
//! - **A body panics**: its task ends with [`TaskError::Panicked`], which has the message and the payload. Everything
//!   else keeps running.
//! - **The runtime shuts down**: unfinished tasks end with [`TaskError::RuntimeGone`]. Tasks that are spawned later
//!   through a [`Handle`] that was kept end in the same way. The runtime's threads and descriptors are released even if
//!   handles are kept. Its timers [continue in real time](time#after-the-end-of-a-runtime). A future that spawns
//!   another one each time it is dropped is refused 16 times, then leaked.
//!
//! # Threads
//! A [`Runtime`] has one reactor thread, `offtick-reactor`, and pool threads, `offtick-blocking-N`, while there are
//! closures to run. An idle runtime never wakes. A [`Scheduler`] has no thread: it is a future on the reactor.
//!
//! **`fork`**: a child process has none of these threads, and a copy of their locks in an unknown state. Between `fork`
//! and `exec` a child must neither use nor drop a runtime of its parent; [`std::process::Command`] is fine. A program
//! that forks and continues, such as a daemon, builds its runtimes afterwards.
//!
//! **Suspend**: timers use the monotonic clock of [`time::Instant`], which stops on Linux and macOS while the
//! machine sleeps. A sleep of one minute ends after one minute of waking time. Jobs by cron expression and by time of
//! day use the wall clock: a time that passed during the suspend is a missed run, and the rules of the job apply.
//! **`dlclose`**: a library that is unloaded must leave no thread in its code. Shut its runtimes down with
//! [`Runtime::shutdown`] and the process-wide one with [`shutdown`]. Unload only after a report that [is
//! clean](ShutdownReport::is_clean), and keep none of its handles, wakers or results.
//!
//! # No thread at all
//! A [`LocalRuntime`] is the same engine, driven by the host's own loop: each [`tick`](LocalRuntime::tick) does the
//! work that fits into a [`Budget`]. Its futures and their results need not be `Send`. Under a manual clock the host
//! sets the time: game time that pauses, runs slowly or steps. [`with_host`] lends the host's data to a task, and a
//! [`ChildClock`](time::ChildClock) gives a task its own pace.
//! ```
//! use offtick::time::{Clock, sleep};
//! use offtick::{Budget, LocalBuilder, with_host};
//! use std::time::Duration;
//!
//! struct World {
//!     door: &'static str,
//! }
//!
//! let rt = LocalBuilder::new().clock(Clock::manual()).build()?;
//! let _script = rt.run(async {
//!     sleep(Duration::from_millis(50)).await; // game time
//!     with_host(|world: &mut World| world.door = "open").await
//! });
//! let mut world = World { door: "shut" };
//! for _frame in 0..5 {
//!     // Read the input, let 16 ms of game time pass in at most 2 ms of real time, draw.
//!     rt.advance_with(&mut world, Duration::from_millis(16), Budget::time(Duration::from_millis(2)))?;
//! }
//! assert_eq!(world.door, "open");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # On the web
//! On wasm32-unknown-unknown, with `default-features = false`, a [`LocalRuntime`] has all that needs no thread. A page ticks it in
//! each frame, or from [`LocalBuilder::on_wake`] and a timeout for [`LocalRuntime::next_deadline`]; the package `offtick-web` does
//! the latter. What differs there:
//! - [`Runtime::new`], and so the free functions of this module, return errors. Closures run
//!   [in ticks](LocalBuilder::blocking_inline).
//! - No call blocks. [`block_on`], [`LocalRuntime::run_until`] and [`Task::wait`] return their `WouldDeadlock` as soon as they would
//!   have to wait.
//! - Hooks need not be `Send` ([`MaybeSend`]), and [`LocalBuilder::on_wake`] also reports the page's own wakes, from a microtask.
//!   After the end of its runtime no hook is called.
//! - Timers that no runtime drives are fired by `setTimeout`.
//! - **Panics** abort, unless std is built with unwinding. The page gets an exception, nothing is unwound, the tick never ends: the
//!   runtime refuses all others ([`TickError::Nested`]), and a task shows the status that it had. Instantiate the module anew.
//!   With unwinding, panics become [`TaskError::Panicked`] as elsewhere.
//! - [`time::Instant`] says where time comes from, also without JavaScript bindings.
//!
//! # Tests
//! [`testing`] has a deterministic runtime whose time moves only when the test moves it. It shuffles the order of the
//! tasks by a seed, and finds tasks and threads that a program left behind.
//!
//! # Enums and errors
//! Statuses, which programs match on to draw ([`Status`], [`View`], `JobStatus`, `RestartStatus`, the state of a
//! `Reconnecting`), and answers of calls (`Triggered`) are exhaustive: a new variant is a breaking change. Options, reasons,
//! errors and reports are `#[non_exhaustive]`. All are `Clone`, but for errors that hold a [`std::io::Error`] or what the caller gave
//! away. `Display` of an error states its own part, and [`source`](std::error::Error::source) the rest. An option out of its range is
//! an [`InvalidSetting`] everywhere.
//!
//! # Features
//! - `net` (default): the reactor waits in the system's poll, by the crate `mio`. Without it, the reactor waits on a
//!   condition variable, and mio is not compiled.
//! - `futures-io`: the streams of `net` implement `futures_io::{AsyncRead, AsyncWrite}`.
//! - `stream`: intervals, incoming connections and signals implement `futures_core::Stream`.
//! - `toolkit` (default): utilities built on tasks: managers, sets, groups, pools and sessions (at the root),
//!   [`toolkit`], [`mod@scheduler`], [`schedule`] and [`testing`]. Without it, tasks, both runtimes, timers, retries
//!   and progress remain, and the crate compiles in half of the time.
//! - `cron` (default, enables `toolkit`): schedules by cron expression, time of day and date ([`schedule`]), on the
//!   crate `chrono`. Intervals do not need it.
//! - `tracing`: a span per task, entered around its polls, and events, for the crate `tracing`. See [below](#tracing).
//! - `priority`: pool threads may run below the normal priority ([`Builder::blocking_priority`]).
//! - `signal` (Unix): the signals of the process as a stream, and a graceful shutdown on the first of them, on the
//!   crate `signal-hook`.
//!
//! # Tracing
//! With the feature `tracing` each task has a span `task` (target `offtick::task`, level debug) with its `id`, `name`, `file` and
//! `line` of the spawn. It follows from the span that spawned it and is entered around each poll, or the closure. Events:
//!
//! | target | level | event |
//! |---|---|---|
//! | `offtick::retry` | debug | an attempt begins; one failed, and the task waits for the next |
//! | `offtick::task` | warn | an error that no handle received ([`Builder::on_unhandled_error`]); a slow poll ([`Builder::watch_polls`]) |
//! | `offtick::scheduler` | warn | runs of a job were missed; a run overlapped |
//! | `offtick::schedule` | warn | the time zone of the machine cannot be read |
//! | `offtick::blocking` | warn | a closure was refused and returned |

#![cfg_attr(not(test), deny(clippy::unwrap_used))]
// Without `toolkit`, some parts of the core have no user, and the pages of the core link to items of the toolkit.
#![cfg_attr(not(feature = "toolkit"), allow(dead_code, unused_imports, rustdoc::broken_intra_doc_links))]

mod counters;
mod error;
mod instant;
mod sync;
mod trace;
mod util;

mod park;
mod progress;
mod task;

mod blocking;
mod executor;
#[cfg(feature = "net")]
mod reactor;
pub mod time;

mod runtime;

#[cfg(feature = "net")]
pub mod net;

// Models check the protocol of its latch in every build.
#[cfg(all(unix, any(feature = "signal", all(loom, test))))]
pub mod signal;

pub mod eager;
pub mod queue;
pub mod retry;
mod spawn;

#[cfg(feature = "toolkit")]
mod manage;
#[cfg(feature = "toolkit")]
mod repeat;
#[cfg(feature = "toolkit")]
pub mod schedule;
#[cfg(feature = "toolkit")]
pub mod scheduler;
#[cfg(feature = "toolkit")]
pub mod testing;
#[cfg(feature = "toolkit")]
pub mod toolkit;

// Documentation and examples only: nothing here is compiled into the crate.
#[cfg(all(feature = "toolkit", any(doc, doctest)))]
pub mod cookbook;

// The models of `loom-tests/` live inside the crate, so that they reach what they check without widening the API.
// Unit tests are gated by `not(loom)`: outside a model, loom's types do not work.
#[cfg(all(loom, test))]
#[path = "../loom-tests/mod.rs"]
mod loom_tests;

/// The crate of the dates and zones in [`schedule`].
#[cfg(feature = "cron")]
pub use chrono;
/// The crate of the sources that [`net::Io`] watches.
#[cfg(feature = "net")]
pub use mio;

pub use error::{
    BoxError, BuildError, Cancelled, InstallError, IntoBoxError, InvalidSetting, Panic, RetryError, TaskError,
    TrySpawnError,
};
#[cfg(feature = "toolkit")]
pub use manage::{
    CompletionQueue, DrainCompleted, GroupProgress, ManagedTask, PoolHandle, PoolMap, PoolMapInOrder, PoolSet,
    PoolStopped, Session, StopReport, TaskGroup, TaskManager, TaskPool, TaskPoolBuilder, TaskSet, ThreadBound,
    ThreadBoundError, ThreadError, ThreadReport, WorkerThread, WorkerThreadBuilder, WrongType, manager,
};
pub use progress::{Drain, Reporter, SendError, SendErrorReason, Sending, SharedReporter, TrySendError};
pub use queue::{ReadyQueue, yield_now};
pub use retry::RetryPolicy;
pub use runtime::{
    Budget, Builder, Handle, LocalBuilder, LocalHandle, LocalRuntime, Metrics, PriorityRefused, Runtime,
    ShutdownReport, SlowPoll, TakeFrom, TaskList, ThreadPriority, TickError, TickReport, WithHost, WithHostError,
    block_on, runtime, shutdown, with_host,
};
#[cfg(feature = "toolkit")]
pub use scheduler::{Job, Overlap, ScheduleError, Scheduler, scheduler};
pub use spawn::{
    DefaultRuntime, FutureTarget, SpawnTarget, TaskBuilder, TaskContext, run, run_blocking, spawn, spawn_blocking, task,
};
pub use task::{
    AnyTask, AsView, CancelHandle, Completer, IntoSharedResult, Priority, SharedResult, SharedTask, SharedValue,
    Status, Task, TaskId, TaskInfo, View, join_all, promise, race,
};
pub use time::host_until::with_host_until;
pub use util::bounds::{MaybeSend, MaybeSendSync};

/// Returns [`Result::Ok`] with [`BoxError`] as the error type.
///
/// Use it for the last line of a `run` body: with a bare `Ok(value)` the compiler cannot infer the error type.
///
/// # Example
/// ```
/// let mut task = offtick::run(async {
///     let port: u16 = "8080".parse()?;
///     offtick::Ok(port + 1)
/// });
/// assert_eq!(task.wait()?, 8081);
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[expect(non_snake_case, reason = "it stands in for the variant")]
pub fn Ok<T>(value: T) -> Result<T, BoxError> {
    Result::Ok(value)
}
