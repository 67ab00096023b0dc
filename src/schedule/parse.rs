//! From text to [`Fields`]: cuts the text, counts its fields and hands them to one of the two dialects.
//!
//! | file | dialect |
//! |---|---|
//! | `item.rs` | the grammar of one item, `VALUE`, `FROM-TO` or either with `/STEP`, with the position of every mistake |
//! | `crontab.rs` | 5 fields and the `@` words |
//! | `seconds.rs` | 6 and 7 fields: the `cron` crate decides what is right, `item.rs` explains what is wrong |
//!
//! Every step is linear in the text, and the text is short: [`LENGTH_LIMIT_BYTES`].

mod crontab;
mod item;
mod seconds;

use super::error::{CronError, CronField, CronProblem};
use super::fields::{DayRule, Fields, Readings};
use super::walk::Passage;
use super::zone::EARLIEST;

/// Bytes in the longest text that is looked at: more than every value of every field, written out.
pub(super) const LENGTH_LIMIT_BYTES: usize = 2048;

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `@reboot`.
    AtStart,
    /// Everything else.
    Readings(Fields, Passage),
}

/// One field of a text and where it stands.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Token<'a> {
    /// The parts between commas.
    fn items(self) -> impl Iterator<Item = Token<'a>> {
        self.text.split(',').scan(self.at, |next, text| {
            let at = *next;
            *next += text.len() + 1;
            Some(Token { at, text })
        })
    }

    /// True if the field follows every value, perhaps in steps.
    fn is_starred(self) -> bool {
        self.text.starts_with('*')
    }
}

/// Reads a text. Whether its dates are over is not looked at.
pub(super) fn parse(text: &str) -> Result<Meaning, CronError> {
    if text.len() > LENGTH_LIMIT_BYTES {
        return Err(CronError::TooLong { length: text.len(), limit: LENGTH_LIMIT_BYTES });
    }
    let tokens = tokens(text);
    let Some(first) = tokens.first() else { return Err(CronError::Empty) };
    if first.text.starts_with('@') {
        let given = text.trim_ascii();
        return crontab::word(given).ok_or_else(|| CronError::Word { at: first.at, given: excerpt(given) });
    }
    let (fields, hours, days) = match tokens.len() {
        5 => (crontab::fields(&tokens)?, tokens[1], tokens[2]),
        6 | 7 => (seconds::fields(&tokens)?, tokens[2], tokens[3]),
        found => return Err(CronError::Arity { found }),
    };
    if fields.first_from(EARLIEST).is_none() {
        return Err(CronError::NeverFires { at: days.at });
    }
    let every_hour = fields.hours == (1 << 24) - 1;
    let passage = if hours.is_starred() || every_hour { Passage::Elapsed } else { Passage::Once };
    Ok(Meaning::Readings(fields, passage))
}

/// Where the year stands in a text that has one.
pub(super) fn position_of_year(text: &str) -> usize {
    tokens(text).get(6).map_or(0, |token| token.at)
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    // The difference of the addresses is the offset: both slices are of one text.
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(|part| Token { at: place(part), text: part }).collect()
}

/// The numbers that one field takes.
struct Rule {
    field: CronField,
    first: u32,
    last: u32,
    /// Where `*` and `FROM/STEP` end: the last day of the week has two numbers.
    star_last: u32,
    /// Three letters each, the first for `first_name`.
    names: &'static [&'static str],
    first_name: u32,
    /// `?` is another word for `*`.
    question_mark: bool,
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl Rule {
    const fn numbers(field: CronField, first: u32, last: u32) -> Self {
        Self { field, first, last, star_last: last, names: &[], first_name: 0, question_mark: false }
    }

    /// The mistake `given` at `at`.
    fn error(&self, problem: CronProblem, at: usize, given: &str) -> CronError {
        CronError::Field { field: self.field, at, given: excerpt(given), problem, allowed: self.allowed(problem) }
    }

    fn allowed(&self, problem: CronProblem) -> String {
        let (first, last) = (self.first, self.last);
        let or_name = match self.field {
            CronField::Month => ", JAN-DEC",
            CronField::DayOfWeek if self.first == 0 => " (0 and 7 are Sunday), SUN-SAT",
            CronField::DayOfWeek => " (1 is Sunday), SUN-SAT",
            _ => "",
        };
        match problem {
            CronProblem::Step => format!("a step of 1 to {}", self.widest_step()),
            CronProblem::Reversed => format!("a range that rises within {first}-{last}{or_name}"),
            CronProblem::Range | CronProblem::Name => format!("{first}-{last}{or_name}"),
            CronProblem::Syntax | CronProblem::Character => {
                let any = if self.question_mark { "*, ?" } else { "*" };
                format!("{any}, {first}-{last}{or_name}, ranges FROM-TO, steps */N or FROM-TO/N, lists with commas")
            }
        }
    }

    fn widest_step(&self) -> u32 {
        self.star_last - self.first + 1
    }
}

/// A part of a text for an error: what does not print is escaped, what is long is cut.
fn excerpt(text: &str) -> String {
    const LIMIT_CHARS: usize = 40;
    let mut shown: String = text.chars().take(LIMIT_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT_CHARS).is_some() {
        shown.push_str("...");
    }
    shown
}
