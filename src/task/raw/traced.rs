//! A body inside the tracing span of its task.

use super::body::Body;
use super::spawn_meta::SpawnMeta;
use super::state::Kind;
use crate::error::TaskError;
use crate::task::TaskId;
use crate::trace::TaskSpan;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A body and its span, which is entered around each poll and ends with the body.
    pub(super) struct Traced<B> {
        #[pin]
        body: B,
        span: Option<TaskSpan>,
    }
}

impl<B: Body> Body for Traced<B> {
    type Output = B::Output;
    const KIND: Kind = B::KIND;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
        let this = self.project();
        let _entered = this.span.as_ref().map(TaskSpan::enter);
        this.body.poll(cx)
    }
}

/// Wraps a body in its span; internal tasks of the crate have none.
pub(super) fn traced<B: Body>(body: B, id: TaskId, origin: &SpawnMeta, internal: bool) -> Traced<B> {
    let name = origin.details().and_then(|details| details.name());
    let span = (!internal).then(|| TaskSpan::new(id.get(), name, origin.location()));
    Traced { body, span }
}
