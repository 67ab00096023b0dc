//! What the owners run again and again, with its types forgotten but for the result; and the verbs of their builders.

use crate::error::BoxError;
use crate::runtime::Handle;
use crate::spawn::{Maker, TaskBuilder, TaskContext};
use crate::sync::Arc;
use crate::task::{SharedTask, Task};
use crate::util::catch::drop_quietly;
use std::future::Future;

type Launch<T> = Box<dyn Fn(TaskBuilder) -> Task<T> + Send + Sync>;

/// Starts one run after the other.
pub(super) struct Body<T> {
    handle: Handle,
    name: Option<Box<str>>,
    quiet: bool,
    /// `None` in the drop only.
    launch: Option<Launch<T>>,
}

/// What the builders of all owners begin with.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) handle: Handle,
    pub(super) name: Option<Box<str>>,
    pub(super) quiet: bool,
}

impl Settings {
    pub(super) fn new(handle: &Handle) -> Self {
        Self { handle: handle.clone(), name: None, quiet: false }
    }

    pub(super) fn spawn<M, F>(self, make: M) -> Body<F::Output>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + Sync + 'static,
    {
        let maker = Arc::new(Maker::new(make));
        self.body(Box::new(move |builder| {
            let maker = Arc::clone(&maker);
            builder.spawn(move |cx| maker.make(cx))
        }))
    }

    pub(super) fn run<M, F, T, E>(self, make: M) -> Body<T>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        let maker = Arc::new(Maker::new(make));
        self.body(Box::new(move |builder| {
            let maker = Arc::clone(&maker);
            builder.run(move |cx| maker.make(cx))
        }))
    }

    pub(super) fn spawn_blocking<F, T>(self, closure: F) -> Body<T>
    where
        F: Fn(&mut TaskContext) -> T + Send + Sync + 'static,
        T: Send + Sync + 'static,
    {
        let closure = Arc::new(closure);
        self.body(Box::new(move |builder| {
            let closure = Arc::clone(&closure);
            builder.spawn_blocking(move |cx| closure(cx))
        }))
    }

    pub(super) fn run_blocking<F, T, E>(self, closure: F) -> Body<T>
    where
        F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        let closure = Arc::new(closure);
        self.body(Box::new(move |builder| {
            let closure = Arc::clone(&closure);
            builder.run_blocking(move |cx| closure(cx))
        }))
    }

    fn body<T>(self, launch: Launch<T>) -> Body<T> {
        let Self { handle, name, quiet } = self;
        Body { handle, name, quiet, launch: Some(launch) }
    }
}

impl<T: Send + Sync + 'static> Body<T> {
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Starts a run. Under no lock: if the runtime is gone, the task is over here and now, and hooks are called.
    pub(super) fn launch(&self) -> SharedTask<T> {
        let mut builder = self.handle.task().quiet_if(self.quiet);
        if let Some(name) = &self.name {
            builder = builder.name(&**name);
        }
        let launch = self.launch.as_ref().expect("taken out by the drop only");
        launch(builder).share()
    }
}

/// User data, dropped on whichever thread lets go of the owner.
impl<T> Drop for Body<T> {
    fn drop(&mut self) {
        drop_quietly(self.launch.take());
    }
}

/// The four verbs of a builder with these generics: `$made` is what they give for a body of results `T`, `$make` how it is made of a body.
macro_rules! verbs {
    ([$($generics:tt)*] $builder:ty => $made:ty, $what:literal) => {
        impl<$($generics)*> $builder {
            #[doc = concat!($what, " whose body makes a future that returns a value.")]
            ///
            /// The closure is called for each run, on the reactor thread: it may keep state, and the future need not be
            /// `Send`.
            pub fn spawn<M, F, T>(self, make: M) -> $made
            where
                M: FnMut(TaskContext) -> F + Send + 'static,
                F: Future<Output = T> + 'static,
                T: Send + Sync + 'static,
            {
                self.make(|settings| settings.spawn(make))
            }

            #[doc = concat!($what, " whose body makes a future that returns a `Result`: `Err` ends the run in `Status::Error`.")]
            ///
            /// The closure is called as that of [`spawn`](Self::spawn) is.
            pub fn run<M, F, T, E>(self, make: M) -> $made
            where
                M: FnMut(TaskContext) -> F + Send + 'static,
                F: Future<Output = Result<T, E>> + 'static,
                T: Send + Sync + 'static,
                E: Into<BoxError> + 'static,
            {
                self.make(|settings| settings.run(make))
            }

            #[doc = concat!($what, " whose body may block and returns a value.")]
            ///
            /// The closure is called for each run, on a pool thread. One that was cancelled and does not look at its
            /// context may still run while the next run does, so it is `Fn` and `Sync`.
            pub fn spawn_blocking<F, T>(self, closure: F) -> $made
            where
                F: Fn(&mut TaskContext) -> T + Send + Sync + 'static,
                T: Send + Sync + 'static,
            {
                self.make(|settings| settings.spawn_blocking(closure))
            }

            #[doc = concat!($what, " whose body may block and returns a `Result`: `Err` ends the run in `Status::Error`.")]
            ///
            /// The closure is called as that of [`spawn_blocking`](Self::spawn_blocking) is.
            pub fn run_blocking<F, T, E>(self, closure: F) -> $made
            where
                F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
                T: Send + Sync + 'static,
                E: Into<BoxError> + 'static,
            {
                self.make(|settings| settings.run_blocking(closure))
            }
        }
    };
}

pub(super) use verbs;
