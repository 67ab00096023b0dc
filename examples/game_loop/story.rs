//! The story: one level after the other. It is a script like any other.

use crate::game::{Game, Outcome};
use crate::guard::guard;
use crate::level::Level;
use crate::loading::{self, Source};
use crate::thief::{Ending, thief};
use offtick::time::next_tick;
use offtick::{BoxError, Task};
use std::rc::Rc;

/// Plays the levels until one is lost, or all are won.
///
/// # Errors
/// Those of a level that cannot be loaded.
pub(crate) async fn story(game: Rc<Game>, levels: Vec<Source>) -> Result<(), BoxError> {
    let mut sources = levels.into_iter();
    let mut load_next = || sources.next().map(|source| loading::start(&game.rt, source));
    let mut next = load_next();
    while let Some(loading) = next {
        let level = loaded(&game, loading).await?;
        // While this one is played.
        next = load_next();
        game.enter(Rc::new(level));
        let guards = game.world().guards.len();
        let _guards: Vec<Task<()>> = (0..guards).map(|index| game.rt.spawn(guard(Rc::clone(&game), index))).collect();
        if thief(&game).await == Ending::Caught {
            game.end(Outcome::Lost);
            return Ok(());
        }
        // The guards go with their handles.
    }
    game.end(Outcome::Won);
    Ok(())
}

/// Waits for a level. Game time stands still meanwhile, so that how long it takes changes nothing but the wait.
async fn loaded(game: &Game, loading: Task<Level, f64>) -> Result<Level, BoxError> {
    game.timing.hold();
    while !loading.is_done() {
        if let Some(share) = loading.latest() {
            game.loaded(share);
        }
        next_tick().await;
    }
    let level = loading.await?;
    game.timing.release();
    Ok(level)
}
