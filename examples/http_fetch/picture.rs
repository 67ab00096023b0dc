//! The picture: what the rows of the screen say.

use crate::jobs::{Jobs, Stage};
use crate::screen::Row;
use crate::table;
use crate::ticks::{Costs, Ticks};
use crate::words::{bar, bytes, grouped};
use crossterm::style::Color;
use std::time::{Duration, Instant};

/// What a picture shows beside the jobs.
pub(crate) struct Scene<'a> {
    pub(crate) ticks: &'a Ticks,
    pub(crate) elapsed: Duration,
    /// The row that the keys are for.
    pub(crate) chosen: usize,
}

fn row(text: impl Into<String>) -> Row {
    Row { text: text.into(), color: None }
}

fn colored(text: impl Into<String>, color: Color) -> Row {
    Row { text: text.into(), color: Some(color) }
}

/// The rows of a screen of `width` columns and `height` rows.
pub(crate) fn rows(jobs: &Jobs, scene: &Scene<'_>, costs: Costs, width: usize, height: usize) -> Vec<Row> {
    let mut rows = summary(jobs, scene, costs, width);
    rows.push(row(""));
    rows.push(colored(format!("  {}", table::heading(width)), Color::Cyan));
    // As many as there is room for, the chosen one in the middle of them if there are more.
    let room = height.saturating_sub(rows.len());
    let first = scene.chosen.saturating_sub(room / 2).min(jobs.rows.len().saturating_sub(room));
    let now = Instant::now();
    for (index, shown) in jobs.rows.iter().enumerate().skip(first).take(room) {
        let mark = if index == scene.chosen { '>' } else { ' ' };
        let text = format!("{mark} {}", table::line(index + 1, shown, now, width));
        rows.push(Row { text, color: color(shown.stage) });
    }
    rows.truncate(height);
    rows
}

fn color(stage: Stage) -> Option<Color> {
    match stage {
        Stage::Waiting => Some(Color::DarkGrey),
        Stage::Running => None,
        Stage::Pausing(_) => Some(Color::Yellow),
        Stage::Done => Some(Color::Green),
        Stage::Failed => Some(Color::Red),
        Stage::Cancelled => Some(Color::DarkYellow),
    }
}

fn summary(jobs: &Jobs, scene: &Scene<'_>, costs: Costs, width: usize) -> Vec<Row> {
    let Scene { ticks, elapsed, .. } = scene;
    let (totals, all) = (&jobs.totals, jobs.rows.len());
    let seconds = elapsed.as_secs_f64();
    let received = jobs.received();
    let speed = (received as f64 / seconds.max(0.001)) as u64;
    let share = totals.over() as f64 / all.max(1) as f64;
    let keys = "↑↓ choose  x cancels  q cancels all ";
    let title = " http_fetch";
    vec![
        colored(format!("{title:<0$}{keys}", width.saturating_sub(keys.chars().count())), Color::Cyan),
        row(""),
        colored(format!(" {} {:3.0} %", bar(share, width.saturating_sub(8)), (share * 100.0).floor()), Color::Green),
        row(""),
        row(format!(
            " resources {} of {all}: {} done, {} failed, {} cancelled; {} running",
            totals.over(),
            totals.done,
            totals.failed,
            totals.cancelled,
            jobs.running(),
        )),
        row(format!(" bytes     {}  ({}/s), {} retries", bytes(received), bytes(speed), totals.retries)),
        row(format!(
            " ticks     {} in {seconds:.1} s: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
            grouped(ticks.count() as u64),
            costs.p50,
            costs.p99,
            costs.max
        )),
    ]
}
