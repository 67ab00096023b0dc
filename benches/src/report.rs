//! What the reader sees while it runs: a table per case.

use crate::measure::{Against, Better, Ratio, Role, Table};
use std::io::{self, Write};

/// Prints a table.
///
/// # Errors
/// Those of `out`.
pub fn print(table: &Table, out: &mut impl Write) -> io::Result<()> {
    let better = table.unit.better().name();
    writeln!(out, "\n{} [{}, {better} is better; {} repetitions]", table.name, table.unit.name(), table.repetitions)?;
    let tails = table.rows.iter().any(|row| row.p99.is_some());
    let tail_heads = if tails { format!(" {:>10} {:>10}", "p99", "p99.9") } else { String::new() };
    writeln!(out, "  {:<38} {:>10} {:>10} {:>10} {:>10}{tail_heads}", "", "median", "min", "max", "CPU ns/op")?;
    for row in &table.rows {
        let mark = match row.role {
            Role::Ours => '*',
            Role::Rival => ' ',
            Role::Floor => '_',
        };
        let figures = [row.figure.median, row.figure.min, row.figure.max].map(figure);
        let optional = |value: Option<f64>| value.map_or_else(String::new, figure);
        let cpu = optional(row.cpu);
        write!(out, "{mark} {:<38} {:>10} {:>10} {:>10} {cpu:>10}", row.peer, figures[0], figures[1], figures[2])?;
        if tails {
            write!(out, " {:>10} {:>10}", optional(row.p99), optional(row.p999))?;
        }
        if row.note.is_empty() { writeln!(out)? } else { writeln!(out, "  ({})", row.note)? }
    }
    for (nth, ratio) in table.ratios.iter().enumerate() {
        let same = |other: &&Ratio| (other.ours, &other.theirs) == (ratio.ours, &ratio.theirs);
        // A goal may have said it already, or the best may be tokio.
        if ratio.bound.is_some() || !table.ratios[..nth].iter().any(|other| same(&other)) {
            let best = table.ratios.iter().filter(same).any(|ratio| ratio.against == Against::Best);
            print_ratio(ratio, best, table.unit.better(), out)?;
        }
    }
    if table.disturbed > 0 {
        let (disturbed, all, most) = (table.disturbed, table.repetitions, table.others * 100.0);
        writeln!(out, "  DISTURBED: {disturbed} of {all} repetitions; others took up to {most:.0} % of the machine")?;
    }
    Ok(())
}

fn print_ratio(ratio: &Ratio, best: bool, better: Better, out: &mut impl Write) -> io::Result<()> {
    let verdict = match ratio.bound {
        Some((bound, true)) => format!("  goal {} {bound}: met", better.sign()),
        Some((bound, false)) => format!("  goal {} {bound}: MISSED", better.sign()),
        None => String::new(),
    };
    let best = if best { "best: " } else { "" };
    let name = format!("{} / {best}{}", ratio.ours, ratio.theirs);
    let (median, min, max) = (ratio.ratio.median, ratio.ratio.min, ratio.ratio.max);
    let cpu = ratio.cpu.map_or_else(String::new, |cpu| format!("  CPU time {cpu:.2}"));
    writeln!(out, "  ratio {name:<60} {median:>6.2}  ({min:.2} to {max:.2}){cpu}{verdict}")
}

/// As many digits as are worth reading.
pub fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
