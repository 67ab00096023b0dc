//! One test in many orders.

use super::asked_for;
use super::builder::TestBuilder;
use super::runtime::TestRuntime;

/// Runs a test once per seed, with [shuffled](TestBuilder::shuffle) tasks.
///
/// Its clock [advances automatically](TestBuilder::auto_advance). Each run has a new runtime, and nothing may be
/// [left](TestRuntime::leaks) at the end.
///
/// If the test panics, this panics too, and prints the seed. With that number as `OFFTICK_SEED` in the environment only
/// that seed is run.
///
/// # Panics
/// If the test does; if it leaves something behind; if the system refuses a poll for a runtime.
///
/// # Example
/// ```
/// use offtick::testing::check_all;
/// use std::{cell::Cell, rc::Rc};
/// check_all(0..100, |rt| {
///     let sum = Rc::new(Cell::new(0));
///     let add = |n| {
///         let sum = Rc::clone(&sum);
///         rt.spawn(async move { sum.set(sum.get() + n) })
///     };
///     let (one, two) = (add(1), add(2));
///     let both = rt.run_until(async { (one.await, two.await) }).expect("both end");
///     assert_eq!((both.0.is_ok(), both.1.is_ok(), sum.get()), (true, true, 3)); // whoever came first
/// });
/// ```
///
/// A test that relies on an order fails for some seed:
/// ```should_panic
/// use std::{cell::Cell, rc::Rc};
/// offtick::testing::check_all(0..100, |rt| {
///     let last = Rc::new(Cell::new(0));
///     for n in [1, 2] {
///         let last = Rc::clone(&last);
///         rt.spawn(async move { last.set(n) }).detach();
///     }
///     rt.settle().expect("they end");
///     assert_eq!(last.get(), 2);
/// });
/// ```
#[track_caller]
pub fn check_all(seeds: impl IntoIterator<Item = u64>, mut test: impl FnMut(&TestRuntime)) {
    let mut check = |seed| {
        let rt = TestBuilder::new().seed(seed).shuffle(true).auto_advance(true).build();
        let rt = rt.unwrap_or_else(|error| panic!("no runtime for the test: {error}"));
        test(&rt);
        let leaks = rt.leaks();
        assert!(leaks.is_clean(), "{leaks}");
    };
    match asked_for() {
        Some(seed) => check(seed),
        None => seeds.into_iter().for_each(check),
    }
}
