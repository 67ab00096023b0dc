//! The handle as a host uses it on each frame.

mod common;

use offtick::{Runtime, Status, Task, TaskError};
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
