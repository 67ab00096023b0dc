//! One rule of `#[non_exhaustive]` and `Clone` for every public enum and every report; it stands in `src/lib.rs`.

mod source;

use source::{Item, public_items};

/// What programs match on to draw, or to learn what a call did.
const STATUSES: &[&str] = &["JobStatus", "RestartStatus", "State", "Status", "Triggered", "View"];

/// What programs choose when they build something.
const OPTIONS: &[&str] =
    &["AtEnd", "Edge", "ErrorPolicy", "MissedTicks", "Overlap", "Priority", "ThreadPriority", "WhileRunning"];

/// Reasons and errors that hold an `io::Error`, or what the caller gave away.
const NOT_CLONE: &[&str] =
    &["BuildError", "InstallError", "SignalError", "ThreadError", "TrySendError", "TrySpawnError"];

/// Public for the compiler alone: in private modules, for sealed traits.
const INNER: &[&str] = &["Wanted"];

fn enums() -> Vec<Item> {
    let found: Vec<_> =
        public_items().into_iter().filter(|item| item.is_enum && !INNER.contains(&&*item.name)).collect();
    assert!(found.len() > 30, "the search finds the enums: {}", found.len());
    found
}

#[test]
fn statuses_are_exhaustive_and_all_other_enums_are_not() {
    for item in enums() {
        let status = STATUSES.contains(&&*item.name);
        assert_eq!(item.has("non_exhaustive"), !status, "{}: statuses are exhaustive, others not", item.name);
    }
}

#[test]
fn enums_are_clone_unless_they_hold_what_is_not() {
    for item in enums() {
        let clone = item.derives("Clone") || item.implements("Clone");
        assert_eq!(clone, !NOT_CLONE.contains(&&*item.name), "{}", item.name);
    }
}

#[test]
fn options_are_copy_and_comparable_and_most_have_a_default() {
    for item in enums().into_iter().filter(|item| OPTIONS.contains(&&*item.name)) {
        for derived in ["Copy", "Debug", "Default", "PartialEq", "Eq"] {
            assert!(item.derives(derived), "{}: {derived}", item.name);
        }
    }
}

#[test]
fn reports_with_public_fields_can_grow_and_be_cloned() {
    let reports: Vec<_> = public_items().into_iter().filter(|item| item.public_fields > 0).collect();
    assert!(reports.len() > 10, "the search finds the reports: {}", reports.len());
    for item in reports {
        assert!(item.has("non_exhaustive"), "{} has public fields", item.name);
        // `SendError` holds the caller's value.
        let clone = item.derives("Clone") || item.implements("Clone");
        assert!(clone || item.name == "SendError", "{} is not Clone", item.name);
    }
}

/// Compiles because the statuses are exhaustive for users, too.
#[cfg(feature = "toolkit")]
#[allow(dead_code, reason = "it is only compiled")]
mod matches_without_a_wildcard {
    use offtick::toolkit::{RestartStatus, Triggered};
    use offtick::{Status, View, scheduler::JobStatus};

    fn status(status: Status) {
        match status {
            Status::Pending | Status::Running | Status::Done | Status::Error | Status::Cancelled => {}
        }
    }

    fn view(view: &View<'_, u8>) {
        match view {
            View::Idle | View::Pending | View::Running | View::Cancelled => {}
            View::Waiting { attempt: _, next_at: _, last_error: _ } => {}
            View::Done(_) | View::Failed(_) => {}
        }
    }

    fn restart(status: RestartStatus) {
        match status {
            RestartStatus::Idle | RestartStatus::Running | RestartStatus::Stopped | RestartStatus::Completed => {}
        }
    }

    fn triggered(answer: Triggered) {
        match answer {
            Triggered::Started | Triggered::Deferred | Triggered::Absorbed => {}
        }
    }

    fn job(status: JobStatus) {
        use JobStatus::{Active, Failed, Finished, Idle, Paused, Removed, Stopped};
        match status {
            Active | Paused | Idle | Finished | Failed | Removed | Stopped => {}
        }
    }
}
