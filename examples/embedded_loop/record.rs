//! Records of samples: lines of `SECONDS,CELSIUS`, as they are read and as they are made.

use crate::options::Source;
use std::f64::consts::TAU;
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::time::Duration;

/// What the sensor can measure, in degrees Celsius. Anything else is a fault of the line, not a temperature.
const MEASURABLE: std::ops::RangeInclusive<f64> = -55.0..=125.0;

/// The longest record, in seconds: three years.
const LONGEST: f64 = 1e8;

/// Samples of the record that stands for a missing one: two hours.
const OWN_SAMPLES: usize = 720;

/// Seconds between two samples of a generated record.
const STEP: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Since the start of the record.
    pub(crate) at: Duration,
    pub(crate) celsius: f64,
}

/// Why a text is no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    NoComma,
    NoTime,
    Backwards,
    NoNumber,
    NotMeasurable,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoComma => "not SECONDS,CELSIUS",
            Self::NoTime => "the seconds are not a number from 0 to 100,000,000",
            Self::Backwards => "earlier than the sample before it",
            Self::NoNumber => "the degrees are not a number",
            Self::NotMeasurable => "a temperature that the sensor cannot measure",
        })
    }
}

/// A line that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) line: usize,
    pub(crate) wrong: Wrong,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.wrong)
    }
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) samples: Vec<Sample>,
    pub(crate) rejected: Vec<Rejected>,
}

impl Record {
    /// Reads all of it; waits for the end of the standard input.
    ///
    /// # Errors
    /// That of the file.
    pub(crate) fn read(source: &Source) -> io::Result<Self> {
        let bytes = match source {
            Source::Own { seed } => generate(OWN_SAMPLES, *seed).into_bytes(),
            Source::Stdin => {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut io::stdin(), &mut bytes)?;
                bytes
            }
            Source::File(path) => {
                fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?
            }
        };
        // A line is rejected for its bytes that are no text, not the whole record.
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Takes every line that is a sample. Empty ones and those that begin with `#` are left out silently.
    pub(crate) fn parse(text: &str) -> Self {
        let mut record = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match sample(line, record.samples.last()) {
                Ok(sample) => record.samples.push(sample),
                Err(wrong) => record.rejected.push(Rejected { line: index + 1, wrong }),
            }
        }
        record
    }
}

fn sample(line: &str, before: Option<&Sample>) -> Result<Sample, Wrong> {
    let (seconds, degrees) = line.split_once(',').ok_or(Wrong::NoComma)?;
    let seconds = seconds.trim().parse().ok().filter(|seconds| (0.0..=LONGEST).contains(seconds));
    let at = Duration::from_secs_f64(seconds.ok_or(Wrong::NoTime)?);
    let celsius = celsius(degrees.trim(), 1.0)?;
    if before.is_some_and(|before| at < before.at) {
        return Err(Wrong::Backwards);
    }
    Ok(Sample { at, celsius })
}

/// A temperature, given in parts of a degree.
///
/// # Errors
/// [`Wrong::NoNumber`] and [`Wrong::NotMeasurable`].
pub(crate) fn celsius(text: &str, parts: f64) -> Result<f64, Wrong> {
    let celsius = text.parse::<f64>().map_err(|_| Wrong::NoNumber)? / parts;
    // Not a number is in no range.
    if MEASURABLE.contains(&celsius) { Ok(celsius) } else { Err(Wrong::NotMeasurable) }
}

/// A record of so many samples: a slow wave with noise, one line of garbage and, in the middle, two minutes of silence. The
/// same seed makes the same record.
pub(crate) fn generate(count: usize, seed: u64) -> String {
    let mut noise = seed;
    let mut text = String::from("# seconds,celsius\n");
    for number in 0..count {
        let silent_until = count / 2 + 120 / STEP;
        let line = if number == count / 4 {
            writeln!(text, "{},n/a", number * STEP)
        } else if (count / 2..silent_until).contains(&number) {
            Ok(())
        } else {
            let wave = (number as f64 * STEP as f64 / 3600.0 * TAU).sin();
            writeln!(text, "{},{:.2}", number * STEP, 22.0 + 6.0 * wave + 0.3 * (unit(&mut noise) - 0.5))
        };
        line.expect("a string takes everything");
    }
    text
}

/// The next number of a sequence, from 0 to 1 (splitmix64).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::{Record, Rejected, Wrong, celsius, generate};

    #[test]
    fn lines_that_are_no_samples_are_named() {
        let record =
            Record::parse("# head\n\n 1, 20.5 \n1,21\n2\nx,20\n-1,20\n1e9,20\n3,warm\n3,NaN\n3,300\n0.5,20\n4,22\r\n");
        let samples: Vec<_> = record.samples.iter().map(|sample| (sample.at.as_secs_f64(), sample.celsius)).collect();
        assert_eq!(samples, [(1.0, 20.5), (1.0, 21.0), (4.0, 22.0)]);
        let rejected: Vec<_> = record.rejected.iter().map(|Rejected { line, wrong }| (*line, *wrong)).collect();
        assert_eq!(
            rejected,
            [
                (5, Wrong::NoComma),
                (6, Wrong::NoTime),
                (7, Wrong::NoTime),
                (8, Wrong::NoTime),
                (9, Wrong::NoNumber),
                (10, Wrong::NotMeasurable),
                (11, Wrong::NotMeasurable),
                (12, Wrong::Backwards),
            ]
        );
    }

    #[test]
    fn parts_of_a_degree() {
        assert_eq!(celsius("41500", 1000.0), Ok(41.5));
        assert_eq!(celsius("41500", 1.0), Err(Wrong::NotMeasurable));
    }

    #[test]
    fn a_generated_record_can_be_read() {
        assert_eq!(generate(100, 7), generate(100, 7));
        assert_ne!(generate(100, 7), generate(100, 8));
        for count in [0, 1, 2, 3, 24, 25, 720] {
            let record = Record::parse(&generate(count, 1));
            assert_eq!(record.rejected.len(), usize::from(count > 0), "{count}");
        }
        assert_eq!(Record::parse(&generate(720, 1)).samples.len(), 720 - 12 - 1);
    }
}
