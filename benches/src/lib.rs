//! offtick beside its peers: the same job for each, interleaved in one process, one process a workload.
//!
//! ```text
//! cargo run --release -p offtick-bench -- [WORKLOAD...] [--quick] [--json FILE] [--page FILE] [--from FILE]... [--list]
//! cargo bench -p offtick-bench -- (the same)
//! ```
//! Both are built by the same profile, with link-time optimisation; `README.md` beside this package says what the columns
//! of a table mean. Without names everything is measured, with `--from` only what is named: the rest is read from lines
//! that an earlier run wrote.
//!
//! One file of [`workloads`] answers one question, which stands on its first line. A later workload is a file there and
//! a line in its `mod.rs`. From there a figure goes its way: [`measure`] takes it, [`report`] prints it, [`record`] keeps it
//! as JSON, and [`page`] makes the page of results of what was kept.

pub mod counting;
pub mod local;
pub mod measure;
pub mod net;
mod options;
pub mod page;
pub mod peers;
pub mod record;
pub mod report;
pub mod workloads;

use options::Options;
use record::Record;
use std::process::{Command, ExitCode};
use std::{env, fs, io, process};
use workloads::{Scale, Workload};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

/// Runs the suite as the command line asks.
pub fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the suite.
///
/// # Errors
/// What is wrong with the arguments, or with a file to read or to write.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if options.help {
        println!("{}", options::USAGE);
        return Ok(());
    }
    if let Some(name) = options.serve {
        return net::serve(&name);
    }
    let chosen = options.chosen()?;
    if options.list {
        chosen.iter().for_each(|workload| println!("{:<20} {}", workload.name, workload.question()));
        return Ok(());
    }
    let mut records = Vec::new();
    for file in &options.from {
        record::merge(&mut records, record::read(file)?);
    }
    // What cannot be written is better known now than after half an hour; and a run that is broken off leaves what it has.
    save(&options, &records)?;
    if let [workload] = chosen[..] {
        return measure(workload, options.quick, |found| {
            record::merge(&mut records, found);
            save(&options, &records)
        });
    }
    for workload in chosen {
        record::merge(&mut records, apart(workload, options.quick)?);
        save(&options, &records)?;
    }
    Ok(())
}

/// Measures a workload, table by table.
fn measure(
    workload: &Workload,
    quick: bool,
    mut keep: impl FnMut(Vec<Record>) -> Result<(), String>,
) -> Result<(), String> {
    println!("\n=== {}: {}", workload.name, workload.question());
    let (scale, repetitions) = if quick { (Scale::Quick, 3) } else { (Scale::Full, 7) };
    for case in (workload.cases)(scale) {
        let table = case.measure(repetitions);
        report::print(&table, &mut io::stdout().lock()).map_err(|error| error.to_string())?;
        keep(record::records(&table, quick))?;
    }
    Ok(())
}

/// Measures a workload in a process of its own: memory is then as new for its peers, whatever was measured before, and who
/// is the first of them does not get the holes that others have left.
fn apart(workload: &Workload, quick: bool) -> Result<Vec<Record>, String> {
    let failed = |what: &dyn std::fmt::Display| format!("{}: {what}", workload.name);
    let file = env::temp_dir().join(format!("offtick-bench-{}.json", process::id()));
    let program = env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    command.arg(workload.name).args(quick.then_some("--quick")).arg("--json").arg(&file);
    let status = command.status().map_err(|error| failed(&error))?;
    let found = if status.success() { record::read(&file.to_string_lossy()) } else { Err(failed(&status)) };
    // Nobody else needs it; there is none if the process did not come so far.
    let _removed = fs::remove_file(&file);
    found
}

/// Writes the files that were asked for.
fn save(options: &Options, records: &[Record]) -> Result<(), String> {
    let write = |file: &String, bytes: &[u8]| fs::write(file, bytes).map_err(|error| format!("{file}: {error}"));
    if let Some(file) = &options.json {
        let mut lines = Vec::new();
        record::write(records, &mut lines).map_err(|error| error.to_string())?;
        write(file, &lines)?;
    }
    options.page.as_ref().map_or(Ok(()), |file| write(file, page::page(records).as_bytes()))
}
