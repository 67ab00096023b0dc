//! The runtimes of the peers, each on a thread of its own, as offtick's reactor is.

use async_executor::{Executor, StaticExecutor};
use bevy_tasks::{TaskPool, TaskPoolBuilder};
use futures::executor::ThreadPool;
use futures_lite::future;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
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

/// A tokio `multi_thread` runtime with all drivers and one worker: as many threads as the others have.
pub fn one_worker() -> runtime::Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("tokio starts")
}

/// Bevy's pool.
pub fn bevy(threads: usize) -> TaskPool {
    TaskPoolBuilder::new().num_threads(threads).build()
}

/// The pool of `futures`.
pub fn futures_pool(threads: usize) -> ThreadPool {
    ThreadPool::builder().pool_size(threads).create().expect("it starts")
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

    /// As smol has it: it parks in epoll.
    pub fn start_smol() -> Self {
        let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
        Self::run(executor, |stopped| async_io::block_on(executor.run(stopped)))
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

/// The floor of a wake-up: a thread that parks on the system's own, and raises a flag when it is unparked.
pub struct Parked {
    done: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Parked {
    pub fn start() -> Self {
        let [done, asked, over]: [Arc<AtomicBool>; 3] = Default::default();
        let theirs = [&done, &asked, &over].map(Arc::clone);
        let thread = std::thread::spawn(move || {
            let [done, asked, over] = theirs;
            while !over.load(Ordering::Acquire) {
                if asked.swap(false, Ordering::AcqRel) {
                    done.store(true, Ordering::Release);
                }
                std::thread::park();
            }
        });
        Self { done, asked, over, thread: Some(thread) }
    }

    pub fn ask(&self) {
        self.done.store(false, Ordering::Relaxed);
        self.asked.store(true, Ordering::Release);
        self.unpark();
    }

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.unpark();
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
