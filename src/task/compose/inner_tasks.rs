//! Several tasks that are awaited at once, each with a waker that records its end.
//!
//! Waiting takes time proportional to the number of tasks that ended.

use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::Task;
use crate::util::finished::Finished;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The number of polls after which the composed task yields.
const POLLS: usize = 256;

pub(super) struct InnerTasks<T, P> {
    tasks: Vec<Option<Task<T, P>>>,
    /// The indices of the tasks that ended.
    finished: Arc<Finished<u32>>,
    /// The indices of the tasks to poll: at first all of them.
    due: VecDeque<u32>,
    polls: usize,
}

impl<T, P> InnerTasks<T, P> {
    pub(super) fn new(tasks: Vec<Task<T, P>>) -> Self {
        let due = (0..u32::try_from(tasks.len()).expect("there is no memory for as many")).collect();
        let tasks = tasks.into_iter().map(Some).collect();
        Self { tasks, finished: Arc::new(Finished::new()), due, polls: 0 }
    }

    /// Returns the next task that ended: its index and its result.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Result<T, TaskError>)> {
        loop {
            while let Some(key) = self.due.pop_front() {
                let place = key as usize;
                let Some(task) = &mut self.tasks[place] else { continue };
                let waker = self.finished.notice(key);
                if let Poll::Ready(result) = Pin::new(task).poll(&mut Context::from_waker(&waker)) {
                    self.tasks[place] = None;
                    return Poll::Ready((place, result));
                }
                self.polls += 1;
                if self.polls.is_multiple_of(POLLS) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            if !self.finished.take_or_register(&mut self.due, cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}
