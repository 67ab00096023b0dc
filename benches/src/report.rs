//! What the reader sees: a table per case, and one JSON line per figure.

use crate::measure::{Better, Role, Table};
use std::io::{self, Write};

/// Prints a table for people.
///
/// # Errors
/// Those of `out`.
pub fn print(table: &Table, out: &mut impl Write) -> io::Result<()> {
    let better = match table.unit.better() {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
    };
    writeln!(out, "\n{} [{}, {better}]", table.name, table.unit.name())?;
    writeln!(out, "  {:<34} {:>10} {:>10} {:>10} {:>10}", "", "median", "min", "max", "CPU ns/op")?;
    for row in &table.rows {
        let mark = match row.role {
            Role::Ours => '*',
            Role::Rival => ' ',
            Role::Floor => '_',
        };
        let cpu = row.cpu.map_or_else(String::new, figure);
        let figures = [row.figure.median, row.figure.min, row.figure.max].map(figure);
        write!(out, "{mark} {:<34} {:>10} {:>10} {:>10} {cpu:>10}", row.peer, figures[0], figures[1], figures[2])?;
        if row.note.is_empty() { writeln!(out)? } else { writeln!(out, "  ({})", row.note)? }
    }
    for ratio in &table.ratios {
        let sign = if table.unit.better() == Better::Higher { ">=" } else { "<=" };
        let verdict = match ratio.bound {
            Some((bound, true)) => format!("goal {sign} {bound}: met"),
            Some((bound, false)) => format!("goal {sign} {bound}: MISSED"),
            None => String::new(),
        };
        let name = format!("{} / {}", ratio.ours, ratio.against);
        let (median, min, max) = (ratio.ratio.median, ratio.ratio.min, ratio.ratio.max);
        let cpu = ratio.cpu.map_or_else(String::new, |cpu| format!("  CPU time {cpu:.2}"));
        writeln!(out, "  ratio {name:<52} {median:>6.2}  ({min:.2} to {max:.2}){cpu}  {verdict}")?;
    }
    if table.disturbed > 0.1 {
        writeln!(out, "  disturbed: others took up to {:.0} % of the machine", table.disturbed * 100.0)?;
    }
    Ok(())
}

fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Writes a table for programs. Names hold nothing that JSON would have to escape.
///
/// # Errors
/// Those of `out`.
pub fn json(table: &Table, out: &mut impl Write) -> io::Result<()> {
    let better = match table.unit.better() {
        Better::Higher => "higher",
        Better::Lower => "lower",
    };
    for row in &table.rows {
        let (median, min, max) = (row.figure.median, row.figure.min, row.figure.max);
        writeln!(
            out,
            r#"{{"workload":"{}","peer":"{}","unit":"{}","median":{median},"min":{min},"max":{max},"better":"{better}"}}"#,
            table.name,
            row.peer,
            table.unit.name(),
        )?;
    }
    Ok(())
}
