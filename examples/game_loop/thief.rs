//! The thief: a script in game time that walks where the player wants, or where it thinks best.

use crate::game::{Game, Wish};
use crate::level::{Direction, Level, Place};
use offtick::time::{sleep, ticks};
use std::cmp::Reverse;
use std::rc::Rc;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(120);

/// Steps to a guard at which a thief without orders runs.
const TOO_CLOSE: u16 = 4;

/// What is seen of a coin that was taken, and for how many frames each.
const SPARKS: [char; 4] = ['$', '*', '+', '.'];
const FRAMES_PER_SPARK: u64 = 4;

/// How a level ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Cleared,
    Caught,
}

/// Plays one level.
pub(crate) async fn thief(game: &Rc<Game>) -> Ending {
    let level = game.level();
    loop {
        sleep(STEP).await;
        let next = match game.wanted() {
            Wish::Go(direction) => level.map.beside(game.world().thief, direction),
            Wish::Automatic => think(game, &level),
        };
        if let Some(next) = next
            && game.move_thief(next)
        {
            // Nobody waits for it: it is gone when it is over, or with the runtime.
            game.rt.spawn(sparkle(Rc::clone(game), next)).detach();
        }
        let world = game.world();
        if world.lives == 0 {
            return Ending::Caught;
        }
        if world.coins.is_empty() {
            return Ending::Cleared;
        }
    }
}

/// To the nearest coin, unless a guard is near.
fn think(game: &Game, level: &Level) -> Option<Place> {
    let world = game.world();
    let nearest_guard = |place| world.guards.iter().filter_map(|guard| level.distance(guard.place, place)).min();
    let beside = || Direction::ALL.iter().filter_map(|direction| level.map.beside(world.thief, *direction));
    if nearest_guard(world.thief).is_some_and(|distance| distance <= TOO_CLOSE) {
        // The first of the best.
        return beside().min_by_key(|place| Reverse(nearest_guard(*place)));
    }
    let coin = world.coins.iter().min_by_key(|coin| level.distance(world.thief, **coin))?;
    level.towards(world.thief, *coin)
}

/// An effect counts frames, not time: it is to be seen, however long a frame takes, and goes on while the game is paused.
async fn sparkle(game: Rc<Game>, place: Place) {
    let number = game.world().number;
    for spark in SPARKS {
        game.spark(number, place, Some(spark));
        ticks(FRAMES_PER_SPARK).await;
    }
    game.spark(number, place, None);
}
