//! offtick beside its peers: the same job for each, interleaved in one process.
//!
//! ```text
//! cargo run --profile bench -p offtick-bench -- [WORKLOAD...] [--quick] [--json FILE] [--list]
//! ```
//! (`--release` instead of `--profile bench` leaves out the link-time optimisation.)
//!
//! One file of [`workloads`] answers one question, which stands on its first line. A later workload is a file there and
//! a line in its `mod.rs`.

pub mod counting;
pub mod local;
pub mod measure;
pub mod net;
pub mod peers;
pub mod report;
pub mod workloads;

use std::fs::File;
use std::io::{self, Write};
use workloads::{Scale, Workload};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

/// What the command line asked for.
#[derive(Debug, Default)]
struct Options {
    names: Vec<String>,
    quick: bool,
    list: bool,
    json: Option<String>,
    /// Be this server instead.
    serve: Option<String>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--serve" => options.serve = Some(arguments.next().ok_or("--serve wants a name")?),
                "--json" => options.json = Some(arguments.next().ok_or("--json wants a file")?),
                // What `cargo bench` adds.
                "--bench" => {}
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }

    fn chosen(&self) -> Result<Vec<&'static Workload>, String> {
        if self.names.is_empty() {
            return Ok(workloads::ALL.iter().collect());
        }
        let find = |name: &String| {
            let found = workloads::ALL.iter().find(|workload| workload.name == name);
            found.ok_or_else(|| format!("no workload {name}; --list names them"))
        };
        self.names.iter().map(find).collect()
    }
}

/// Runs the suite.
///
/// # Errors
/// What is wrong with the arguments, or with the file to write.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if let Some(name) = options.serve {
        return net::serve(&name);
    }
    let chosen = options.chosen()?;
    let mut out = io::stdout();
    if options.list {
        for workload in chosen {
            println!("{:<16} {}", workload.name, workload.question());
        }
        return Ok(());
    }
    let mut json = options.json.map(File::create).transpose().map_err(|error| error.to_string())?;
    let (scale, repetitions) = if options.quick { (Scale::Quick, 3) } else { (Scale::Full, 7) };
    for workload in chosen {
        println!("\n=== {}: {}", workload.name, workload.question());
        for case in (workload.cases)(scale) {
            let table = case.measure(repetitions);
            report::print(&table, &mut out).map_err(|error| error.to_string())?;
            if let Some(file) = &mut json {
                report::json(&table, file).map_err(|error| error.to_string())?;
            }
        }
        out.flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}
