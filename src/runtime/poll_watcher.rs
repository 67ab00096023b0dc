//! The thread that watches for slow polls.
//!
//! It checks once per threshold while the runtime polls, and sleeps otherwise. It knows the [`PollWatch`] and the hook,
//! not the runtime: a hook that never returns delays later reports, and nothing else.

use super::shared::Shared;
use super::shutdown::Ending;
use crate::error::BuildError;
use crate::executor::{Look, PollWatch, SlowPoll};
use crate::instant::Instant;
use crate::sync::Arc;
use crate::sync::plain::{AtomicU64, Ordering};
use crate::task::raw::thread_token;
use crate::trace;
use crate::util::catch::guarded;
use std::time::Duration;

/// The hook that is called for each slow poll.
pub(crate) type SlowPollHook = Box<dyn Fn(&SlowPoll) + Send + Sync>;

/// The runtime's side of its watcher.
pub(crate) struct PollWatcher {
    watch: Arc<PollWatch>,
    ending: Arc<Ending>,
    /// The watcher's thread; 0 before it runs.
    thread: Arc<AtomicU64>,
}

impl PollWatcher {
    /// Starts the thread.
    pub(crate) fn start(threshold: Duration, hook: Option<SlowPollHook>) -> Result<Self, BuildError> {
        let watcher = Self {
            watch: Arc::new(PollWatch::new(threshold)),
            ending: Arc::new(Ending::new()),
            thread: Arc::new(AtomicU64::new(0)),
        };
        let (watch, ending, thread) =
            (Arc::clone(&watcher.watch), Arc::clone(&watcher.ending), Arc::clone(&watcher.thread));
        crate::sync::thread::Builder::new()
            .name("offtick-watch".to_owned())
            .spawn(move || {
                thread.store(thread_token(), Ordering::Relaxed);
                run(&watch, hook.as_deref());
                drop(hook);
                ending.tell();
            })
            .map_err(BuildError::Thread)?;
        Ok(watcher)
    }

    pub(crate) fn watch(&self) -> &Arc<PollWatch> {
        &self.watch
    }

    /// Ends the thread, and waits for it until `deadline`.
    ///
    /// Does not wait on the watcher thread.
    fn end(&self, deadline: Option<Instant>) {
        self.watch.close();
        if self.thread.load(Ordering::Relaxed) != thread_token() {
            self.ending.wait(deadline);
        }
    }
}

impl Drop for PollWatcher {
    fn drop(&mut self) {
        self.watch.close();
    }
}

fn run(watch: &PollWatch, hook: Option<&(dyn Fn(&SlowPoll) + Send + Sync)>) {
    let mut seen = 0;
    while !watch.is_closed() {
        match watch.look(&mut seen) {
            Look::Slow(poll) => {
                let task = poll.task();
                trace::slow_poll(task.map(|task| task.id().get()), task.and_then(|task| task.name()), poll.elapsed());
                if let Some(hook) = hook {
                    guarded(|| hook(&poll));
                }
            }
            Look::Again(wait) => watch.wait(Some(wait)),
            Look::Sleep => watch.wait(None),
        }
    }
}

impl Shared {
    /// Ends the watcher, if there is one.
    pub(crate) fn end_poll_watcher(&self, deadline: Option<Instant>) {
        if let Some(watcher) = &self.poll_watcher {
            watcher.end(deadline);
        }
    }
}
