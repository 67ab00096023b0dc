//! The floor of what hands jobs to threads: a locked list, taken whole, and threads that sleep while it is empty.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// Jobs, and who runs them. What `run` does not catch ends its thread.
pub(super) struct BareThreads<J: Send + 'static> {
    shared: Arc<Shared<J>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<J> {
    state: Mutex<State<J>>,
    news: Condvar,
}

struct State<J> {
    jobs: Vec<J>,
    sleepers: usize,
    over: bool,
}

impl<J: Send + 'static> BareThreads<J> {
    pub(super) fn start(threads: usize, run: impl Fn(J) + Copy + Send + 'static) -> Self {
        let state = State { jobs: Vec::new(), sleepers: 0, over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new() });
        let thread = |_| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                while let Some(jobs) = shared.take(threads) {
                    jobs.into_iter().for_each(run);
                }
            })
        };
        let threads = (0..threads).map(thread).collect();
        Self { shared, threads }
    }

    pub(super) fn push(&self, job: J) {
        let mut state = self.shared.state();
        state.jobs.push(job);
        let asleep = state.sleepers > 0;
        drop(state);
        if asleep {
            self.shared.news.notify_one();
        }
    }
}

impl<J> Shared<J> {
    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().expect("nothing panics under it")
    }

    /// All, or one of `parts`; `None` at the end.
    fn take(&self, parts: usize) -> Option<Vec<J>> {
        let mut state = self.state();
        loop {
            if !state.jobs.is_empty() {
                if parts == 1 {
                    return Some(std::mem::take(&mut state.jobs));
                }
                let rest = state.jobs.len() - state.jobs.len().div_ceil(parts);
                return Some(state.jobs.split_off(rest));
            }
            if state.over {
                return None;
            }
            state.sleepers += 1;
            state = self.news.wait(state).expect("nothing panics under it");
            state.sleepers -= 1;
        }
    }
}

impl<J: Send + 'static> Drop for BareThreads<J> {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.news.notify_all();
        for thread in self.threads.drain(..) {
            thread.join().expect("it does not panic");
        }
    }
}
