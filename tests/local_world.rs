//! The host's world in a task: lent for a tick, typed, answered in the same tick, and an error where there is none.

mod common;

use common::quiet_planned_panics;
use offtick::time::{Clock, next_tick, sleep};
use offtick::{
    Budget, LocalBuilder, LocalHandle, LocalRuntime, Runtime, TaskError, TickError, WithHostError, with_host, yield_now,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Default, PartialEq)]
struct World {
    log: Vec<&'static str>,
    count: u64,
}

fn runtime() -> LocalRuntime {
    LocalBuilder::new().clock(Clock::manual()).build().expect("a runtime")
}

fn count(world: &mut World) -> u64 {
    world.count += 1;
    world.count
}

#[test]
fn a_request_is_answered_in_the_same_tick() {
    let (rt, mut world) = (runtime(), World::default());
    let task = rt.run(async {
        let mut sum = 0;
        for _ in 0..100 {
            sum += with_host(count).await?;
        }
        Ok::<_, WithHostError>(sum)
    });
    let report = rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(matches!(task.result(), Some(Ok(5050))));
    assert_eq!((report.polled, world.count), (201, 100), "closures count as polls");
    assert!(report.is_idle());
}

#[test]
fn requests_of_many_tasks_take_turns_in_their_order() {
    let (rt, mut world) = (runtime(), World::default());
    for name in ["a", "b", "c"] {
        rt.run(async move {
            for _ in 0..2 {
                with_host(move |world: &mut World| world.log.push(name)).await?;
            }
            Ok::<_, WithHostError>(())
        })
        .detach();
    }
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert_eq!(world.log, ["a", "b", "c", "a", "b", "c"]);
}

#[test]
fn each_closure_runs_at_the_game_time_of_its_task() {
    let clock = Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().unwrap();
    let seen = Rc::new(RefCell::new(Vec::new()));
    for period in [3, 5] {
        let (clock, seen) = (clock.clone(), Rc::clone(&seen));
        rt.run(async move {
            loop {
                sleep(period * MS).await;
                let (clock, seen) = (clock.clone(), Rc::clone(&seen));
                with_host(move |_: &mut World| seen.borrow_mut().push((period, clock.elapsed().as_millis()))).await?;
            }
            #[allow(unreachable_code)]
            Ok::<(), WithHostError>(())
        })
        .detach();
    }
    let mut world = World::default();
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    rt.advance_with(&mut world, 10 * MS, Budget::unlimited()).unwrap();
    assert_eq!(*seen.borrow(), [(3, 3), (5, 5), (3, 6), (3, 9), (5, 10)]);
}

#[test]
fn what_the_budget_leaves_is_answered_by_the_next_tick() {
    let (rt, mut world) = (runtime(), World::default());
    let task = rt.run(async { with_host(count).await });
    let mut left = Vec::new();
    while !task.is_done() {
        left.push(rt.tick_with(&mut world, Budget::polls(1)).unwrap().left_ready);
    }
    assert_eq!((left, world.count), (vec![1, 1, 0], 1));
    // Left over, and the next tick lends nothing.
    let task = rt.run(async { with_host(count).await });
    rt.tick_with(&mut world, Budget::polls(1)).unwrap();
    assert!(rt.needs_tick());
    rt.tick(Budget::unlimited()).unwrap();
    assert_eq!(error_of(&task), Some(WithHostError::NotLent));
    // Or something else.
    let task = rt.run(async { with_host(count).await });
    rt.tick_with(&mut world, Budget::polls(1)).unwrap();
    rt.tick_with(&mut 5_u32, Budget::unlimited()).unwrap();
    assert!(matches!(error_of(&task), Some(WithHostError::WrongType { .. })));
    assert_eq!(world.count, 1);
}

fn error_of<T>(task: &offtick::Task<T>) -> Option<WithHostError> {
    task.error()?.downcast_ref::<WithHostError>().copied()
}

#[test]
fn where_there_is_no_such_world_it_is_an_error() {
    let rt = runtime();
    // A tick without one, and the waits that tick.
    let task = rt.run(async { with_host(count).await });
    rt.tick(Budget::unlimited()).unwrap();
    assert_eq!(error_of(&task), Some(WithHostError::NotLent));
    assert_eq!(rt.run_until(with_host(count)).unwrap(), Err(WithHostError::NotLent));
    // Another type: both names are told.
    let task = rt.run(async { with_host(count).await });
    rt.tick_with(&mut String::new(), Budget::unlimited()).unwrap();
    let text = error_of(&task).unwrap().to_string();
    assert!(text.contains("World") && text.contains("String"), "{text}");
    // No ticks at all.
    let threaded = Runtime::new().unwrap();
    let task = threaded.task().run(|_| async { with_host(count).await });
    common::until(|| task.is_done());
    assert_eq!(error_of(&task), Some(WithHostError::NoLocalRuntime));
    assert_eq!(common::block_on(with_host(count)), Err(WithHostError::NoLocalRuntime));
}

#[test]
fn after_the_end_of_the_runtime_it_is_an_error() {
    let (rt, mut world) = (runtime(), World::default());
    // One that waits in a place where the runtime does not drop it.
    let kept = Rc::new(RefCell::new(Box::pin(with_host(count))));
    let theirs = Rc::clone(&kept);
    let _task = rt.spawn(poll_fn(move |cx| theirs.borrow_mut().as_mut().poll(cx)));
    rt.tick_with(&mut world, Budget::polls(1)).unwrap();
    let handle = rt.local_handle().clone();
    drop(rt);
    let mut polled = kept.borrow_mut();
    let gone = polled.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(gone, Poll::Ready(Err(WithHostError::RuntimeGone)));
    let task = handle.spawn(async { with_host(count).await });
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
    assert_eq!(world.count, 0);
}

#[test]
fn a_request_that_is_given_up_never_runs() {
    let (rt, mut world) = (runtime(), World::default());
    let dropped = Rc::new(Cell::new(false));
    struct Note(Rc<Cell<bool>>);
    impl Drop for Note {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let note = Note(Rc::clone(&dropped));
    let task = rt.run(async move {
        with_host(move |world: &mut World| {
            let _note = &note;
            world.count += 1;
        })
        .await
    });
    rt.tick_with(&mut world, Budget::polls(1)).unwrap();
    task.cancel();
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(dropped.get(), "with its task, not with the runtime");
    assert_eq!(world.count, 0);
    assert!(rt.tick_with(&mut world, Budget::unlimited()).unwrap().is_idle());
}

#[test]
fn a_panic_of_the_closure_goes_on_in_the_task() {
    quiet_planned_panics();
    let (rt, mut world) = (runtime(), World::default());
    let task = rt.run(async { with_host(|_: &mut World| panic!("planned")).await });
    let other = rt.run(async { with_host(count).await });
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(matches!(task.error(), Some(TaskError::Panicked(_))));
    assert!(matches!(other.result(), Some(Ok(1))));
}

/// A closure may start tasks, one that asks for the world among them, and cannot tick.
#[test]
fn inside_a_closure() {
    let rt = Rc::new(runtime());
    let (inner, mut world) = (Rc::clone(&rt), World::default());
    let nested = Rc::new(RefCell::new(None));
    let theirs = Rc::clone(&nested);
    let task = rt.run(async move {
        with_host(move |world: &mut World| {
            world.count = 10;
            assert_eq!(inner.tick_with(&mut World::default(), Budget::unlimited()), Err(TickError::Nested));
            let handle = LocalHandle::current().expect("in a tick");
            *theirs.borrow_mut() = Some(handle.spawn_eager(async { with_host(count).await }));
            assert_eq!(world.count, 10, "it waits for its turn");
        })
        .await
    });
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(matches!(task.result(), Some(Ok(()))));
    assert!(matches!(nested.borrow().as_ref().unwrap().result(), Some(Ok(Ok(11)))));
}

#[test]
fn a_runtime_inside_another_has_a_world_of_its_own() {
    let (outer, mut world) = (runtime(), World::default());
    let task = outer.run(async {
        with_host(count).await?;
        let inner = runtime();
        let lent = inner.spawn(async { with_host(|number: &mut u32| *number).await });
        let asks_for_ours = inner.spawn(async { with_host(count).await });
        inner.tick_with(&mut 7_u32, Budget::unlimited()).unwrap();
        assert_eq!(lent.await.unwrap(), Ok(7));
        assert!(asks_for_ours.await.unwrap().is_err());
        with_host(count).await
    });
    outer.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(matches!(task.result(), Some(Ok(2))), "{task:?}");
}

/// Started between two ticks, or from another thread: the next tick answers.
#[test]
fn a_request_made_outside_of_a_tick_waits_for_the_next() {
    let (rt, mut world) = (runtime(), World::default());
    let eager = rt.spawn_eager(async { with_host(count).await });
    assert!(!eager.is_done() && rt.needs_tick());
    let handle = rt.handle().clone();
    let [spawned, started] = std::thread::spawn(move || {
        [handle.spawn(async { with_host(count).await }), handle.spawn_eager(async { with_host(count).await })]
    })
    .join()
    .unwrap();
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    for task in [eager, spawned, started] {
        assert!(matches!(task.result(), Some(Ok(Ok(1..=3)))), "{:?}", task.result());
    }
}

#[test]
fn a_future_may_move_to_another_task_while_it_waits() {
    let (rt, mut world) = (runtime(), World::default());
    let shared = Rc::new(RefCell::new(Box::pin(with_host(count))));
    let (first, second) = (Rc::clone(&shared), Rc::clone(&shared));
    rt.spawn(async move {
        let mut polled = pin!(poll_fn(|cx| Poll::Ready(first.borrow_mut().as_mut().poll(cx).is_ready())));
        assert!(!polled.as_mut().await);
    })
    .detach();
    let second = rt.spawn(async move {
        yield_now().await;
        poll_fn(|cx| second.borrow_mut().as_mut().poll(cx)).await
    });
    // The second one takes it over before the answer.
    rt.tick_with(&mut world, Budget::polls(3)).unwrap();
    rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(matches!(second.result(), Some(Ok(Ok(1)))));
}

/// A script that asks without end takes part of each tick, and no more.
#[test]
fn a_task_that_asks_for_ever_does_not_hold_the_tick() {
    let (rt, mut world) = (runtime(), World::default());
    rt.run(async {
        loop {
            with_host(count).await?;
        }
        #[allow(unreachable_code)]
        Ok::<(), WithHostError>(())
    })
    .detach();
    let report = rt.tick_with(&mut world, Budget::unlimited()).unwrap();
    assert!(report.left_ready == 1 && world.count > 1000, "{report:?}");
}

#[test]
fn the_handle_of_the_running_task() {
    assert!(LocalHandle::current().is_none());
    let rt = runtime();
    let task = rt.spawn(async {
        let inner = LocalHandle::current()?.spawn(async { Rc::new(LocalHandle::current().is_some()) });
        inner.await.ok().map(|seen| *seen)
    });
    rt.run_until_stalled().unwrap();
    assert!(matches!(task.result(), Some(Ok(Some(true)))));
    let threaded = Runtime::new().unwrap();
    assert!(threaded.spawn(async { LocalHandle::current().is_none() }).wait().unwrap());
}

#[test]
fn next_tick_gives_the_game_time_that_has_passed() {
    let clock = Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().unwrap();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let theirs = Rc::clone(&seen);
    rt.spawn(async move {
        loop {
            let passed = next_tick().await;
            theirs.borrow_mut().push(passed);
        }
    })
    .detach();
    for (length, scale) in [(10, 1.0), (20, 1.0), (40, 0.5), (7, 0.0), (5, 1.0)] {
        clock.set_scale(scale).unwrap();
        rt.advance(length * MS, Budget::unlimited()).unwrap();
    }
    clock.pause();
    rt.advance(50 * MS, Budget::unlimited()).unwrap();
    rt.advance(50 * MS, Budget::unlimited()).unwrap();
    assert_eq!(*seen.borrow(), [10 * MS, 20 * MS, 20 * MS, Duration::ZERO, 5 * MS, Duration::ZERO]);
    assert_eq!(seen.borrow().iter().sum::<Duration>(), clock.elapsed());
}
