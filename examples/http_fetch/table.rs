//! The table: a line for each download.

use crate::jobs::{Row, Stage};
use crate::words::{bar, bytes, tail};
use std::time::Instant;

/// Columns of the bar.
const BAR: usize = 8;

/// Columns of how many bytes of how many: "1023.9 KiB of 1023.9 KiB" is rare enough to be let out of line.
const BYTES: usize = 21;

/// What stands above.
pub(crate) fn heading(width: usize) -> String {
    format!("   #  {:<1$}  {2:<BAR$}  {3:>BYTES$}  state", "resource", name_width(width), "", "bytes")
}

/// A download; the rows are counted from 1.
pub(crate) fn line(number: usize, row: &Row, now: Instant, width: usize) -> String {
    let for_name = name_width(width);
    // All of them begin with `http://`.
    let name = tail(&format!("{}{}", row.url.authority(), row.url.target), for_name);
    let state = state(row, now);
    format!("{number:>4}  {name:<for_name$}  {}  {:>BYTES$}  {state}", bar(share(row), BAR), counted(row))
}

/// The address gets half of what the numbers leave, within reason.
fn name_width(width: usize) -> usize {
    (width / 2).saturating_sub(20).clamp(16, 48)
}

/// What nobody knows the size of is shown as nothing until it is done.
fn share(row: &Row) -> f64 {
    match (row.stage, row.so_far.total) {
        (Stage::Done, _) => 1.0,
        (_, Some(total @ 1..)) => row.so_far.received as f64 / total as f64,
        _ => 0.0,
    }
}

fn counted(row: &Row) -> String {
    let received = bytes(row.so_far.received);
    match (row.stage, row.so_far.total) {
        (Stage::Done, _) => received,
        // Nothing was said, or asked yet.
        (_, None) if row.so_far.received == 0 => String::new(),
        (_, Some(total)) => format!("{received} of {}", bytes(total)),
        (_, None) => format!("{received} of ?"),
    }
}

fn state(row: &Row, now: Instant) -> String {
    let state = match row.stage {
        Stage::Waiting => "waiting".to_owned(),
        Stage::Running => "running".to_owned(),
        Stage::Pausing(next) => format!("again in {:.1} s", next.saturating_duration_since(now).as_secs_f64()),
        Stage::Done => "done".to_owned(),
        Stage::Failed => "failed".to_owned(),
        Stage::Cancelled => "cancelled".to_owned(),
    };
    let attempt = if row.attempt > 1 { format!(", try {}", row.attempt) } else { String::new() };
    let trouble = row.trouble.as_ref().map_or(String::new(), |trouble| format!(": {trouble}"));
    tail(&format!("{state}{attempt}{trouble}"), usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{heading, line};
    use crate::fetch::SoFar;
    use crate::jobs::{Row, Stage};
    use crate::url::Url;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn a_line_says_what_is_known() {
        let now = Instant::now();
        let mut row = Row {
            url: Arc::new(Url::parse("http://a/b").unwrap()),
            stage: Stage::Waiting,
            attempt: 1,
            so_far: SoFar::default(),
            trouble: None,
        };
        let mut says = |stage, received, total, attempt, trouble: Option<&str>| {
            (row.stage, row.attempt, row.trouble) = (stage, attempt, trouble.map(str::to_owned));
            row.so_far = SoFar { received, total };
            let line = line(3, &row, now, 90);
            assert_eq!(line.chars().position(|c| c == 'a'), heading(90).chars().position(|c| c == 'r'));
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[..2], ["3", "a/b"]);
            words[2..].join(" ")
        };
        assert_eq!(says(Stage::Waiting, 0, None, 1, None), "░░░░░░░░ waiting");
        assert_eq!(says(Stage::Running, 1024, Some(2048), 1, None), "████░░░░ 1.0 KiB of 2.0 KiB running");
        assert_eq!(says(Stage::Running, 7, None, 2, Some("no")), "░░░░░░░░ 7 B of ? running, try 2: no");
        let pausing = Stage::Pausing(now + Duration::from_millis(1500));
        assert_eq!(says(pausing, 0, Some(0), 1, Some("503")), "░░░░░░░░ 0 B of 0 B again in 1.5 s: 503");
        assert_eq!(says(Stage::Done, 0, Some(0), 3, None), "████████ 0 B done, try 3");
    }
}
