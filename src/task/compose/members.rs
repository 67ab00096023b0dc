//! Several tasks that are awaited at once, in time by their number: each has a waker that notes which of them ended.

use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::Task;
use crate::util::finished::Finished;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// After this many polls the composed task gives others their turn.
const POLLS: usize = 256;

pub(super) struct Members<T, P> {
    tasks: Vec<Option<Task<T, P>>>,
    /// Places of those that ended.
    finished: Arc<Finished<u32>>,
    /// Places of those that are to be polled: in the beginning all.
    due: VecDeque<u32>,
    polls: usize,
}

impl<T, P> Members<T, P> {
    pub(super) fn new(tasks: Vec<Task<T, P>>) -> Self {
        let due = (0..u32::try_from(tasks.len()).expect("there is no memory for as many")).collect();
        let tasks = tasks.into_iter().map(Some).collect();
        Self { tasks, finished: Arc::new(Finished::new()), due, polls: 0 }
    }

    /// The next member that ended: its place, and its result.
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
