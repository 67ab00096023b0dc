//! The controller: four states, each of them a future that returns the next one.
//!
//! ```text
//!             below 19                      above 25, and the compressor has rested
//!   HEATING <----------          IDLE          ----------> COOLING
//!           ---------->   ^               |    <----------
//!             above 21    | 3 readings    |  below 23
//!                         |               | no reading for the time of the watchdog (also from HEATING and COOLING)
//!                         +---- FAULT <---+
//! ```

use crate::feed::Feed;
use offtick::time::{Clock, Elapsed, timeout};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Degrees Celsius between which nothing is done, and those at which heating and cooling end: apart, or the relays would
/// chatter.
const HEAT_BELOW: f64 = 19.0;
const HEAT_UNTIL: f64 = 21.0;
const COOL_ABOVE: f64 = 25.0;
const COOL_UNTIL: f64 = 23.0;

/// How long the compressor stands still before it may start again.
const REST: Duration = Duration::from_secs(180);

/// Readings in a row that end a fault.
const READINGS_TO_TRUST: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Heating,
    Cooling,
    Fault,
}

impl State {
    pub(crate) const ALL: [Self; 4] = [Self::Idle, Self::Heating, Self::Cooling, Self::Fault];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::Heating => "heating",
            Self::Cooling => "cooling",
            Self::Fault => "fault",
        })
    }
}

/// Runs the state machine, for ever.
pub(crate) async fn control(feed: Rc<Feed>, thermostat: Rc<Thermostat>, silence: Duration) {
    let room = Room { feed, silence };
    let clock = &thermostat.clock;
    // When the compressor may start again.
    let mut rested = clock.now();
    loop {
        let next = match thermostat.state() {
            State::Idle => room.idle(|| clock.now() >= rested).await,
            State::Heating => room.until(|celsius| celsius > HEAT_UNTIL).await,
            State::Cooling => {
                let next = room.until(|celsius| celsius < COOL_UNTIL).await;
                rested = clock.now() + REST;
                next
            }
            State::Fault => room.trusted().await,
        };
        thermostat.enter(next);
    }
}

/// What a state knows of the world.
struct Room {
    feed: Rc<Feed>,
    silence: Duration,
}

impl Room {
    /// The next reading, under the watchdog.
    async fn reading(&self) -> Result<f64, Elapsed> {
        timeout(self.silence, self.feed.next()).await
    }

    async fn idle(&self, may_cool: impl Fn() -> bool) -> State {
        loop {
            match self.reading().await {
                Ok(celsius) if celsius < HEAT_BELOW => return State::Heating,
                Ok(celsius) if celsius > COOL_ABOVE && may_cool() => return State::Cooling,
                Ok(_) => {}
                Err(Elapsed(_)) => return State::Fault,
            }
        }
    }

    /// Goes on with whatever is on until the room is as it should be.
    async fn until(&self, is_enough: impl Fn(f64) -> bool) -> State {
        loop {
            match self.reading().await {
                Ok(celsius) if is_enough(celsius) => return State::Idle,
                Ok(_) => {}
                Err(Elapsed(_)) => return State::Fault,
            }
        }
    }

    /// Waits for a sensor that speaks regularly again.
    async fn trusted(&self) -> State {
        let mut in_a_row = 0;
        while in_a_row < READINGS_TO_TRUST {
            in_a_row = if self.reading().await.is_ok() { in_a_row + 1 } else { 0 };
        }
        State::Idle
    }
}

/// The state that all may see, and how long each has lasted. A real one has its relays here.
pub(crate) struct Thermostat {
    clock: Clock,
    start: Instant,
    state: Cell<State>,
    since: Cell<Instant>,
    /// Time in each state before the present one, in the order of `State::ALL`.
    lasted: RefCell<[Duration; 4]>,
    transitions: Cell<u64>,
    faults: Cell<u64>,
    quiet: bool,
}

impl Thermostat {
    pub(crate) fn new(clock: Clock, quiet: bool) -> Self {
        let start = clock.now();
        Self {
            clock,
            start,
            state: Cell::new(State::Idle),
            since: Cell::new(start),
            lasted: RefCell::default(),
            transitions: Cell::new(0),
            faults: Cell::new(0),
            quiet,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    fn enter(&self, next: State) {
        let (now, before) = (self.clock.now(), self.state.replace(next));
        self.lasted.borrow_mut()[before as usize] += now - self.since.replace(now);
        self.transitions.set(self.transitions.get() + 1);
        self.faults.set(self.faults.get() + u64::from(next == State::Fault));
        if !self.quiet {
            // Whoever stopped reading wants nothing more, and that is not a failure.
            let _unread = writeln!(io::stdout(), "{:10.3} s  {before} -> {next}", self.elapsed().as_secs_f64());
        }
    }

    /// The time since the start, on the clock of the controller.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now() - self.start
    }

    /// How long a state has lasted, all its visits together.
    pub(crate) fn time_in(&self, state: State) -> Duration {
        let present = if state == self.state() { self.clock.now() - self.since.get() } else { Duration::ZERO };
        self.lasted.borrow()[state as usize] + present
    }

    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.get()
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.get()
    }
}
