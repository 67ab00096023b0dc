//! The thief: a script in game time that walks where the player wants, or where it thinks best.

use crate::game::{Game, Wish};
use crate::level::{Direction, Level, Place};
use offtick::time::{sleep, ticks};
use offtick::{LocalHandle, WithHostError, with_host};
use std::cmp::Reverse;
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
///
/// # Errors
/// The loop lends no game.
pub(crate) async fn thief(rt: &LocalHandle) -> Result<Ending, WithHostError> {
    loop {
        sleep(STEP).await;
        let Turn { found, ending } = with_host(take_turn).await?;
        if let Some(place) = found {
            // Nobody waits for it: it is gone when it is over, or with the runtime.
            rt.run(sparkle(place)).detach();
        }
        if let Some(ending) = ending {
            return Ok(ending);
        }
    }
}

/// The result of a turn.
struct Turn {
    /// Where a coin was.
    found: Option<Place>,
    ending: Option<Ending>,
}

/// A step where the player wants, or where it seems best.
fn take_turn(game: &mut Game) -> Turn {
    let level = game.level();
    let next = match game.wanted() {
        Wish::Go(direction) => level.map.beside(game.world.thief, direction),
        Wish::Automatic => think(game, &level),
    };
    let found = next.filter(|next| game.move_thief(*next));
    let ending = match &game.world {
        world if world.lives == 0 => Some(Ending::Caught),
        world if world.coins.is_empty() => Some(Ending::Cleared),
        _ => None,
    };
    Turn { found, ending }
}

/// To the nearest coin, unless a guard is near.
fn think(game: &Game, level: &Level) -> Option<Place> {
    let world = &game.world;
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
async fn sparkle(place: Place) -> Result<(), WithHostError> {
    let number = with_host(|game: &mut Game| game.world.number).await?;
    for spark in SPARKS.map(Some).into_iter().chain([None]) {
        with_host(move |game: &mut Game| game.spark(number, place, spark)).await?;
        ticks(FRAMES_PER_SPARK).await;
    }
    Ok(())
}
