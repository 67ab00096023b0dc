//! The story: one level after the other. It is a script like any other.

use crate::game::{Game, Outcome};
use crate::guard::guard;
use crate::level::Level;
use crate::loading::{self, Source};
use crate::thief::{Ending, thief};
use offtick::time::next_tick;
use offtick::{BoxError, LocalHandle, Task, with_host};

/// Plays the levels until one is lost, or all are won.
///
/// # Errors
/// Those of a level that cannot be loaded.
pub(crate) async fn story(rt: LocalHandle, levels: Vec<Source>) -> Result<(), BoxError> {
    let mut sources = levels.into_iter();
    let mut load_next = || sources.next().map(|source| loading::start(&rt, source));
    let mut next = load_next();
    let mut outcome = Outcome::Won;
    while let Some(loading) = next {
        let level = loaded(loading).await?;
        // While this one is played.
        next = load_next();
        let guards = with_host(|game: &mut Game| game.enter(level)).await?;
        let _guards: Vec<Task<()>> = (0..guards).map(|index| rt.run(guard(index))).collect();
        if thief(&rt).await? == Ending::Caught {
            outcome = Outcome::Lost;
            break;
        }
        // The guards go with their handles.
    }
    with_host(move |game: &mut Game| game.world.outcome = outcome).await?;
    Ok(())
}

/// Waits for a level. Game time stands still meanwhile, so that how long it takes changes nothing but the wait.
async fn loaded(loading: Task<Level, f64>) -> Result<Level, BoxError> {
    with_host(|game: &mut Game| game.timing.hold()).await?;
    while !loading.is_done() {
        if let Some(share) = loading.latest() {
            with_host(move |game: &mut Game| game.world.loaded = share).await?;
        }
        next_tick().await;
    }
    Ok(loading.await?)
}
