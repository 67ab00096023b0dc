//! The runtimes of the peers, each on a thread of its own, as offtick's reactor is.

use async_executor::{Executor, StaticExecutor};
use futures_lite::future;
use std::future::Future;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::runtime;
use tokio::sync::oneshot;

/// A tokio `current_thread` runtime on a thread of its own.
pub struct Tokio {
    handle: runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tokio {
    /// With all drivers, as most programs have it: it parks in epoll.
    pub fn start() -> Self {
        Self::run(current_thread().enable_all())
    }

    /// Without its I/O driver: it parks on a condition variable.
    pub fn start_without_io() -> Self {
        Self::run(current_thread().enable_time())
    }

    fn run(builder: &mut runtime::Builder) -> Self {
        let runtime = builder.build().expect("tokio starts");
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _stopped = runtime.block_on(stopped);
        });
        Self { handle, stop: Some(stop), thread: Some(thread) }
    }

    pub fn handle(&self) -> &runtime::Handle {
        &self.handle
    }
}

impl Drop for Tokio {
    fn drop(&mut self) {
        drop(self.stop.take());
        join(&mut self.thread);
    }
}

/// A builder without drivers.
pub fn current_thread() -> runtime::Builder {
    runtime::Builder::new_current_thread()
}

/// An async-executor on a thread of its own. The executor is leaked: `StaticExecutor` asks for it.
pub struct OnThread<E: 'static> {
    executor: &'static E,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OnThread<Executor<'static>> {
    pub fn start() -> Self {
        let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
        Self::run(executor, |stopped| future::block_on(executor.run(stopped)))
    }
}

impl OnThread<StaticExecutor> {
    pub fn start() -> Self {
        let executor: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
        Self::run(executor, |stopped| future::block_on(executor.run(stopped)))
    }
}

impl<E: Sync> OnThread<E> {
    /// A method, for a closure that named the field would capture that alone and let the thread end.
    pub fn executor(&self) -> &'static E {
        self.executor
    }

    fn run(executor: &'static E, drive: impl FnOnce(Stopped) + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || drive(Box::pin(async move { drop(stopped.await) })));
        Self { executor, stop: Some(stop), thread: Some(thread) }
    }
}

type Stopped = std::pin::Pin<Box<dyn Future<Output = ()>>>;

impl<E> Drop for OnThread<E> {
    fn drop(&mut self) {
        drop(self.stop.take());
        join(&mut self.thread);
    }
}

/// The floor of a background thread: it takes boxed work from a channel.
pub struct BareThread<J: Send + 'static> {
    jobs: Option<mpsc::Sender<J>>,
    thread: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> BareThread<J> {
    pub fn start(mut run: impl FnMut(J) + Send + 'static) -> Self {
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::spawn(move || queue.into_iter().for_each(&mut run));
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    pub fn send(&self, job: J) {
        self.jobs.as_ref().expect("open until the drop").send(job).expect("the thread lives until the drop");
    }
}

impl<J: Send + 'static> Drop for BareThread<J> {
    fn drop(&mut self) {
        drop(self.jobs.take());
        join(&mut self.thread);
    }
}

fn join(thread: &mut Option<JoinHandle<()>>) {
    if let Some(thread) = thread.take() {
        thread.join().expect("a peer's thread does not panic");
    }
}
