//! A body inside the span of its task.

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
    /// Entered around each poll. The span ends with the body.
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

/// Gives a body its span; those of the crate's own tasks have none.
pub(super) fn traced<B: Body>(body: B, id: TaskId, origin: &SpawnMeta, internal: bool) -> Traced<B> {
    let name = origin.details().and_then(|details| details.name());
    let span = (!internal).then(|| TaskSpan::new(id.get(), name, origin.location()));
    Traced { body, span }
}
