//! Six or seven fields: the `cron` crate's syntax.
//!
//! The crate reads one item at a time, with a star in every other field: so it is the judge of what is allowed, and the
//! item that it refuses has a field and a position, which its own errors do not tell.

use super::{CronError, CronField, CronProblem, DayRule, Fields, MONTHS, Rule, Token, WEEKDAYS, item};
use cron::{Schedule, TimeUnitSpec};

const RULES: [Rule; 7] = [
    Rule::numbers(CronField::Second, 0, 59),
    Rule::numbers(CronField::Minute, 0, 59),
    Rule::numbers(CronField::Hour, 0, 23),
    Rule { question_mark: true, ..Rule::numbers(CronField::DayOfMonth, 1, 31) },
    Rule { names: MONTHS, first_name: 1, ..Rule::numbers(CronField::Month, 1, 12) },
    Rule { names: WEEKDAYS, first_name: 1, question_mark: true, ..Rule::numbers(CronField::DayOfWeek, 1, 7) },
    Rule::numbers(CronField::Year, 1970, 2100),
];

/// Where the year stands.
const YEAR: usize = 6;

pub(super) fn fields(tokens: &[Token<'_>]) -> Result<Fields, CronError> {
    let set = |index: usize| -> Result<u64, CronError> {
        Ok(values(index, tokens[index])?.into_iter().fold(0, |set, value| set | 1 << value))
    };
    Ok(Fields {
        seconds: set(0)?,
        minutes: set(1)?,
        hours: set(2)?,
        days: set(3)?,
        months: set(4)?,
        // The crate counts weekdays from 1 = Sunday.
        weekdays: set(5)? >> 1,
        join: DayRule::Both,
        years: match tokens.get(YEAR) {
            // The crate's years end; a star does not.
            None => None,
            Some(token) if token.text == "*" => None,
            Some(&token) => {
                let mut years =
                    values(YEAR, token)?.into_iter().filter_map(|y| i32::try_from(y).ok()).collect::<Vec<_>>();
                years.sort_unstable();
                years.dedup();
                Some(years)
            }
        },
    })
}

fn values(index: usize, token: Token<'_>) -> Result<Vec<u32>, CronError> {
    let mut values = Vec::new();
    for item in token.items() {
        match read(index, item.text) {
            Some(mut more) => values.append(&mut more),
            None => {
                let rule = &RULES[index];
                let syntax = || rule.error(CronProblem::Syntax, item.at, item.text);
                return Err(item::span(rule, item).err().unwrap_or_else(syntax));
            }
        }
    }
    Ok(values)
}

/// What the crate makes of one item.
fn read(index: usize, item: &str) -> Option<Vec<u32>> {
    if item.is_empty() {
        return None;
    }
    // Always seven fields, so that an item in which the crate would see two makes eight.
    let mut fields = ["*"; RULES.len()];
    fields[index] = item;
    let schedule: Schedule = fields.join(" ").parse().ok()?;
    Some(match index {
        0 => schedule.seconds().iter().collect(),
        1 => schedule.minutes().iter().collect(),
        2 => schedule.hours().iter().collect(),
        3 => schedule.days_of_month().iter().collect(),
        4 => schedule.months().iter().collect(),
        5 => schedule.days_of_week().iter().collect(),
        _ => schedule.years().iter().collect(),
    })
}
