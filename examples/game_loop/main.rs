//! A game in the terminal, at 60 frames a second: a thief takes the coins of a maze, guards are after it.
//!
//! ```text
//! cargo run --release --example game_loop -- [--json | --plain] [--seed S] [--level FILE]
//! ```
//!
//! One thread, one loop, one [`LocalRuntime`] that the loop pumps: input, then a tick of at most two milliseconds, then the
//! picture. In that tick run
//! - `story`: one level after the other; the next is loaded on the pool while this one is played (`loading`);
//! - `guard` and `thief`: scripts in game time. The clock of the runtime is a manual one; each frame moves it by what has
//!   passed, and pause, slow motion and single steps are up to `timing`;
//! - the sparks of `thief`, which count frames.
//!
//! What happens does not depend on how long frames are, nor on how far the budget went: the clock goes from deadline to
//! deadline, so that each script runs at its own time, and what a frame could not do the next one does, at the time at
//! which it should have been. The loop owns the state of the game and lends it to the tick, so no script holds a part of it. The hash in the line of JSON at the end shows it.
//!
//! `level` and `game` are the state, the rest is how it is steered and shown. What is in `../terminal` is shared with other
//! examples.

mod game;
mod guard;
mod keys;
mod level;
mod loading;
mod maze;
mod options;
mod pace;
mod picture;
#[path = "../terminal/screen.rs"]
mod screen;
mod story;
mod thief;
#[path = "../terminal/ticks.rs"]
mod ticks;
mod timing;
mod totals;
mod view;
#[path = "../terminal/words.rs"]
#[allow(dead_code, reason = "sizes and names, which other examples show")]
mod words;

use game::Game;
use keys::Script;
use offtick::time::Clock;
use offtick::{BoxError, Budget, LocalBuilder, LocalRuntime, Task, TickError};
use options::{Play, Request};
use pace::Pace;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use timing::Timing;
use totals::Totals;
use view::View;

/// How long the end waits for a level that is being loaded.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let request = match options::parse(std::env::args_os().skip(1)) {
        Ok(Request::Play(request)) => request,
        Ok(Request::Help) => {
            let _unread = io::stdout().write_all(options::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            complain(&format!("{message}\n\n{}", options::HELP.trim_end()));
            return ExitCode::from(2);
        }
    };
    match play(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says something on the standard error. That nobody listens is no reason to fail.
fn complain(message: &str) {
    let _unread = writeln!(io::stderr(), "game_loop: {message}");
}

/// The whole run.
fn play(request: Play) -> Result<(), BoxError> {
    let clock = Clock::manual();
    // One thread loads, when there is something to load.
    let rt = LocalBuilder::new().clock(clock.clone()).blocking_threads(1).build()?;
    let mut game = Game::new(Timing::new(clock), request.seed, request.hog);
    let start = Instant::now();
    let mut view = View::open(request.mode)?;
    let mut totals = Totals::default();
    let played = run(&rt, &mut game, &request, &mut view, &mut totals);
    let shown = view.close(&totals);
    let elapsed = start.elapsed();

    if !rt.shutdown(PATIENCE).is_clean() {
        complain(&format!("a level did not stop loading within {PATIENCE:?}"));
    }
    played?;
    // Whoever stopped reading wants nothing more, and that is not a failure.
    match shown.and_then(|()| writeln!(io::stdout(), "{}", totals.json(&game, elapsed))) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Frame after frame, until the story is over or somebody has enough.
fn run(
    rt: &LocalRuntime,
    game: &mut Game,
    request: &Play,
    view: &mut View,
    totals: &mut Totals,
) -> Result<(), BoxError> {
    let mut story = rt.run(story::story(rt.local_handle().clone(), request.levels.clone()));
    let mut next_frame = Instant::now();
    let is_driven = request.fast || request.frames.is_some() || request.script.is_some() || !view.is_screen();
    let mut pace = if is_driven { Pace::exact(request.fps) } else { Pace::measured(request.fps, next_frame) };
    let mut script = request.script.clone().map(Script::new);
    let budget = Budget::time(request.budget);
    let mut has_enough = false;
    while !has_enough && !story.is_done() && !is_finished(request, &pace, script.as_ref()) {
        let begin = Instant::now();
        let is_loading = game.timing.is_held();
        while !is_loading && let Some(key) = script.as_mut().and_then(|script| script.due(pace.played())) {
            has_enough |= key.press(game);
        }
        if has_enough {
            break;
        }
        let length = pace.next(begin, is_loading);
        tick(rt, game, length, budget, totals)?;
        *(if is_loading { &mut totals.loading_frames } else { &mut totals.frames }) += 1;

        match view.draw(game, totals) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            drawn => drawn?,
        }
        if !request.fast || is_loading {
            // A frame that came late does not make the ones after it come early.
            next_frame = (next_frame + pace.period()).max(Instant::now());
            has_enough |= view.wait_until(next_frame, game)?;
        }
    }
    if is_driven {
        catch_up(rt, game, &story, budget, totals)?;
    }
    // Nothing, if the story is not over.
    story.take().transpose().map(drop).map_err(|error| error.label().into())
}

/// True if the frames that were asked for are played, or the script is.
fn is_finished(request: &Play, pace: &Pace, script: Option<&Script>) -> bool {
    match (request.frames, script) {
        (Some(frames), _) => pace.frames() >= frames,
        (None, Some(script)) => pace.played() >= script.length(),
        (None, None) => false,
    }
}

/// Plays what game time the last frames could not, without any more to come.
fn catch_up(
    rt: &LocalRuntime,
    game: &mut Game,
    story: &Task<()>,
    budget: Budget,
    totals: &mut Totals,
) -> Result<(), BoxError> {
    if game.timing.is_paused() {
        game.timing.toggle_pause();
    }
    while !story.is_done() && (game.timing.is_held() || !game.timing.is_even()) {
        tick(rt, game, Duration::ZERO, budget, totals)?;
        if game.timing.is_held() {
            // For the pool.
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

/// The tick of a frame, measured.
fn tick(
    rt: &LocalRuntime,
    game: &mut Game,
    length: Duration,
    budget: Budget,
    totals: &mut Totals,
) -> Result<(), TickError> {
    let start = Instant::now();
    let report = game.frame(rt, length, budget)?;
    totals.record(start.elapsed(), &report);
    Ok(())
}
