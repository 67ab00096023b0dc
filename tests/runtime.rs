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
