//! The grammar of one list item, with the position of every mistake.
//!
//! ```text
//! item  = base | base "/" step
//! base  = "*" | value | value "-" value        ("?" where the field knows it)
//! value = number | name                        (names of three letters or in full, in any case, and TUES, THURS)
//! ```
//! `value/step` runs from the value to the end of the field, as if it were `value-LAST/step`.

use super::{CronError, CronField, CronProblem, Rule, Token};
use std::ops::RangeInclusive;

/// The values of an item: a range and its step.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) range: RangeInclusive<u32>,
    pub(super) step: u32,
}

impl Span {
    pub(super) fn values(&self) -> impl Iterator<Item = u32> {
        self.range.clone().step_by(usize::try_from(self.step).unwrap_or(usize::MAX))
    }

    /// The values as bits; none is above 63.
    pub(super) fn set(&self) -> u64 {
        self.values().fold(0, |set, value| set | 1 << value)
    }
}

pub(super) fn span(rule: &Rule, item: Token<'_>) -> Result<Span, CronError> {
    let strange = item.text.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || "*?-/".contains(*c)));
    if let Some((offset, c)) = strange {
        return Err(rule.error(CronProblem::Character, item.at + offset, c.encode_utf8(&mut [0; 4])));
    }
    let (base, step) = match item.text.split_once('/') {
        None => (item.text, None),
        Some((base, step)) => (base, Some(Token { at: item.at + base.len() + 1, text: step })),
    };
    let range = if base == "*" || (base == "?" && rule.question_mark) {
        rule.first..=rule.star_last
    } else if let Some((from, to)) = base.split_once('-') {
        let to_at = item.at + from.len() + 1;
        let first = value(rule, Token { at: item.at, text: from }, item)?;
        let mut last = value(rule, Token { at: to_at, text: to }, item)?;
        // A week may end with SUN: the number that it has as a start would make FRI-SUN run backwards.
        let is_sunday = rule.field == CronField::DayOfWeek && last == rule.first_name;
        if is_sunday && first > last && to.starts_with(|c: char| c.is_ascii_alphabetic()) {
            last += 7;
        }
        if first > last {
            return Err(rule.error(CronProblem::Reversed, item.at, base));
        }
        first..=last
    } else {
        let only = value(rule, Token { at: item.at, text: base }, item)?;
        match step {
            None => only..=only,
            Some(_) if only > rule.star_last => return Err(rule.error(CronProblem::Syntax, item.at, item.text)),
            Some(_) => only..=rule.star_last,
        }
    };
    let step = match step {
        None => 1,
        Some(step) => match number(step.text) {
            Some(step) if (1..=rule.widest_step()).contains(&step) => step,
            _ => return Err(rule.error(CronProblem::Step, step.at, step.text)),
        },
    };
    Ok(Span { range, step })
}

/// Reads one value; an error shows `item` if the value is empty.
pub(super) fn value(rule: &Rule, value: Token<'_>, item: Token<'_>) -> Result<u32, CronError> {
    if let Some(number) = number(value.text) {
        let inside = (rule.first..=rule.last).contains(&number);
        return if inside { Ok(number) } else { Err(rule.error(CronProblem::Range, value.at, value.text)) };
    }
    let is_name = !value.text.is_empty() && value.text.bytes().all(|b| b.is_ascii_alphabetic());
    if !is_name {
        return Err(rule.error(CronProblem::Syntax, item.at, item.text));
    }
    let short = |name: &str| name[..3].eq_ignore_ascii_case(value.text);
    let usual =
        |name: &str| ["tues", "thurs"].iter().any(|it| name.starts_with(it) && it.eq_ignore_ascii_case(value.text));
    let known = |name: &&str| name.eq_ignore_ascii_case(value.text) || short(name) || usual(name);
    match rule.names.iter().position(known).and_then(|index| u32::try_from(index).ok()) {
        Some(index) => Ok(rule.first_name + index),
        None => Err(rule.error(CronProblem::Name, value.at, value.text)),
    }
}

/// A number of decimal digits; one too large for its type is larger than every field.
pub(super) fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}
