//! The state of the game, which the loop owns. It lends it to each tick, where the scripts get at it by `with_host`; between
//! two ticks the picture shows it.

use crate::level::{Direction, Level, Place};
use crate::timing::Timing;
use offtick::{Budget, LocalRuntime, TickError, TickReport};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// How often the thief may be caught.
const LIVES: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Open,
    Won,
    Lost,
}

/// What a guard is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Calm,
    Alarmed,
    Searching,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    pub(crate) place: Place,
    pub(crate) mood: Mood,
}

/// What the player asks of the thief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Go(Direction),
    /// The thief goes where it thinks best, as it does before the first wish.
    Automatic,
}

/// All that the outcome depends on, and `sparks`, which are only seen.
pub(crate) struct World {
    /// `None` before the first one is loaded.
    pub(crate) level: Option<Rc<Level>>,
    /// Counts from 1.
    pub(crate) number: usize,
    pub(crate) thief: Place,
    pub(crate) coins: BTreeSet<Place>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) wish: Wish,
    pub(crate) collected: u32,
    pub(crate) lives: u32,
    pub(crate) outcome: Outcome,
    /// What the player asked for, and the game time of it.
    wishes: VecDeque<(Duration, Wish)>,
    /// How far the level that is waited for is loaded.
    pub(crate) loaded: f64,
    pub(crate) sparks: BTreeMap<Place, char>,
    trace: Trace,
}

/// A hash over all that has happened and when (FNV-1a): two runs with the same one went the same way.
#[derive(Clone, Copy, Debug)]
struct Trace(u64);

impl Trace {
    fn note(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

pub(crate) struct Game {
    pub(crate) timing: Timing,
    pub(crate) seed: u64,
    /// What each step of a guard costs, for nothing: to see what the budget does.
    pub(crate) hog: Duration,
    pub(crate) world: World,
}

impl Game {
    pub(crate) fn new(timing: Timing, seed: u64, hog: Duration) -> Self {
        let world = World {
            level: None,
            number: 0,
            thief: 0,
            coins: BTreeSet::new(),
            guards: Vec::new(),
            wish: Wish::Automatic,
            collected: 0,
            lives: LIVES,
            outcome: Outcome::Open,
            wishes: VecDeque::new(),
            loaded: 0.0,
            sparks: BTreeMap::new(),
            trace: Trace(0xCBF2_9CE4_8422_2325),
        };
        Self { timing, seed, hog, world }
    }

    /// One frame: game time passes by `real`, times its scale, as far as the budget goes, and the scripts run.
    ///
    /// # Errors
    /// Those of the tick.
    pub(crate) fn frame(&mut self, rt: &LocalRuntime, real: Duration, budget: Budget) -> Result<TickReport, TickError> {
        let length = self.timing.begin_frame(real);
        let report = rt.advance_with(self, length, budget);
        self.timing.end_frame(report.as_ref().ok());
        report
    }

    /// The level that is played.
    pub(crate) fn level(&self) -> Rc<Level> {
        Rc::clone(self.world.level.as_ref().expect("scripts begin after their level is there"))
    }

    /// Begins a level. Returns how many guards it has.
    pub(crate) fn enter(&mut self, level: Level) -> usize {
        let world = &mut self.world;
        let level = Rc::new(level);
        world.number += 1;
        world.thief = level.map.start;
        world.coins = level.map.coins.iter().copied().collect();
        world.guards = level.map.guards.iter().map(|place| Guard { place: *place, mood: Mood::Calm }).collect();
        world.sparks.clear();
        world.level = Some(level);
        world.trace.note(self.timing.now().as_nanos() as u64);
        self.timing.release();
        world.guards.len()
    }

    /// The player wishes something now. It takes place when game time gets there.
    pub(crate) fn wish(&mut self, wish: Wish) {
        self.world.wishes.push_back((self.timing.promised(), wish));
    }

    /// What the player wants of the thief: the newest wish before this moment.
    pub(crate) fn wanted(&mut self) -> Wish {
        let (world, now) = (&mut self.world, self.timing.now());
        // Of this very moment, none: when the clock came here, the player may not have pressed the key yet.
        while let Some((at, wish)) = world.wishes.front().copied()
            && at < now
        {
            world.wish = wish;
            world.wishes.pop_front();
        }
        world.wish
    }

    /// The thief is at `place` now. True if there was a coin.
    pub(crate) fn move_thief(&mut self, place: Place) -> bool {
        let world = &mut self.world;
        world.thief = place;
        world.trace.note(self.timing.now().as_nanos() as u64);
        world.trace.note(place as u64);
        let found = world.coins.remove(&place);
        world.collected += u32::from(found);
        world.look_for_thief();
        found
    }

    /// A guard is at `place` now, and in that mood.
    pub(crate) fn move_guard(&mut self, index: usize, guard: Guard) {
        let world = &mut self.world;
        world.guards[index] = guard;
        world.trace.note(self.timing.now().as_nanos() as u64);
        world.trace.note((index as u64) << 32 | guard.place as u64);
        world.trace.note(guard.mood as u64);
        world.look_for_thief();
    }

    /// Shows something at a place, or nothing any more; unless another level is on by now.
    pub(crate) fn spark(&mut self, number: usize, place: Place, glyph: Option<char>) {
        let world = &mut self.world;
        if world.number == number {
            match glyph {
                Some(glyph) => world.sparks.insert(place, glyph),
                None => world.sparks.remove(&place),
            };
        }
    }

    /// What happened up to now, as one number.
    pub(crate) fn hash(&self) -> u64 {
        self.world.trace.0
    }
}

impl World {
    /// A thief that is caught loses a life and begins again where it came in.
    fn look_for_thief(&mut self) {
        if self.guards.iter().any(|guard| guard.place == self.thief) {
            self.lives = self.lives.saturating_sub(1);
            self.thief = self.level.as_ref().map_or(0, |level| level.map.start);
            self.trace.note(u64::from(self.lives));
        }
    }
}
