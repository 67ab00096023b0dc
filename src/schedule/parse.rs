//! From an expression to [`Plan`]: cuts the text, counts its fields and reads each by the rules of its dialect.
//!
//! | file | task |
//! |---|---|
//! | `item.rs` | the grammar of one item, `VALUE`, `FROM-TO` or either with `/STEP`, with the position of every mistake |
//! | `extended.rs` | the items `L`, `W` and `#`, which depend on the month |
//! | `dialect.rs` | the two dialects, 5 fields and 6 or 7, and the `@` words |
//!
//! Every step is linear in the text, and the text is short: [`LENGTH_LIMIT_BYTES`].

mod dialect;
mod extended;
mod item;

use super::error::{CronError, CronField, CronProblem};
use super::fields::{DayRule, Fields, Readings};
use super::offsets::EARLIEST;
use super::walk::Passage;

/// Bytes in the longest expression that is read: more than every value of every field, written out.
pub(super) const LENGTH_LIMIT_BYTES: usize = 2048;

/// The meaning of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `@reboot`.
    AtStart,
    /// Every other expression.
    Readings(Plan),
}

/// The readings of an expression, and its rule for offset changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) fields: Fields,
    pub(super) passage: Passage,
    /// True if the weekday field has numbers from 1 = Sunday.
    pub(super) sunday_is_one: bool,
}

/// The items that an expression may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Standard,
    /// With `L`, `W` and `#`.
    Extended,
}

/// One field of an expression and its position.
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

    /// Returns true if the field begins with a star.
    fn is_starred(self) -> bool {
        self.text.starts_with('*')
    }

    /// The part from byte `from` on.
    fn tail(self, from: usize) -> Self {
        Self { at: self.at + from, text: &self.text[from..] }
    }

    /// The part before byte `end`.
    fn head(self, end: usize) -> Self {
        Self { at: self.at, text: &self.text[..end] }
    }
}

/// Reads an expression. Whether its dates are in the past is not checked.
pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Meaning, CronError> {
    if text.len() > LENGTH_LIMIT_BYTES {
        return Err(CronError::TooLong { length: text.len(), limit: LENGTH_LIMIT_BYTES });
    }
    let tokens = tokens(text);
    let Some(first) = tokens.first() else { return Err(CronError::Empty) };
    if first.text.starts_with('@') {
        return dialect::word(*first, text.trim_ascii());
    }
    if ["CRON_TZ=", "TZ="].iter().any(|prefix| first.text.starts_with(prefix)) {
        return Err(CronError::Zone { at: first.at, given: excerpt(first.text) });
    }
    let plan = dialect::plan(&tokens, syntax)?;
    if plan.fields.first_from(EARLIEST).is_none() {
        let days = tokens[if tokens.len() == 5 { 2 } else { 3 }];
        return Err(CronError::NeverFires { at: days.at });
    }
    Ok(Meaning::Readings(plan))
}

/// The position of the year in an expression that has one.
pub(super) fn position_of_year(text: &str) -> usize {
    tokens(text).get(dialect::YEAR).map_or(0, |token| token.at)
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    // The difference of the addresses is the offset: both slices are of one text.
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(|part| Token { at: place(part), text: part }).collect()
}

/// The values that one field takes.
#[derive(Clone, Copy)]
struct Rule {
    field: CronField,
    first: u32,
    last: u32,
    /// The end of `*` and of `FROM/STEP`: Sunday has two numbers in five fields.
    star_last: u32,
    /// Full names, the first one for `first_name`.
    names: &'static [&'static str],
    first_name: u32,
    /// `?` is another form of `*`.
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
            CronProblem::Nth => "1 to 5, or L for the last one".to_owned(),
            CronProblem::Range | CronProblem::Name => format!("{first}-{last}{or_name}"),
            CronProblem::Syntax | CronProblem::Character | CronProblem::Extended => {
                let any = if self.question_mark { "*, ?" } else { "*" };
                format!("{any}, {first}-{last}{or_name}, ranges FROM-TO, steps */N or FROM-TO/N, lists with commas")
            }
        }
    }

    fn widest_step(&self) -> u32 {
        self.star_last - self.first + 1
    }
}

/// A part of an expression for an error: control characters are escaped, a long text is cut.
fn excerpt(text: &str) -> String {
    const LIMIT_CHARS: usize = 40;
    let mut shown: String = text.chars().take(LIMIT_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT_CHARS).is_some() {
        shown.push_str("...");
    }
    shown
}
