//! The page of results, in Markdown, of whatever lines there are. What a person has to say about them stands in
//! `REMARKS.md`, under the name of the workload: it is taken over as it is.

use crate::measure::Better;
use crate::record::{Reached, Record};
use crate::report::figure;
use crate::workloads;
use std::fmt::{self, Display, Write};

const REMARKS: &str = include_str!("../REMARKS.md");

const HEAD: &str = "\
# Results

Made by the suite: see [README.md](README.md) for what is measured and what the columns mean, [REMARKS.md](REMARKS.md)
for what is said about the figures. To repeat it:

```text
cargo run --release -p offtick-bench -- --json target/results.json
benches/footprint --json target/footprint.json
cargo run --release -p offtick-bench -- --from target/results.json --from target/footprint.json --page benches/RESULTS.md
```

Absolute figures are those of one machine in one hour. The ratios are medians of the quotients within each repetition.
";

/// The page.
pub fn page(records: &[Record]) -> String {
    let mut page = String::from(HEAD);
    // A string takes whatever is written.
    let _infallible = write_page(&mut page, records);
    page
}

fn write_page(page: &mut String, records: &[Record]) -> fmt::Result {
    write_circumstances(page, records)?;
    write_ahead(page, records)?;
    write_missed(page, records)?;
    for group in groups(records) {
        let lines: Vec<&Record> = records.iter().filter(|record| group_of(record) == group).collect();
        writeln!(page, "\n## {group}\n")?;
        if let Some(workload) = workloads::ALL.iter().find(|workload| workload.name == group) {
            writeln!(page, "{}\n", workload.question())?;
        }
        write_group(page, &lines)?;
        if let Some((_, remark)) = remarks().find(|(name, _)| *name == group) {
            writeln!(page, "\n{remark}")?;
        }
    }
    Ok(())
}

fn write_circumstances(page: &mut String, records: &[Record]) -> fmt::Result {
    let mut machines: Vec<&str> = records.iter().map(|record| record.machine.as_str()).collect();
    machines.sort_unstable();
    machines.dedup();
    writeln!(page, "\nMachine: {}.", machines.join("; "))?;
    if records.iter().any(|record| record.quick) {
        writeln!(page, "\n**With `--quick`: shorter runs and fewer of them, for orientation.**")?;
    }
    let mut disturbed: Vec<String> = records
        .iter()
        .filter(|record| record.disturbed > 0)
        .map(|record| format!("{} ({} of {})", record.workload, record.disturbed, record.repetitions))
        .collect();
    disturbed.dedup();
    if !disturbed.is_empty() {
        writeln!(page, "\nRepetitions that others disturbed, and that were kept: {}.", disturbed.join(", "))?;
    }
    Ok(())
}

fn write_ahead(page: &mut String, records: &[Record]) -> fmt::Result {
    writeln!(page, "\n## Where a peer is ahead\n")?;
    // As it is printed: what is less than that is level.
    let behind = |record: &&Record| {
        record.ratio.is_some_and(|ratio| !better(record).meets((ratio * 100.0).round() / 100.0, 1.0))
    };
    let mut rows = records.iter().filter(behind).peekable();
    if rows.peek().is_none() {
        return writeln!(page, "Nowhere.");
    }
    writeln!(page, "| table | setting | peer | ratio | |\n|---|---|---|---:|---|")?;
    rows.try_for_each(|record| {
        let (peer, ratio) = (record.best.as_deref().unwrap_or_default(), record.ratio.unwrap_or_default());
        let Record { workload, peer: setting, better, .. } = record;
        writeln!(page, "| {workload} | {setting} | {peer} | {ratio:.2} | {better} is better |")
    })
}

fn write_missed(page: &mut String, records: &[Record]) -> fmt::Result {
    let goals: Vec<(&Record, &Reached)> =
        records.iter().flat_map(|record| record.goals.iter().map(move |goal| (record, goal))).collect();
    let missed: Vec<_> = goals.iter().filter(|(_, goal)| !goal.met).collect();
    writeln!(page, "\n## Goals missed\n\n{} of {}.", missed.len(), goals.len())?;
    if missed.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| table | setting | against | ratio | goal |\n|---|---|---|---:|---:|")?;
    missed.iter().try_for_each(|(record, goal)| {
        let (sign, Reached { against, ratio, bound, .. }) = (better(record).sign(), goal);
        writeln!(page, "| {} | {} | {against} | {ratio:.2} | {sign} {bound} |", record.workload, record.peer)
    })
}

/// One line for each setting of offtick: what a reader would look for beside it.
fn write_group(page: &mut String, lines: &[&Record]) -> fmt::Result {
    writeln!(page, "| table | unit | offtick | | best peer | | tokio | | floor | / best | / tokio | goals |")?;
    writeln!(page, "|---|---|---|---:|---|---:|---|---:|---:|---:|---:|---|")?;
    for ours in lines.iter().filter(|line| line.role == "offtick") {
        let table = || lines.iter().filter(|line| line.workload == ours.workload);
        let named = |name: &Option<String>| table().find(|line| Some(&line.peer) == name.as_ref());
        let (best, tokio) = (named(&ours.best), named(&ours.tokio));
        let floor = table()
            .filter(|line| line.role == "floor")
            .reduce(|best, line| if better(ours).meets(best.median, line.median) { best } else { line });
        let sign = better(ours).sign();
        let goal = |goal: &Reached| {
            let verdict = if goal.met { "met" } else { "**missed**" };
            format!("{:.2} ({sign} {}) {}: {verdict}", goal.ratio, goal.bound, goal.against)
        };
        let goals: Vec<String> = ours.goals.iter().map(goal).collect();
        writeln!(
            page,
            "| {} | {}, {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            ours.workload,
            ours.unit,
            ours.better,
            ours.peer,
            Figure(Some(ours)),
            Name(best.copied()),
            Figure(best.copied()),
            Name(tokio.copied()),
            Figure(tokio.copied()),
            Figure(floor.copied()),
            Quotient(ours.ratio),
            Quotient(ours.ratio_tokio),
            goals.join("<br>"),
        )?;
    }
    write_notes(page, lines)
}

/// In what the peers differ, each with whom it is said of.
fn write_notes(page: &mut String, lines: &[&Record]) -> fmt::Result {
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines.iter().filter(|line| !line.note.is_empty()) {
        match notes.iter_mut().find(|(note, _)| *note == line.note) {
            Some((_, peers)) if peers.contains(&line.peer.as_str()) => {}
            Some((_, peers)) => peers.push(&line.peer),
            None => notes.push((&line.note, vec![&line.peer])),
        }
    }
    if notes.is_empty() {
        return Ok(());
    }
    writeln!(page)?;
    notes.iter().try_for_each(|(note, peers)| writeln!(page, "- {}: {note}", peers.join("; ")))
}

/// A median, and its tail where there is one.
struct Figure<'a>(Option<&'a Record>);

impl Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(record) = self.0 else { return Ok(()) };
        f.write_str(&figure(record.median))?;
        match (record.p99, record.p999) {
            (Some(p99), Some(p999)) => write!(f, " (p99 {}, p99.9 {})", figure(p99), figure(p999)),
            (Some(p99), None) => write!(f, " (p99 {})", figure(p99)),
            (None, _) => Ok(()),
        }
    }
}

struct Name<'a>(Option<&'a Record>);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.map_or("", |record| &record.peer))
    }
}

struct Quotient(Option<f64>);

impl Display for Quotient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |ratio| write!(f, "{ratio:.2}"))
    }
}

fn better(record: &Record) -> Better {
    if record.better == Better::Higher.name() { Better::Higher } else { Better::Lower }
}

/// The name of the workload that a table belongs to.
fn group_of(record: &Record) -> &str {
    record.workload.split('/').next().unwrap_or_default()
}

/// Those that have lines: the workloads in their order, then what other programs measured.
fn groups(records: &[Record]) -> Vec<&str> {
    let known = workloads::ALL.iter().map(|workload| workload.name);
    let mut groups: Vec<&str> = known.filter(|name| records.iter().any(|record| group_of(record) == *name)).collect();
    for record in records {
        if !groups.contains(&group_of(record)) {
            groups.push(group_of(record));
        }
    }
    groups
}

/// The name of each section of the remarks, and what it says.
fn remarks() -> impl Iterator<Item = (&'static str, &'static str)> {
    REMARKS.split("\n## ").skip(1).filter_map(|section| {
        let (name, text) = section.split_once('\n')?;
        Some((name.trim(), text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::line;

    fn records() -> Vec<Record> {
        let mut ours = line("ring", "offtick", "offtick", 2.0);
        (ours.best, ours.ratio) = (Some("rtrb".to_owned()), Some(1.25));
        (ours.tokio, ours.ratio_tokio) = (Some("tokio mpsc".to_owned()), Some(0.5));
        let reached = |against: &str, met| Reached { against: against.to_owned(), ratio: 1.25, bound: 1.0, met };
        ours.goals = vec![reached("rtrb", false), reached("tokio mpsc", true)];
        let rivals = [line("ring", "rtrb", "peer", 1.6), line("ring", "tokio mpsc", "peer", 4.0)];
        let floors = [line("ring", "FLOOR: a", "floor", 1.5), line("ring", "FLOOR: b", "floor", 1.0)];
        [vec![line("footprint/size", "offtick", "offtick", 3.0), ours], rivals.into(), floors.into()].concat()
    }

    #[test]
    fn a_line_shows_the_best_and_tokio_and_the_floor() {
        let row = "| ring | us, lower | offtick | 2.000 | rtrb | 1.600 | tokio mpsc | 4.000 | 1.000 | 1.25 | 0.50 | \
                   1.25 (<= 1) rtrb: **missed**<br>1.25 (<= 1) tokio mpsc: met |\n";
        assert!(page(&records()).contains(row), "{}", page(&records()));
    }

    #[test]
    fn who_is_ahead_and_what_was_missed_is_said() {
        let page = page(&records());
        assert!(page.contains("| ring | offtick | rtrb | 1.25 | lower is better |\n"), "{page}");
        assert!(page.contains("1 of 2.\n"), "{page}");
        assert!(page.contains("| ring | offtick | rtrb | 1.25 | <= 1 |\n"), "{page}");
        assert!(super::page(&[]).contains("Nowhere."));
    }

    #[test]
    fn disturbed_and_quick_runs_are_said() {
        let mut records = records();
        assert!(!page(&records).contains("--quick`:") && !page(&records).contains("disturbed,"));
        (records[1].disturbed, records[1].quick) = (2, true);
        let page = page(&records);
        assert!(page.contains("**With `--quick`:") && page.contains("were kept: ring (2 of 7)."), "{page}");
    }

    #[test]
    fn what_other_programs_measured_comes_last() {
        assert_eq!(groups(&records()), ["ring", "footprint"]);
    }

    #[test]
    fn remarks_are_about_what_there_is() {
        for (name, _) in super::remarks() {
            let known = workloads::ALL.iter().any(|workload| workload.name == name);
            assert!(known || name == "footprint", "no workload {name}");
        }
    }
}
