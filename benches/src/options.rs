//! What the command line asks for.

use crate::workloads::{self, Workload};

pub(crate) const USAGE: &str = "\
offtick beside its peers

offtick-bench [WORKLOAD...] [OPTION...]

  --list       name the workloads
  --quick      a fifth of the work, 3 repetitions instead of 7
  --json FILE  write the figures, one line a peer of a table
  --page FILE  write the page of results
  --from FILE  take the figures of an earlier run (repeatable; later files replace tables of earlier ones)
               and measure the named workloads alone
  --help       this";

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    names: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) json: Option<String>,
    pub(crate) page: Option<String>,
    pub(crate) from: Vec<String>,
    /// Be this server instead.
    pub(crate) serve: Option<String>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--help" | "-h" => options.help = true,
                "--serve" => options.serve = Some(value()?),
                "--json" => options.json = Some(value()?),
                "--page" => options.page = Some(value()?),
                "--from" => options.from.push(value()?),
                // What `cargo bench` adds.
                "--bench" => {}
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n\n{USAGE}")),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }

    /// What is to be measured.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static Workload>, String> {
        if self.names.is_empty() && self.from.is_empty() {
            return Ok(workloads::ALL.iter().collect());
        }
        let find = |name: &String| {
            let found = workloads::ALL.iter().find(|workload| workload.name == name);
            found.ok_or_else(|| format!("no workload {name}; --list names them"))
        };
        self.names.iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    fn chosen(line: &str) -> Result<usize, String> {
        parse(line)?.chosen().map(|chosen| chosen.len())
    }

    #[test]
    fn everything_is_measured_unless_figures_or_names_are_given() {
        assert_eq!(chosen("--quick --bench"), Ok(workloads::ALL.len()));
        assert_eq!(chosen("ring closures --json file"), Ok(2));
        assert_eq!(chosen("--from a --from b --page file"), Ok(0));
        assert_eq!(chosen("--from a ring"), Ok(1));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(chosen("rings").is_err());
        assert!(parse("--json").is_err());
        assert!(parse("--fast").is_err());
    }
}
