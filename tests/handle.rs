//! The handle as a host uses it on each frame.

mod common;

use offtick::time::Clock;
use offtick::{AsView, Builder, RetryPolicy, Runtime, Status, Task, TaskError, View};
use std::time::Duration;

/// How a task ends.
type Make = fn(&Runtime) -> Task<u8>;

/// One task for each way to end, and its last status.
const ENDS: &[(&str, Make, Status)] = &[
    ("done", |rt| rt.spawn(async { 1 }), Status::Done),
    ("failed", |rt| rt.run(async { Err("refused") }), Status::Error),
    ("panicked", |rt| rt.spawn_blocking(|| panic!("planned")), Status::Error),
    ("cancelled before its start", |rt| cancelled(rt.task().spawn(|_cx| std::future::pending())), Status::Cancelled),
    ("timed out", |rt| rt.task().timeout(Duration::ZERO).spawn(|_cx| std::future::pending()), Status::Error),
    ("timed out in a closure", held_closure, Status::Error),
    ("runtime shut down", |_| gone(), Status::Cancelled),
];

fn cancelled(task: Task<u8>) -> Task<u8> {
    task.cancel();
    task
}

fn held_closure(rt: &Runtime) -> Task<u8> {
    rt.task().timeout(Duration::ZERO).spawn_blocking(|cx| {
        while !cx.is_cancelled() {
            std::thread::yield_now();
        }
        1
    })
}

fn gone() -> Task<u8> {
    let handle = Runtime::new().expect("the system allows it").handle().clone();
    handle.spawn(async { 1 })
}

#[test]
fn take_on_each_frame_gives_the_result_once() {
    common::quiet_planned_panics();
    let rt = Runtime::new().unwrap();
    for (end, make, status) in ENDS {
        let mut task = make(&rt);
        let (mut values, mut errors) = (0, 0);
        for _frame in 0..4 {
            match task.take() {
                None => {}
                Some(Ok(_)) => values += 1,
                Some(Err(_)) => errors += 1,
            }
            common::until(|| task.is_done());
        }
        let expected = if *status == Status::Done { (1, 0) } else { (0, 1) };
        assert_eq!((values, errors), expected, "{end}");
        assert_eq!(task.status(), *status, "{end}: taking changes no status");
        assert!(matches!(task.result(), Some(Err(TaskError::Taken))), "{end}");
        assert!(matches!(task.result_mut(), Some(Err(TaskError::Taken))), "{end}");
        assert!(matches!(task.wait(), Err(TaskError::Taken)), "{end}");
        assert!(!task.cancel(), "{end}: it has finished");
    }
}

#[test]
fn the_value_is_changed_in_place() {
    let rt = Runtime::new().unwrap();
    let mut task = rt.spawn(async { vec![3, 1] });
    assert!(task.result_mut().is_none() || task.is_done());
    common::until(|| task.is_done());
    task.result_mut().unwrap().unwrap().push(2);
    assert_eq!(task.result().unwrap().unwrap(), &[3, 1, 2]);
    assert_eq!(task.take().unwrap().unwrap(), [3, 1, 2]);
    let mut cancelled = rt.spawn(std::future::pending::<()>());
    cancelled.cancel();
    common::until(|| cancelled.is_done());
    assert!(matches!(cancelled.result_mut(), Some(Err(TaskError::Cancelled))));
}

/// The first loop of the README: the bar is full when the loop ends, however the ticks fall.
#[test]
fn the_first_loop_of_the_readme_ends_with_a_full_bar() {
    let rt = Runtime::new().unwrap();
    for _ in 0..50 {
        let import = rt.task().name("import").progress::<u32>(64).run_blocking(|cx| {
            for percent in 0..=100 {
                cx.check()?;
                cx.report(percent);
            }
            Ok::<_, offtick::Cancelled>("42 rows")
        });
        let mut shown = None;
        loop {
            let result = import.result();
            import.progress().for_each(|percent| shown = Some(percent));
            match result {
                None => std::thread::yield_now(),
                Some(Ok(text)) => break assert_eq!(*text, "42 rows"),
                Some(Err(error)) => panic!("{error}"),
            }
        }
        assert_eq!(shown, Some(100));
    }
}

/// Looks until `holds` and checks on the way that the views only go forward.
fn forward(task: &Task<u8>, clock: &offtick::time::ManualClock, mut holds: impl FnMut(&View<'_, u8>) -> bool) {
    fn rank(view: &View<'_, u8>) -> (u32, u32) {
        match view {
            View::Pending => (0, 0),
            View::Running => (1, 0),
            View::Waiting { attempt, .. } => (1, *attempt),
            View::Done(_) | View::Failed(_) | View::Cancelled => (2, 0),
            View::Idle => (3, 0),
        }
    }
    let (mut before, mut moved) = ((0, 0), 0);
    common::until(|| {
        let view = task.view();
        let now = rank(&view);
        // Between two waits the task runs again, with a higher number.
        assert!(now.0 >= before.0, "{view:?} after {before:?}");
        if now.1 != 0 {
            assert!(now.1 >= before.1, "{view:?} after {before:?}");
            before.1 = now.1;
        }
        before.0 = now.0;
        let holds = holds(&view);
        if let View::Waiting { attempt, .. } = view
            && !holds
            && attempt > moved
        {
            moved = attempt;
            clock.step(Duration::from_secs(1));
        }
        holds
    });
}

#[test]
fn a_view_shows_every_state_and_never_goes_back() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    for blocking in [false, true] {
        let policy = RetryPolicy::fixed(Duration::from_secs(1)).max_attempts(3);
        let builder = rt.task().retry(policy);
        let mut task = if blocking {
            builder.run_blocking(|cx| if cx.attempt() < 3 { Err(format!("no {}", cx.attempt())) } else { Ok(7) })
        } else {
            builder.run(|cx| async move { if cx.attempt() < 3 { Err(format!("no {}", cx.attempt())) } else { Ok(7) } })
        };
        assert_eq!(task.max_attempts(), Some(3));
        forward(&task, &clock, |view| matches!(view, View::Waiting { attempt: 2, .. }));
        let View::Waiting { attempt, next_at, last_error } = task.view() else { panic!("it waits") };
        assert_eq!((attempt, next_at), (2, clock.now() + Duration::from_secs(1)));
        assert_eq!(last_error.label(), "no 2");
        assert!(task.last_error().is_some_and(|error| error.label() == "no 2"));
        assert_eq!((task.next_attempt_at(), task.attempt()), (Some(next_at), 2));
        assert_eq!(task.next_attempt_in(), Some(Duration::from_secs(1)));
        assert_eq!(task.cancel_handle().next_attempt_in(), Some(Duration::from_secs(1)));
        assert_eq!(task.elapsed(), Some(Duration::from_secs(1)));
        assert!(task.view().is_busy());
        forward(&task, &clock, |view| matches!(view, View::Done(7)));
        assert_eq!((task.next_attempt_at(), task.next_attempt_in()), (None, None));
        assert!(task.last_error().is_none());
        assert_eq!(task.view().value(), Some(&7));
        clock.step(Duration::from_secs(9));
        assert_eq!(task.elapsed(), Some(Duration::from_secs(2)), "it stands still");
        task.take().unwrap().unwrap();
        assert!(matches!(task.view(), View::Idle), "nothing to show once it was taken");
        assert_eq!(task.elapsed(), Some(Duration::from_secs(2)));
    }
}

#[test]
fn a_view_of_each_end() {
    common::quiet_planned_panics();
    let rt = Runtime::new().unwrap();
    for (end, make, status) in ENDS {
        let task = make(&rt);
        common::until(|| !task.view().is_busy());
        match (task.view(), status) {
            (View::Done(1), Status::Done) | (View::Cancelled, Status::Cancelled) => {}
            (View::Failed(error), Status::Error) => {
                assert_eq!(Some(error.to_string()), task.error().map(|e| e.to_string()))
            }
            (view, _) => panic!("{end}: {view:?}"),
        }
        assert_eq!((task.max_attempts(), task.last_error().is_none()), (Some(1), true));
        let shared = task.share();
        assert!(!shared.view().is_busy(), "{end}");
        assert!(!Some(shared).view().is_busy(), "{end}");
    }
    let none: Option<Task<u8>> = None;
    assert!(matches!(none.view(), View::Idle));
    let hog = common::Hog::reactor(rt.handle());
    let waiting = Some(rt.spawn(async { 1 }));
    assert!(matches!(waiting.view(), View::Pending));
    assert_eq!(format!("{:?}", waiting.view()), "Pending");
    hog.release();
}

#[test]
fn the_error_of_an_attempt_may_panic_in_its_destructor() {
    common::quiet_planned_panics();
    #[derive(Debug)]
    struct Loud;
    impl std::fmt::Display for Loud {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("loud")
        }
    }
    impl std::error::Error for Loud {}
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("planned");
        }
    }
    let rt = Runtime::new().unwrap();
    let policy = || RetryPolicy::none().max_attempts(4);
    let future = rt.task().retry(policy()).run(|cx| async move { if cx.attempt() < 4 { Err(Loud) } else { Ok(1) } });
    let closure = rt.task().retry(policy()).run_blocking(|cx| if cx.attempt() < 4 { Err(Loud) } else { Ok(1) });
    assert_eq!((common::settled(future), common::settled(closure)), (1, 1));
}

#[test]
fn a_peek_leaves_the_newest_value() {
    let rt = Runtime::new().unwrap();
    let (go, wait) = std::sync::mpsc::channel::<u32>();
    let task = rt.task().progress::<String>(2).spawn_blocking(move |cx| {
        while let Ok(step) = wait.recv() {
            cx.report(step.to_string());
        }
    });
    assert_eq!(task.peek(), None);
    for step in 1..=5 {
        go.send(step).unwrap();
        common::until(|| task.peek().as_deref() == Some(&*step.to_string()));
        assert_eq!(task.peek_with(String::len), Some(1));
    }
    assert_eq!((task.progress_len(), task.progress_dropped()), (2, 3));
    let mut drain = task.progress();
    assert_eq!(drain.next().as_deref(), Some("4"));
    assert_eq!(task.peek(), None, "a drain is on");
    drop(drain);
    let shared = task.share();
    assert_eq!(shared.peek().as_deref(), Some("5"));
    assert_eq!(shared.progress().collect::<Vec<_>>(), ["5"]);
    assert_eq!(shared.peek(), None);
    let none = rt.spawn(async {});
    assert!(none.peek().is_none());
}

/// Reports faster than it is looked at: no peek gives an older value than the one before, and once the task is seen done
/// the peek gives the last.
#[test]
fn peeks_race_with_reports_and_with_the_end() {
    let rt = Runtime::new().unwrap();
    for capacity in [1, 3, 64] {
        let task =
            rt.task().progress::<u32>(capacity).spawn_blocking(|cx| (1..=20_000).for_each(|step| cx.report(step)));
        let (mut newest, mut done) = (0, false);
        common::until(|| {
            // In this order: what is seen done has all of its progress.
            done = task.is_done();
            if let Some(step) = task.peek() {
                assert!(step >= newest, "{step} after {newest}");
                newest = step;
            }
            done
        });
        assert_eq!(newest, 20_000);
        let left: Vec<_> = task.progress().collect();
        assert_eq!(left.last(), Some(&20_000));
        assert_eq!(left.len() as u64 + task.progress_dropped(), 20_000);
    }
}

#[test]
fn a_peek_that_panics_gives_the_ring_back() {
    common::quiet_planned_panics();
    let rt = Runtime::new().unwrap();
    let mut task = rt.task().progress::<u8>(1).spawn_blocking(|cx| cx.report(1));
    task.wait().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.peek_with(|_| panic!("planned"))));
    assert!(panicked.is_err());
    assert_eq!(task.peek_with(|value| (*value, task.peek())), Some((1, None)), "no peek within a peek");
    assert_eq!(task.latest(), Some(1));
}

#[test]
fn the_elapsed_time_is_that_of_closures_as_well() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let second = Duration::from_secs(1);
    let begun = clock.now();
    let pending = rt.task().spawn(|_cx| std::future::pending::<()>());
    let closure = rt.task().spawn_blocking(|cx| while !cx.is_cancelled() {});
    assert_eq!(rt.spawn(async {}).elapsed(), None);
    for task in [&pending, &closure] {
        assert_eq!(task.elapsed(), Some(Duration::ZERO));
    }
    clock.step(second);
    for task in [&pending, &closure] {
        let before = task.elapsed();
        assert_eq!(before, Some(clock.now() - begun));
        task.cancel();
        common::until(|| task.is_done());
        clock.step(second);
        assert_eq!(task.elapsed(), before);
        assert_eq!(task.cancel_handle().elapsed(), before);
    }
}
