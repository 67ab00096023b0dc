//! A guard: a script in game time. It walks its rounds, gives chase when it sees the thief, and searches where it lost it.
//!
//! The script says what happens one thing after the other, and every `sleep` is game time: pause and slow motion need
//! nothing here.
//!
//! A step of a guard and one of the thief at the same moment would make the outcome a matter of order. So the thief
//! acts at full hundredths of a second after the start of the level, and each guard at a millisecond of its own.

use crate::game::{Game, Guard, Mood};
use crate::level::Place;
use fastrand::Rng;
use offtick::time::sleep;
use std::hint;
use std::rc::Rc;
use std::time::{Duration, Instant};

const STROLL: Duration = Duration::from_millis(220);
const RUN: Duration = Duration::from_millis(150);
const REST: Duration = Duration::from_millis(600);
const SURPRISE: Duration = Duration::from_millis(300);
const LOOK_AROUND: Duration = Duration::from_millis(250);

/// Looks around before the search is given up.
const LOOKS: u32 = 4;

/// Cells that a guard sees far, along rows and columns.
const SIGHT: usize = 12;

/// One guard, for ever: whoever ends the level drops its task.
pub(crate) async fn guard(game: Rc<Game>, index: usize) {
    sleep(Duration::from_millis(index as u64 + 1)).await;
    let number = game.world().number as u64;
    let rng = Rng::with_seed(game.seed ^ (number << 16) ^ (index as u64 + 1));
    let mut me = Me { game, index, rng };
    loop {
        let mut seen = me.patrol().await;
        me.become_mood(Mood::Alarmed);
        sleep(SURPRISE).await;
        loop {
            me.chase(seen).await;
            match me.search().await {
                Some(again) => seen = again,
                None => break,
            }
        }
    }
}

struct Me {
    game: Rc<Game>,
    index: usize,
    rng: Rng,
}

impl Me {
    /// Walks from place to place until it sees the thief; where that was.
    async fn patrol(&mut self) -> Place {
        loop {
            let post = self.game.level().map.nth_floor(self.rng.usize(..));
            while let Some(next) = self.game.level().towards(self.place(), post) {
                self.step(next, Mood::Calm);
                if let Some(thief) = self.sight() {
                    return thief;
                }
                sleep(STROLL).await;
            }
            sleep(REST).await;
            if let Some(thief) = self.sight() {
                return thief;
            }
        }
    }

    /// Runs to where the thief was seen last, until it is there and sees nobody.
    async fn chase(&mut self, mut seen: Place) {
        while let Some(next) = self.game.level().towards(self.place(), seen) {
            self.step(next, Mood::Alarmed);
            sleep(RUN).await;
            seen = self.sight().unwrap_or(seen);
        }
    }

    /// Looks around; the thief, if it shows.
    async fn search(&mut self) -> Option<Place> {
        self.become_mood(Mood::Searching);
        for _ in 0..LOOKS {
            sleep(LOOK_AROUND).await;
            if let Some(thief) = self.sight() {
                return Some(thief);
            }
        }
        None
    }

    fn place(&self) -> Place {
        self.game.world().guards[self.index].place
    }

    fn sight(&self) -> Option<Place> {
        let thief = self.game.world().thief;
        self.game.level().sees(self.place(), thief, SIGHT).then_some(thief)
    }

    fn become_mood(&self, mood: Mood) {
        self.game.move_guard(self.index, Guard { place: self.place(), mood });
    }

    fn step(&self, place: Place, mood: Mood) {
        let start = Instant::now();
        while start.elapsed() < self.game.hog {
            hint::spin_loop();
        }
        self.game.move_guard(self.index, Guard { place, mood });
    }
}
