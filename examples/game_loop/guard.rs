//! A guard: a script in game time. It walks its rounds, gives chase when it sees the thief, and searches where it lost it.
//!
//! The script says what happens one thing after the other, and every `sleep` is game time: pause and slow motion need
//! nothing here. What it sees and does of the game it asks of the loop, by `with_host`.
//!
//! A step of a guard and one of the thief at the same moment would make the outcome a matter of order. So the thief
//! acts at full hundredths of a second after the start of the level, and each guard at a millisecond of its own.

use crate::game::{Game, Guard, Mood};
use crate::level::Place;
use fastrand::Rng;
use offtick::time::sleep;
use offtick::{WithHostError, with_host};
use std::hint;
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
///
/// # Errors
/// The loop lends no game.
pub(crate) async fn guard(index: usize) -> Result<(), WithHostError> {
    sleep(Duration::from_millis(index as u64 + 1)).await;
    let seed = move |game: &mut Game| game.seed ^ ((game.world.number as u64) << 16) ^ (index as u64 + 1);
    let mut me = Me { index, rng: Rng::with_seed(with_host(seed).await?) };
    loop {
        let mut seen = me.patrol().await?;
        me.become_mood(Mood::Alarmed).await?;
        sleep(SURPRISE).await;
        loop {
            me.chase(seen).await?;
            match me.search().await? {
                Some(again) => seen = again,
                None => break,
            }
        }
    }
}

struct Me {
    index: usize,
    rng: Rng,
}

impl Me {
    /// Walks from place to place until it sees the thief; where that was.
    async fn patrol(&mut self) -> Result<Place, WithHostError> {
        loop {
            let draw = self.rng.u64(..);
            let post = with_host(move |game: &mut Game| game.level().map.nth_floor(draw)).await?;
            while self.step_towards(post, Mood::Calm).await? {
                if let Some(thief) = self.sight().await? {
                    return Ok(thief);
                }
                sleep(STROLL).await;
            }
            sleep(REST).await;
            if let Some(thief) = self.sight().await? {
                return Ok(thief);
            }
        }
    }

    /// Runs to where the thief was seen last, until it is there and sees nobody.
    async fn chase(&mut self, mut seen: Place) -> Result<(), WithHostError> {
        while self.step_towards(seen, Mood::Alarmed).await? {
            sleep(RUN).await;
            seen = self.sight().await?.unwrap_or(seen);
        }
        Ok(())
    }

    /// Looks around; the thief, if it shows.
    async fn search(&mut self) -> Result<Option<Place>, WithHostError> {
        self.become_mood(Mood::Searching).await?;
        for _ in 0..LOOKS {
            sleep(LOOK_AROUND).await;
            if let Some(thief) = self.sight().await? {
                return Ok(Some(thief));
            }
        }
        Ok(None)
    }

    async fn sight(&self) -> Result<Option<Place>, WithHostError> {
        let index = self.index;
        with_host(move |game: &mut Game| {
            let (thief, place) = (game.world.thief, game.world.guards[index].place);
            game.level().sees(place, thief, SIGHT).then_some(thief)
        })
        .await
    }

    async fn become_mood(&self, mood: Mood) -> Result<(), WithHostError> {
        let index = self.index;
        with_host(move |game: &mut Game| {
            let place = game.world.guards[index].place;
            game.move_guard(index, Guard { place, mood });
        })
        .await
    }

    /// Takes a step. False: it is there.
    async fn step_towards(&self, target: Place, mood: Mood) -> Result<bool, WithHostError> {
        let index = self.index;
        with_host(move |game: &mut Game| {
            let Some(place) = game.level().towards(game.world.guards[index].place, target) else { return false };
            let start = Instant::now();
            while start.elapsed() < game.hog {
                hint::spin_loop();
            }
            game.move_guard(index, Guard { place, mood });
            true
        })
        .await
    }
}
