//! Five fields as in a crontab, and the words with `@`.

use super::{CronError, CronField, DayRule, Fields, MONTHS, Meaning, Rule, Token, WEEKDAYS, item};

const MINUTE: Rule = Rule::numbers(CronField::Minute, 0, 59);
const HOUR: Rule = Rule::numbers(CronField::Hour, 0, 23);
const DAY_OF_MONTH: Rule = Rule::numbers(CronField::DayOfMonth, 1, 31);
const MONTH: Rule = Rule { names: MONTHS, first_name: 1, ..Rule::numbers(CronField::Month, 1, 12) };
const DAY_OF_WEEK: Rule = Rule { names: WEEKDAYS, star_last: 6, ..Rule::numbers(CronField::DayOfWeek, 0, 7) };

/// What a word with `@` stands for.
pub(super) fn word(word: &str) -> Option<Meaning> {
    let text = match word.to_ascii_lowercase().as_str() {
        "@reboot" => return Some(Meaning::AtStart),
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return None,
    };
    super::parse(text).ok()
}

pub(super) fn fields(tokens: &[Token<'_>]) -> Result<Fields, CronError> {
    let (days, weekdays) = (tokens[2], tokens[4]);
    // As in cron: a field that begins with a star restricts nothing for this purpose, `*/2` included.
    let join = if days.is_starred() || weekdays.is_starred() { DayRule::Both } else { DayRule::Either };
    Ok(Fields {
        seconds: 1,
        minutes: set(&MINUTE, tokens[0])?,
        hours: set(&HOUR, tokens[1])?,
        days: set(&DAY_OF_MONTH, days)?,
        months: set(&MONTH, tokens[3])?,
        weekdays: {
            let set = set(&DAY_OF_WEEK, weekdays)?;
            // 7 is Sunday, too.
            (set | set >> 7) & 0x7f
        },
        join,
        years: None,
    })
}

fn set(rule: &Rule, token: Token<'_>) -> Result<u64, CronError> {
    token.items().try_fold(0, |set, item| {
        let span = item::span(rule, item)?;
        let step = usize::try_from(span.step).unwrap_or(usize::MAX);
        Ok(span.range.step_by(step).fold(set, |set, value| set | 1 << value))
    })
}
