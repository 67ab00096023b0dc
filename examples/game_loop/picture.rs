//! The picture: what the rows of the screen say.

use crate::game::{Game, Mood, Outcome, World};
use crate::level::{Level, Place};
use crate::screen::Row;
use crate::ticks::Costs;
use crate::totals::Totals;
use crate::words::{bar, grouped};
use crossterm::style::Color;

fn row(text: impl Into<String>) -> Row {
    Row { text: text.into(), color: None }
}

fn colored(text: impl Into<String>, color: Color) -> Row {
    Row { text: text.into(), color: Some(color) }
}

/// The rows of a screen of `width` columns; what does not fit is cut off below.
pub(crate) fn rows(game: &Game, totals: &Totals, costs: Costs, width: usize) -> Vec<Row> {
    let (world, timing) = (&game.world, &game.timing);
    let state = match world.outcome {
        Outcome::Won => "won",
        Outcome::Lost => "lost",
        Outcome::Open if timing.is_held() => "loading",
        Outcome::Open if timing.is_paused() => "paused",
        Outcome::Open if timing.is_slow() => "slow motion",
        Outcome::Open => "",
    };
    let time = timing.now().as_secs_f64();
    let (number, left, lives) = (world.number, world.coins.len(), world.lives);
    let mut rows = vec![
        colored(format!(" level {number}   coins left {left}   lives {lives}   {time:.1} s   {state}"), Color::Cyan),
        row(" arrows walk   a automatic   p pause   n step   s slow   q ends"),
        row(format!(
            " {} frames, {} over budget: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
            grouped(totals.frames),
            grouped(totals.overruns),
            costs.p50,
            costs.p99,
            costs.max
        )),
    ];
    if timing.is_held() {
        rows.push(colored(format!(" {}", bar(world.loaded, width.saturating_sub(2))), Color::Green));
        return rows;
    }
    let Some(level) = &world.level else { return rows };
    let (columns, lines) = level.map.size();
    rows.extend((0..lines).map(|line| {
        let places = line * columns..(line + 1) * columns;
        let alarm = world.guards.iter().any(|guard| guard.mood == Mood::Alarmed && places.contains(&guard.place));
        let text: String = places.map(|place| glyph(world, level, place)).collect();
        if alarm { colored(text, Color::Red) } else { row(text) }
    }));
    rows
}

fn glyph(world: &World, level: &Level, place: Place) -> char {
    if let Some(guard) = world.guards.iter().find(|guard| guard.place == place) {
        return match guard.mood {
            Mood::Calm => 'G',
            Mood::Alarmed => '!',
            Mood::Searching => '?',
        };
    }
    if world.thief == place {
        return '@';
    }
    match world.sparks.get(&place) {
        Some(spark) => *spark,
        None if world.coins.contains(&place) => '$',
        None if level.map.is_floor(place) => ' ',
        None => '█',
    }
}

#[cfg(test)]
mod tests {
    use super::{Costs, Game, Totals, rows};
    use crate::loading::Source;
    use crate::story::story;
    use crate::timing::Timing;
    use offtick::time::Clock;
    use offtick::{Budget, LocalBuilder};
    use std::time::Duration;

    #[test]
    fn there_is_a_picture_before_and_while_a_level_is_played() {
        let clock = Clock::manual();
        let rt = LocalBuilder::new().clock(clock.clone()).build().unwrap();
        let mut game = Game::new(Timing::new(clock), 1, Duration::ZERO);
        let picture = |game: &Game, width| rows(game, &Totals::default(), Costs::default(), width);
        for width in [0, 1, 80] {
            assert!(picture(&game, width)[0].text.contains("loading"));
        }
        let levels = (0..3).map(|number| Source::Generated { seed: 1, number }).collect();
        let story = rt.run(story(rt.local_handle().clone(), levels));
        while game.timing.is_held() {
            game.frame(&rt, Duration::ZERO, Budget::unlimited()).unwrap();
            std::thread::yield_now();
        }
        for _frame in 0..100 {
            game.frame(&rt, Duration::from_millis(16), Budget::unlimited()).unwrap();
            let text: String = picture(&game, 80).iter().flat_map(|row| row.text.chars().chain(['\n'])).collect();
            assert!(text.contains('@') && text.contains('$') && text.contains("lives 3"), "{text}");
        }
        assert_eq!(story.error().map(ToString::to_string), None);
    }
}
