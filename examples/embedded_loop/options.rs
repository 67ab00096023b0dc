//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A thermostat: a control loop without a thread, by a record of samples or by a sensor of this machine.

Usage: embedded_loop [OPTIONS] [--] [RECORD]
       embedded_loop --sensor PATH [OPTIONS]
       embedded_loop --generate N [--seed S]

  RECORD             lines of SECONDS,CELSIUS; `-` is the standard input; without one, a generated record of two hours
  --until SECS       goes on until then (the time of the last sample), in simulated time
  --sensor PATH      reads this file again and again instead, in real time; one number of degrees
  --milli            that file has thousandths of a degree, as those of Linux
  --period SECS      time between two readings of the sensor (0.25)
  --time SECS        how long (10)
  --silence SECS     a sensor that says nothing for so long is a fault (30)
  --generate N       prints a record of N samples
  --seed S           makes it, and the record of two hours: the same for the same number (1)
  --json             print only the line of JSON at the end
  -h, --help         print this

A line that is no sample is told and left out.

Exit codes: 0 controlled; 1 not one reading, or a file that cannot be read; 2 wrong usage.
";

/// Where the samples come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A generated record.
    Own {
        seed: u64,
    },
    Stdin,
    File(PathBuf),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) source: Source,
    pub(crate) until: Option<Duration>,
    pub(crate) silence: Duration,
    pub(crate) json: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) path: PathBuf,
    pub(crate) milli: bool,
    pub(crate) period: Duration,
    pub(crate) time: Duration,
    pub(crate) silence: Duration,
    pub(crate) json: bool,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Generate { count: usize, seed: u64 },
    Replay(Replay),
    Live(Live),
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let (mut json, mut milli, mut only_paths) = (false, false, false);
    let (mut record, mut sensor, mut generate, mut seed) = (None, None, None, None);
    let (mut until, mut period, mut time, mut silence) = (None, None, None, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_encoded_bytes();
        if only_paths || bytes == b"-" || !bytes.starts_with(b"-") {
            if record.is_some() {
                return Err(format!("one RECORD is enough; unexpected {argument:?}"));
            }
            let is_stdin = !only_paths && bytes == b"-";
            record = Some(if is_stdin { Source::Stdin } else { Source::File(argument.into()) });
            continue;
        }
        let Some(name) = argument.to_str() else { return Err(format!("unknown option {argument:?}")) };
        // Called by the options that have a value.
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name {
            "--" => only_paths = true,
            "-h" | "--help" => return Ok(Request::Help),
            "--json" => json = true,
            "--milli" => milli = true,
            "--sensor" => sensor = Some(PathBuf::from(value()?)),
            "--generate" => generate = Some(within(name, value()?, 0..=1_000_000)?),
            "--seed" => seed = Some(within(name, value()?, 0..=u64::MAX)?),
            "--until" => until = Some(seconds(name, value()?, 0.0)?),
            "--period" => period = Some(seconds(name, value()?, 0.001)?),
            "--time" => time = Some(seconds(name, value()?, 0.0)?),
            "--silence" => silence = Some(seconds(name, value()?, 0.001)?),
            _ => return Err(format!("unknown option {name:?}")),
        }
    }
    let is_live = sensor.is_some();
    if !is_live && (milli || period.is_some() || time.is_some()) {
        return Err("--milli, --period and --time are for a --sensor".into());
    }
    if is_live && (record.is_some() || until.is_some()) {
        return Err("a --sensor excludes a RECORD and --until".into());
    }
    if generate.is_some() && (is_live || record.is_some() || until.is_some() || silence.is_some() || json) {
        return Err("--generate goes with --seed alone".into());
    }
    if seed.is_some() && (is_live || record.is_some()) {
        return Err("--seed is for a generated record".into());
    }
    let (seed, silence) = (seed.unwrap_or(1), silence.unwrap_or(Duration::from_secs(30)));
    if let Some(count) = generate {
        return Ok(Request::Generate { count, seed });
    }
    Ok(match sensor {
        Some(path) => Request::Live(Live {
            path,
            milli,
            period: period.unwrap_or(Duration::from_millis(250)),
            time: time.unwrap_or(Duration::from_secs(10)),
            silence,
            json,
        }),
        None => Request::Replay(Replay { source: record.unwrap_or(Source::Own { seed }), until, silence, json }),
    })
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    value: OsString,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{name} is {value:?}, but must be a number from {} to {}", range.start(), range.end()))
}

fn seconds(name: &str, value: OsString, least: f64) -> Result<Duration, String> {
    within(name, value, least..=1e8).map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::{Live, Replay, Request, Source, parse};
    use std::time::Duration;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    fn replay(source: Source) -> Replay {
        Replay { source, until: None, silence: Duration::from_secs(30), json: false }
    }

    #[test]
    fn takes_a_record_a_sensor_or_a_number_of_samples() {
        assert_eq!(parsed("-h --until"), Ok(Request::Help));
        assert_eq!(parsed(""), Ok(Request::Replay(replay(Source::Own { seed: 1 }))));
        assert_eq!(parsed("-"), Ok(Request::Replay(replay(Source::Stdin))));
        assert_eq!(parsed("-- -"), Ok(Request::Replay(replay(Source::File("-".into())))));
        let until = Some(Duration::from_millis(1500));
        let asked = Replay { until, json: true, ..replay(Source::File("a".into())) };
        assert_eq!(parsed("--until 1.5 a --json"), Ok(Request::Replay(asked)));
        assert_eq!(parsed("--generate 9 --seed 8"), Ok(Request::Generate { count: 9, seed: 8 }));
        let asked = Live {
            path: "t".into(),
            milli: true,
            period: Duration::from_millis(250),
            time: Duration::from_secs(2),
            silence: Duration::from_secs(1),
            json: false,
        };
        assert_eq!(parsed("--silence 1 --sensor t --milli --time 2"), Ok(Request::Live(asked)));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--fast",
            "-x",
            "a b",
            "- -",
            "--until",
            "--until soon",
            "--until -1",
            "--until inf",
            "--silence 0",
            "--silence NaN",
            "--sensor",
            "--sensor t --period 0",
            "--sensor t --until 3",
            "--sensor t a",
            "--sensor t --seed 3",
            "--milli",
            "--time 3",
            "--generate -1",
            "--generate 3 --json",
            "--generate 3 a",
            "a --seed 3",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
