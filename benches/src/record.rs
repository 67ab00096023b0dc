//! What is kept of a run: one JSON line per peer of a table. A page is made of these, whenever and from however many runs.
//!
//! Every line has the keys `workload` (the name of the table), `peer`, `unit`, `median`, `min`, `max` and `better`; the
//! others are there where there is something to say. `benches/footprint` writes such lines as well.

use crate::measure::{Against, Ratio, Role, Row, Table, machine};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};

/// One peer's line of one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub workload: String,
    pub peer: String,
    pub unit: String,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// `higher` or `lower`.
    pub better: String,
    /// `offtick`, `peer` or `floor`.
    pub role: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// CPU nanoseconds an operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ns: Option<f64>,
    /// Of the single times of a run, in the unit of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999: Option<f64>,
    /// The best peer, and ours divided by it: the median over the repetitions. Both on the lines of offtick alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// The same for the best setting of tokio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokio: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_tokio: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Reached>,
    pub repetitions: usize,
    /// How many of these others disturbed, and what share of the machine they took at the most.
    #[serde(default)]
    pub disturbed: usize,
    #[serde(default)]
    pub others: f64,
    /// A run with `--quick`.
    #[serde(default)]
    pub quick: bool,
    pub machine: String,
}

/// A goal of ours, and what was reached of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    pub against: String,
    pub ratio: f64,
    pub bound: f64,
    pub met: bool,
}

/// The lines of a table.
pub fn records(table: &Table, quick: bool) -> Vec<Record> {
    table.rows.iter().map(|row| record(table, row, quick)).collect()
}

fn record(table: &Table, row: &Row, quick: bool) -> Record {
    let ratios = || table.ratios.iter().filter(|ratio| ratio.ours == row.peer);
    let always = |against| ratios().find(|ratio| ratio.against == against);
    let (best, tokio) = (always(Against::Best), always(Against::Tokio));
    let name = |ratio: &Ratio| ratio.theirs.clone();
    let goals = ratios().filter_map(|ratio| {
        let (bound, met) = ratio.bound?;
        Some(Reached { against: name(ratio), ratio: ratio.ratio.median, bound, met })
    });
    Record {
        workload: table.name.to_owned(),
        peer: row.peer.to_owned(),
        unit: table.unit.name().to_owned(),
        median: row.figure.median,
        min: row.figure.min,
        max: row.figure.max,
        better: table.unit.better().name().to_owned(),
        role: role(row.role).to_owned(),
        note: row.note.to_owned(),
        cpu_ns: row.cpu,
        p99: row.p99,
        p999: row.p999,
        best: best.map(name),
        ratio: best.map(|ratio| ratio.ratio.median),
        tokio: tokio.map(name),
        ratio_tokio: tokio.map(|ratio| ratio.ratio.median),
        goals: goals.collect(),
        repetitions: table.repetitions,
        disturbed: table.disturbed,
        others: table.others,
        quick,
        machine: machine::description(),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Ours => "offtick",
        Role::Rival => "peer",
        Role::Floor => "floor",
    }
}

/// Writes them, one a line.
///
/// # Errors
/// Those of `out`.
pub fn write(records: &[Record], out: &mut impl Write) -> io::Result<()> {
    records.iter().try_for_each(|record| {
        serde_json::to_writer(&mut *out, record)?;
        writeln!(out)
    })
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// A file that cannot be read, or a line of it.
pub fn read(file: &str) -> Result<Vec<Record>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let line = |(nth, line)| serde_json::from_str(line).map_err(|error| format!("{file}, line {}: {error}", nth + 1));
    text.lines().enumerate().map(line).collect()
}

/// Adds newer ones. A table is replaced as a whole: ratios are those of one run.
pub fn merge(records: &mut Vec<Record>, newer: Vec<Record>) {
    records.retain(|old| !newer.iter().any(|new| new.workload == old.workload));
    records.extend(newer);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A line of `workload` with the least in it.
    pub(crate) fn line(workload: &str, peer: &str, role: &str, median: f64) -> Record {
        let text = format!(
            r#"{{"workload":"{workload}","peer":"{peer}","unit":"us","median":{median:?},"min":1.0,"max":9.0,
            "better":"lower","role":"{role}","repetitions":7,"machine":"2 cores"}}"#
        );
        serde_json::from_str(&text).expect("all that must be there")
    }

    #[test]
    fn a_line_reads_as_it_was_written() {
        let mut record = line("ring", "", "offtick", 2.0);
        record.peer = "offtick \"quoted\"".to_owned();
        record.p99 = Some(3.0);
        record.goals.push(Reached { against: "smol".to_owned(), ratio: 1.0, bound: 0.9, met: false });
        let mut text = Vec::new();
        write(&[record.clone()], &mut text).expect("memory takes it");
        let text = String::from_utf8(text).expect("JSON is text");
        assert!(
            text.starts_with(r#"{"workload":"ring","peer":"offtick \"quoted\"","unit":"us","median":2.0,"min":1.0,"#)
        );
        assert_eq!(serde_json::from_str::<Record>(text.trim_end()).expect("as written"), record);
    }

    #[test]
    fn a_newer_table_replaces_the_whole_of_the_older_one() {
        let mut records = vec![line("a", "x", "peer", 1.0), line("b", "x", "peer", 1.0), line("a", "y", "peer", 1.0)];
        merge(&mut records, vec![line("a", "x", "peer", 2.0)]);
        let left: Vec<_> = records.iter().map(|record| (record.workload.as_str(), record.median)).collect();
        assert_eq!(left, [("b", 1.0), ("a", 2.0)]);
    }
}
