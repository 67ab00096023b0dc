//! Runtimes that stay on one thread, behind one trait: each does the same job, in the way in which it runs a future and what
//! that spawns.

use crate::measure::{Case, Peer, Sample};
use crate::peers::current_thread;
use async_executor::LocalExecutor;
use futures::executor::{LocalPool, LocalSpawner};
use futures::task::LocalSpawnExt;
use futures_lite::future;
use offtick::{LocalHandle, LocalRuntime};
use std::future::Future;
use std::rc::Rc;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// What a job does with a runtime, from inside it.
pub trait Spawn: Clone + 'static {
    type Handle: Future;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Handle;
}

/// A runtime on this thread.
trait Local: 'static {
    type Spawner: Spawn;

    /// Drives the future of `job`, and what it spawns, until that future is ready.
    fn run_until<F: Future<Output = Sample>>(&mut self, job: impl FnOnce(Self::Spawner) -> F) -> Sample;
}

/// What is measured: the same for every peer.
pub trait Job: Copy + 'static {
    fn run(self, spawner: impl Spawn) -> impl Future<Output = Sample>;
}

/// Adds everybody to a case; `job` is what each of them does.
pub fn everybody(case: Case, job: impl Job) -> Case {
    fn running<L: Local>(mut local: L, job: impl Job) -> impl FnMut() -> Sample {
        move || local.run_until(|spawner| job.run(spawner))
    }
    let offtick = LocalRuntime::new().expect("offtick starts");
    let tokio = Tokio { runtime: current_thread().enable_all().build().expect("tokio starts"), set: LocalSet::new() };
    let executor = Rc::new(LocalExecutor::new());
    case.peer(Peer::ours("offtick LocalRuntime", running(offtick, job)))
        .peer(Peer::rival("tokio LocalSet", running(tokio, job)))
        .peer(Peer::rival("async-executor LocalExecutor", running(executor, job)))
        .peer(Peer::rival("futures LocalPool", running(LocalPool::new(), job)))
}

impl Local for LocalRuntime {
    type Spawner = LocalHandle;

    fn run_until<F: Future<Output = Sample>>(&mut self, job: impl FnOnce(LocalHandle) -> F) -> Sample {
        LocalRuntime::run_until(self, job(self.local_handle().clone())).expect("no tick is on")
    }
}

impl Spawn for LocalHandle {
    type Handle = offtick::Task<()>;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Handle {
        LocalHandle::spawn(self, future)
    }
}

struct Tokio {
    runtime: Runtime,
    set: LocalSet,
}

/// Tokio's own: it finds the set that polls it.
#[derive(Clone)]
struct Ambient;

impl Local for Tokio {
    type Spawner = Ambient;

    fn run_until<F: Future<Output = Sample>>(&mut self, job: impl FnOnce(Ambient) -> F) -> Sample {
        self.set.block_on(&self.runtime, job(Ambient))
    }
}

impl Spawn for Ambient {
    type Handle = tokio::task::JoinHandle<()>;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Handle {
        tokio::task::spawn_local(future)
    }
}

impl Local for Rc<LocalExecutor<'static>> {
    type Spawner = Self;

    fn run_until<F: Future<Output = Sample>>(&mut self, job: impl FnOnce(Self) -> F) -> Sample {
        future::block_on(self.run(job(Rc::clone(self))))
    }
}

impl Spawn for Rc<LocalExecutor<'static>> {
    type Handle = async_executor::Task<()>;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Handle {
        LocalExecutor::spawn(self, future)
    }
}

impl Local for LocalPool {
    type Spawner = LocalSpawner;

    fn run_until<F: Future<Output = Sample>>(&mut self, job: impl FnOnce(LocalSpawner) -> F) -> Sample {
        let spawner = self.spawner();
        LocalPool::run_until(self, job(spawner))
    }
}

impl Spawn for LocalSpawner {
    type Handle = futures::future::RemoteHandle<()>;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Handle {
        self.spawn_local_with_handle(future).expect("the pool lives")
    }
}
