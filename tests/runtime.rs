//! Smoke.
use offtick::{Runtime, Status};

#[test]
fn smoke() {
    let rt = Runtime::new().unwrap();
    let mut t = rt.spawn(async { 1 });
    assert_eq!(t.wait().unwrap(), 1);
    let mut t = rt.spawn_blocking(|| 2);
    assert_eq!(t.wait().unwrap(), 2);
    let tasks: Vec<_> = (0..10_000).map(|i| rt.spawn(async move { i })).collect();
    for (i, mut t) in tasks.into_iter().enumerate() {
        assert_eq!(t.wait().unwrap(), i);
    }
    let mut t = rt.spawn(std::future::pending::<()>());
    assert!(t.cancel());
    assert!(t.wait().unwrap_err().is_cancelled());
    assert_eq!(t.status(), Status::Cancelled);
    println!("{:?}", rt.metrics());
    let h = rt.handle().clone();
    let mut p = rt.spawn(std::future::pending::<()>());
    drop(rt);
    println!("{:?}", p.wait());
    let mut t = h.spawn(async { 1 });
    println!("{:?}", t.wait());
}

/// A closure that waits for room hears of its cancellation, whoever brings it about, while its handle lives.
#[test]
fn a_blocked_send_ends_with_its_task() {
    use offtick::time::ManualClock;
    use offtick::{Builder, SendErrorReason, TaskCx};
    use std::sync::mpsc;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);
    let clock = ManualClock::new();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let (tell, told) = mpsc::channel();
    let next = || told.recv_timeout(LONG).expect("the sender is woken");
    let theirs = tell.clone();
    let body = move |cx: &mut TaskCx<u8>| {
        while cx.try_send(1).is_ok() {}
        theirs.send(None).unwrap();
        theirs.send(cx.send_blocking(2).err().map(|error| error.reason)).unwrap();
    };

    let task = rt.task().progress(1).spawn_blocking(body.clone());
    assert_eq!(next(), None);
    assert!(task.cancel());
    assert_eq!(next(), Some(SendErrorReason::Cancelled));

    let late = rt.task().progress(1).timeout(LONG).spawn_blocking(body.clone());
    assert_eq!(next(), None);
    clock.advance(2 * LONG);
    assert_eq!(next(), Some(SendErrorReason::Cancelled));
    assert!(late.is_done());

    let several = rt.task().progress::<u8>(1).spawn_blocking({
        let tell = tell.clone();
        move |cx| {
            let shared = cx.take_reporter().unwrap().shared();
            while shared.try_send(1).is_ok() {}
            tell.send(None).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| shared.send_blocking(2).expect_err("there is never room"));
                }
            });
            tell.send(Some(SendErrorReason::Cancelled)).unwrap();
        }
    });
    assert_eq!(next(), None);
    assert!(several.cancel());
    assert_eq!(next(), Some(SendErrorReason::Cancelled));

    let _left = rt.task().progress(1).spawn_blocking(body);
    assert_eq!(next(), None);
    assert!(rt.shutdown(LONG).is_clean());
}
