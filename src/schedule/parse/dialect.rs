//! The two dialects of cron expressions, and the `@` words.

use super::{
    CronError, CronField, CronProblem, DayRule, Fields, MONTHS, Meaning, Plan, Rule, Syntax, Token, WEEKDAYS, excerpt,
    extended, item,
};
use crate::schedule::fields::MonthDays;
use crate::schedule::walk::Passage;

/// Five fields: `minute hour day-of-month month day-of-week`.
const CRONTAB: [Rule; 5] = [
    Rule::numbers(CronField::Minute, 0, 59),
    Rule::numbers(CronField::Hour, 0, 23),
    Rule::numbers(CronField::DayOfMonth, 1, 31),
    MONTH,
    Rule { names: WEEKDAYS, star_last: 6, ..Rule::numbers(CronField::DayOfWeek, 0, 7) },
];

/// Six or seven fields: `second minute hour day-of-month month day-of-week [year]`.
const SECONDS: [Rule; 7] = [
    Rule::numbers(CronField::Second, 0, 59),
    Rule::numbers(CronField::Minute, 0, 59),
    Rule::numbers(CronField::Hour, 0, 23),
    Rule { question_mark: true, ..Rule::numbers(CronField::DayOfMonth, 1, 31) },
    MONTH,
    Rule { names: WEEKDAYS, first_name: 1, question_mark: true, ..Rule::numbers(CronField::DayOfWeek, 1, 7) },
    Rule::numbers(CronField::Year, 1970, 2100),
];

const MONTH: Rule = Rule { names: MONTHS, first_name: 1, ..Rule::numbers(CronField::Month, 1, 12) };

/// The index of the year.
pub(super) const YEAR: usize = 6;

const ALL_MINUTES: u64 = (1 << 60) - 1;
const ALL_HOURS: u64 = (1 << 24) - 1;

/// The meaning of a word with `@`.
pub(super) fn word(first: Token<'_>, given: &str) -> Result<Meaning, CronError> {
    let text = match given.to_ascii_lowercase().as_str() {
        "@reboot" => return Ok(Meaning::AtStart),
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ if first.text.eq_ignore_ascii_case("@every") => {
            return Err(CronError::Every { at: first.at, given: excerpt(given) });
        }
        _ => return Err(CronError::Word { at: first.at, given: excerpt(given) }),
    };
    super::parse(text, Syntax::Standard)
}

pub(super) fn plan(tokens: &[Token<'_>], syntax: Syntax) -> Result<Plan, CronError> {
    match *tokens {
        [minute, hour, days, month, weekdays] => {
            let [minute_rule, hour_rule, day_rule, month_rule, weekday_rule] = &CRONTAB;
            // As in cron: a field that begins with a star, `*/2` included, does not count as a restriction here.
            let join = if days.is_starred() || weekdays.is_starred() { DayRule::Both } else { DayRule::Either };
            let minutes = set(minute_rule, minute)?;
            let hours = set(hour_rule, hour)?;
            let mut by_month = MonthDays::default();
            let fields = Fields {
                seconds: 1,
                minutes,
                hours,
                days: days_set(day_rule, days, syntax, &mut by_month)?,
                months: set(month_rule, month)?,
                weekdays: days_set(weekday_rule, weekdays, syntax, &mut by_month)?,
                by_month,
                join,
                years: None,
            };
            Ok(Plan { passage: passage(&fields, minute, hour), fields, sunday_is_one: false })
        }
        [second, minute, hour, days, month, weekdays, ref year @ ..] if year.len() <= 1 => {
            let [second_rule, minute_rule, hour_rule, day_rule, month_rule, weekday_rule, year_rule] = &SECONDS;
            let seconds = set(second_rule, second)?;
            let minutes = set(minute_rule, minute)?;
            let hours = set(hour_rule, hour)?;
            let mut by_month = MonthDays::default();
            let fields = Fields {
                seconds,
                minutes,
                hours,
                days: days_set(day_rule, days, syntax, &mut by_month)?,
                months: set(month_rule, month)?,
                weekdays: days_set(weekday_rule, weekdays, syntax, &mut by_month)?,
                by_month,
                join: DayRule::Both,
                years: match year.first() {
                    // A star has no end.
                    None | Some(Token { text: "*", .. }) => None,
                    Some(&year) => Some(years(year_rule, year)?),
                },
            };
            let sunday_is_one = has_numbers(weekdays);
            Ok(Plan { passage: passage(&fields, minute, hour), fields, sunday_is_one })
        }
        _ => Err(CronError::Arity { found: tokens.len() }),
    }
}

/// The rule of cron(8): a star in the minute or the hour field, or every value written out, follows elapsed time.
fn passage(fields: &Fields, minute: Token<'_>, hour: Token<'_>) -> Passage {
    let every_minute = minute.is_starred() || fields.minutes == ALL_MINUTES;
    let every_hour = hour.is_starred() || fields.hours == ALL_HOURS;
    if every_minute || every_hour { Passage::Elapsed } else { Passage::Once }
}

/// True if a weekday is given by its number. The number after `#` and that of a step are no weekdays.
fn has_numbers(weekdays: Token<'_>) -> bool {
    let day = |item: &str| item.split(['/', '#']).next().is_some_and(|day| day.contains(|c: char| c.is_ascii_digit()));
    weekdays.items().any(|item| day(item.text))
}

fn set(rule: &Rule, token: Token<'_>) -> Result<u64, CronError> {
    token.items().try_fold(0, |set, item| Ok(set | item::span(rule, item)?.set()))
}

/// The set of a day field; what depends on the month goes into `by_month`.
fn days_set(rule: &Rule, token: Token<'_>, syntax: Syntax, by_month: &mut MonthDays) -> Result<u64, CronError> {
    let mut set = 0;
    for item in token.items() {
        let mut special = MonthDays::default();
        let is_special = extended::item(rule, item, &mut special);
        match (is_special, syntax) {
            (Some(read), Syntax::Extended) => {
                read?;
                by_month.add(&special);
            }
            (Some(Ok(())), Syntax::Standard) => return Err(rule.error(CronProblem::Extended, item.at, item.text)),
            _ => set |= item::span(rule, item)?.set(),
        }
    }
    if rule.field == CronField::DayOfWeek {
        // Counted from Sunday = 0, and the second Sunday of a range such as FRI-SUN is the first one, too.
        set >>= rule.first_name;
        set = (set | set >> 7) & 0x7f;
    }
    Ok(set)
}

fn years(rule: &Rule, token: Token<'_>) -> Result<Vec<i32>, CronError> {
    let mut years = Vec::new();
    for item in token.items() {
        years.extend(item::span(rule, item)?.values().filter_map(|year| i32::try_from(year).ok()));
    }
    years.sort_unstable();
    years.dedup();
    Ok(years)
}
