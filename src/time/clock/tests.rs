use super::*;
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
use crate::task::Stopwatch;

const MS: Duration = Duration::from_millis(1);

#[test]
fn stands_still_until_moved_and_clones_are_one_clock() {
    let manual = Clock::manual();
    let clock = Clock::from(manual.clone());
    let start = clock.now();
    assert_eq!((clock.nanos(), clock.now()), (0, start));
    assert_eq!(manual.advance(5 * MS), 5 * MS);
    assert_eq!((clock.nanos(), clock.now()), (5_000_000, start + 5 * MS));
    assert_eq!(clock.nanos_of(start + 7 * MS), 7_000_000);
    assert_eq!(clock.nanos_of(start - MS), 0);
    assert!(!clock.runs_by_itself());
    assert!(clock.as_manual().is_some());
}

#[test]
fn pause_stops_advance_only() {
    let clock = Clock::manual();
    clock.pause();
    assert!(clock.is_paused());
    assert_eq!(clock.advance(MS), Duration::ZERO);
    assert_eq!(clock.step(2 * MS), 2 * MS);
    assert_eq!(clock.set(3 * MS), MS);
    clock.resume();
    assert_eq!(clock.advance(MS), MS);
    assert_eq!(clock.elapsed(), 4 * MS);
    assert_eq!(clock.backward_moves(), 0);
}

#[test]
fn time_set_back_is_clamped_and_counted() {
    let clock = Clock::manual();
    clock.set(10 * MS);
    assert_eq!(clock.set(9 * MS), Duration::ZERO);
    assert_eq!(clock.set(10 * MS), Duration::ZERO);
    assert_eq!((clock.elapsed(), clock.backward_moves()), (10 * MS, 1));
}

#[test]
fn far_moves_saturate() {
    let clock = Clock::manual();
    let start = clock.now();
    clock.step(MS);
    clock.advance(Duration::MAX);
    assert_eq!(Clock::from(clock.clone()).nanos(), u64::MAX);
    assert_eq!(clock.advance(MS), Duration::ZERO);
    assert!(clock.now() >= start);
    let scaled = Clock::manual();
    scaled.set_scale(f64::MAX).unwrap();
    scaled.advance(Duration::MAX);
    assert_eq!(scaled.elapsed(), Duration::from_nanos(u64::MAX));
}

#[test]
fn scale_multiplies_advance_and_loses_no_fraction() {
    let clock = Clock::manual();
    clock.set_scale(1.0 / 3.0).unwrap();
    for _ in 0..3000 {
        clock.advance(Duration::from_nanos(1));
    }
    assert!((999..=1000).contains(&clock.elapsed().as_nanos()), "{clock:?}");
    clock.set_scale(2.0).unwrap();
    let before = clock.elapsed();
    clock.advance(MS);
    assert!(clock.elapsed() - before >= 2 * MS);
    clock.set_scale(0.0).unwrap();
    assert_eq!((clock.advance(MS), clock.scale()), (Duration::ZERO, 0.0));
}

#[test]
fn an_impossible_scale_is_refused_and_the_old_one_stays() {
    let clock = Clock::manual();
    clock.set_scale(4.0).unwrap();
    for scale in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5] {
        let error = clock.set_scale(scale).unwrap_err();
        assert_eq!(error.given().to_bits(), scale.to_bits());
    }
    assert_eq!(
        clock.set_scale(-1.0).unwrap_err().to_string().split(';').next(),
        Some("a clock cannot run at scale -1")
    );
    assert_eq!(clock.scale(), 4.0);
}

struct Listener {
    clock: ManualClock,
    told: AtomicUsize,
}

impl ClockListener for Listener {
    fn clock_moved(&self) {
        // Uses the lock of the clock: a listener told under that lock would deadlock here.
        self.clock.is_paused();
        self.told.fetch_add(1, Relaxed);
    }
}

#[test]
fn listeners_are_told_of_real_moves_until_they_are_gone() {
    let clock = Clock::manual();
    let listeners = [(); 2].map(|()| Arc::new(Listener { clock: clock.clone(), told: AtomicUsize::new(0) }));
    for listener in &listeners {
        let listener: Weak<Listener> = Arc::downgrade(listener);
        Clock::from(clock.clone()).listen(listener);
    }
    clock.advance(MS);
    clock.set(Duration::ZERO);
    clock.advance(Duration::ZERO);
    let [first, second] = listeners;
    assert_eq!((first.told.load(Relaxed), second.told.load(Relaxed)), (1, 1));
    drop(first);
    clock.advance(MS);
    assert_eq!(second.told.load(Relaxed), 2);
    let third: Arc<dyn ClockListener> = second.clone();
    Clock::from(clock.clone()).listen(Arc::downgrade(&third));
    assert_eq!(clock.shared.control.lock().listeners.len(), 2, "the dead one made room");
}

#[test]
fn the_system_clock_goes_on_by_itself() {
    let clock = Clock::system();
    assert!(clock.runs_by_itself() && clock.as_manual().is_none());
    let before = clock.nanos();
    assert!(clock.nanos() >= before);
    let now = clock.now();
    assert!(clock.nanos_of(now) >= before);
}

#[test]
fn a_stopwatch_runs_with_the_clock_and_stands_still_once_stopped() {
    let manual = Clock::manual();
    let watch = Stopwatch::new(Clock::from(manual.clone()).source());
    let step = Duration::from_millis(5);
    assert_eq!(watch.elapsed(false), Duration::ZERO);
    manual.step(step);
    assert_eq!(watch.elapsed(false), step);
    let other = Stopwatch::new(Clock::from(manual.clone()).source());
    manual.step(step);
    assert_eq!(watch.elapsed(true), 2 * step, "the first look at the end counts");
    manual.step(step);
    watch.stop();
    assert_eq!((watch.elapsed(true), watch.elapsed(false)), (2 * step, 2 * step));
    assert_eq!(other.elapsed(false), 2 * step);
    other.stop();
    manual.step(step);
    assert_eq!(other.elapsed(true), 2 * step);
}
