//! The items of the extended syntax: days that depend on the month.
//!
//! | field | item | days |
//! |---|---|---|
//! | day of month | `L`, `L-3` | the last day; three days before it |
//! | | `15W`, `LW` | the working day (Monday to Friday) of the month nearest to the 15th; the last one |
//! | day of week | `FRI#2` | the second Friday |
//! | | `FRIL`, `FRI#L` | the last Friday |

use super::{CronError, CronField, CronProblem, Rule, Token, item};
use crate::schedule::fields::MonthDays;

/// The most days of `L-n` before the last day.
const BACK_LIMIT_DAYS: u32 = 30;

/// Reads an item into `days`. `None`: it is not of the extended syntax.
pub(super) fn item(rule: &Rule, item: Token<'_>, days: &mut MonthDays) -> Option<Result<(), CronError>> {
    match rule.field {
        CronField::DayOfMonth => day_of_month(rule, item, days),
        CronField::DayOfWeek => day_of_week(rule, item, days),
        _ => None,
    }
}

fn day_of_month(rule: &Rule, item: Token<'_>, days: &mut MonthDays) -> Option<Result<(), CronError>> {
    let text = item.text;
    if text.eq_ignore_ascii_case("L") {
        days.before_last |= 1;
    } else if text.eq_ignore_ascii_case("LW") {
        days.near |= 1;
    } else if text.starts_with(['L', 'l']) && text[1..].starts_with('-') {
        let back = item.tail(2);
        match item::number(back.text) {
            Some(days_back) if days_back <= BACK_LIMIT_DAYS => days.before_last |= 1 << days_back,
            _ => return Some(Err(rule.error(CronProblem::Range, back.at, back.text))),
        }
    } else if text.ends_with(['W', 'w']) {
        let day = item.head(text.len() - 1);
        match item::number(day.text) {
            Some(number) if (rule.first..=rule.last).contains(&number) => days.near |= 1 << number,
            Some(_) => return Some(Err(rule.error(CronProblem::Range, day.at, day.text))),
            None => return None,
        }
    } else {
        return None;
    }
    Some(Ok(()))
}

fn day_of_week(rule: &Rule, item: Token<'_>, days: &mut MonthDays) -> Option<Result<(), CronError>> {
    let weekday = |token: Token<'_>| item::value(rule, token, item).map(|day| (day - rule.first_name) % 7);
    if let Some((day, nth)) = item.text.split_once('#') {
        let nth = item.tail(day.len() + 1).head(nth.len());
        let day = match weekday(item.head(day.len())) {
            Ok(day) => day,
            Err(error) => return Some(Err(error)),
        };
        match item::number(nth.text) {
            Some(n @ 1..=5) => days.nth |= 1 << (7 * (n - 1) + day),
            None if nth.text.eq_ignore_ascii_case("L") => days.last |= 1 << day,
            _ => return Some(Err(rule.error(CronProblem::Nth, nth.at, nth.text))),
        }
        return Some(Ok(()));
    }
    let end = item.text.len().checked_sub(1).filter(|end| *end > 0)?;
    if !item.text.ends_with(['L', 'l']) {
        return None;
    }
    days.last |= 1 << weekday(item.head(end)).ok()?;
    Some(Ok(()))
}
