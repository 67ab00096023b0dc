//! The picture: what the rows of the screen say.

use crate::jobs::{Busy, Jobs};
use crate::screen::Row;
use crate::ticks::{Costs, Ticks};
use crate::totals::Failure;
use crate::words::{bar, bytes, grouped, tail};
use crossterm::style::Color;
use offtick::Metrics;
use std::path::Path;
use std::time::Duration;

/// Columns of the numbers beside the bar of a file.
const NUMBERS: usize = 28;

/// What a picture shows beside the jobs.
pub(crate) struct Scene<'a> {
    pub(crate) root: &'a Path,
    pub(crate) ticks: &'a Ticks,
    pub(crate) metrics: Metrics,
    pub(crate) elapsed: Duration,
}

fn row(text: impl Into<String>) -> Row {
    Row { text: text.into(), color: None }
}

fn colored(text: impl Into<String>, color: Color) -> Row {
    Row { text: text.into(), color: Some(color) }
}

/// The rows of a screen of `width` columns and `height` rows.
pub(crate) fn rows(jobs: &mut Jobs, scene: &Scene<'_>, costs: Costs, width: usize, height: usize) -> Vec<Row> {
    let busiest = jobs.busiest();
    let mut rows = summary(jobs, &busiest, scene, costs, width);
    let left = height.saturating_sub(rows.len());
    // Failures get what they need, up to a half, files the rest; each has a heading and an empty row above it.
    let failures = jobs.totals.failures.len();
    let for_failures = if failures == 0 { 0 } else { (failures + 2).min(left / 2) };
    let for_files = left - for_failures;
    rows.push(row(""));
    rows.push(colored(" Busiest files", Color::Cyan));
    rows.extend(busiest.iter().take(for_files.saturating_sub(2)).map(|file| row(file_text(file, width))));
    if let Some(shown @ 1..) = for_failures.checked_sub(2) {
        rows.resize_with(height - for_failures, || row(""));
        rows.push(row(""));
        rows.push(colored(format!(" Errors ({})", grouped(jobs.totals.errors)), Color::Red));
        let newest = jobs.totals.failures.iter().skip(failures - shown);
        rows.extend(newest.map(|failure| row(failure_text(failure, width))));
    }
    rows.truncate(height);
    rows
}

fn summary(jobs: &mut Jobs, busiest: &[Busy], scene: &Scene<'_>, costs: Costs, width: usize) -> Vec<Row> {
    let Scene { root, ticks, metrics, elapsed } = scene;
    let share = jobs.share();
    let totals = &jobs.totals;
    let seconds = elapsed.as_secs_f64();
    // With what is read of the files that are not done.
    let read = totals.bytes + busiest.iter().map(|file| file.read).sum::<u64>();
    let speed = (read as f64 / seconds.max(0.001)) as u64;
    let state = if jobs.is_walking() { "found so far" } else { "found" };
    let (running, waiting) = jobs.running_and_waiting();
    let keys = "q cancels ";
    let title = format!(" loader  {}", tail(&root.to_string_lossy(), width.saturating_sub(10 + keys.len())));
    vec![
        colored(format!("{title:<0$}{keys}", width.saturating_sub(keys.len())), Color::Cyan),
        row(""),
        colored(format!(" {} {:3.0} %", bar(share, width.saturating_sub(8)), (share * 100.0).floor()), Color::Green),
        row(""),
        row(format!(" files     {} of {} {state}", grouped(totals.files), grouped(jobs.found.files))),
        row(format!(" bytes     {}  ({}/s)", bytes(read), bytes(speed))),
        row(format!(" lines     {}", grouped(totals.lines))),
        row(format!(" checksum  {:016x}", totals.checksum)),
        row(format!(
            " tasks     {} running, {} waiting, {} pool threads",
            running,
            grouped(waiting as u64),
            metrics.blocking_threads,
        )),
        row(format!(
            " ticks     {} in {seconds:.1} s: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
            grouped(ticks.count() as u64),
            costs.p50,
            costs.p99,
            costs.max
        )),
    ]
}

fn file_text(file: &Busy, width: usize) -> String {
    let for_bar = (width / 5).max(8);
    let for_path = width.saturating_sub(for_bar + NUMBERS + 3);
    let share = file.read as f64 / file.size.max(1) as f64;
    let numbers = format!("{} of {}", bytes(file.read), bytes(file.size));
    format!(" {:<for_path$} {} {numbers:>NUMBERS$}", tail(&file.path.to_string_lossy(), for_path), bar(share, for_bar))
}

fn failure_text(failure: &Failure, width: usize) -> String {
    let reason: String = failure.reason.chars().take(width / 2).collect();
    let for_path = width.saturating_sub(reason.chars().count() + 3);
    format!(" {}: {reason}", tail(&failure.path.to_string_lossy(), for_path))
}

#[cfg(test)]
mod tests {
    use super::{Costs, Jobs, Scene, Ticks, rows};
    use offtick::Runtime;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn there_is_a_picture_for_every_size() {
        let rt = Runtime::new().unwrap();
        let root = Path::new("/no/such/directory");
        let mut jobs = Jobs::start(rt.handle(), root.to_owned()).unwrap();
        for failures in 0..30 {
            for height in 0..40 {
                for width in [0, 1, 7, 40, 80, 300] {
                    let elapsed = Duration::ZERO;
                    let scene = Scene { root, ticks: &Ticks::default(), metrics: rt.metrics(), elapsed };
                    let rows = rows(&mut jobs, &scene, Costs::default(), width, height);
                    assert!(rows.len() <= height);
                    let told = rows.iter().filter(|row| row.text.contains("no way")).count();
                    assert!(height < 40 || told == failures.min(12), "{told} of {failures}");
                }
            }
            jobs.totals.failed(root, "no way".to_owned());
        }
    }
}
