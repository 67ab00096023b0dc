//! Descriptions of cron expressions in words.
//!
//! They are made of the sets of values, not of the text: two expressions that mean the same read the same.

use super::fields::{DayRule, Fields, MonthDays, bits};
use super::parse::Plan;
use std::fmt::Display;

/// The most times of day that are listed one by one.
const TIMES_LIMIT: u32 = 6;

const ALL_DAYS: u64 = ((1 << 31) - 1) << 1;
const ALL_MONTHS: u64 = ((1 << 12) - 1) << 1;
const ALL_WEEKDAYS: u64 = (1 << 7) - 1;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const OCCURRENCES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Describes when a plan fires, by the wall clock.
pub(super) fn describe(plan: &Plan) -> String {
    let fields = &plan.fields;
    let times = times(fields);
    let mut parts = vec![times.text];
    let days = days(fields);
    let is_every_day = days.is_none() && times.are_fixed;
    parts.extend(days.or(is_every_day.then(|| "every day".to_owned())));
    parts.extend(months(fields.months));
    if let Some(years) = &fields.years {
        parts.push(format!("in {}", ranges(years, |year| year.to_string())));
    }
    if plan.sunday_is_one {
        parts.push("weekdays numbered from 1 = Sunday".to_owned());
    }
    parts.join(", ")
}

struct Times {
    text: String,
    /// True if the times are listed one by one.
    are_fixed: bool,
}

fn times(fields: &Fields) -> Times {
    let (seconds, minutes, hours) = (fields.seconds, fields.minutes, fields.hours);
    let is_whole_minute = seconds == 1;
    if seconds.count_ones() * minutes.count_ones() * hours.count_ones() <= TIMES_LIMIT {
        let mut times = Vec::new();
        for (hour, minute) in bits(hours).flat_map(|hour| bits(minutes).map(move |minute| (hour, minute))) {
            for second in bits(seconds) {
                let time = format!("{hour:02}:{minute:02}");
                times.push(if is_whole_minute { time } else { format!("{time}:{second:02}") });
            }
        }
        return Times { text: format!("at {}", list(&times)), are_fixed: true };
    }
    let within_hour = within_hour(fields);
    let on_the_hour = is_whole_minute && minutes == 1;
    let text = match (within_hour, Series::of(hours, 24)) {
        (Within::Points(_), Series::All) if on_the_hour => "every hour".to_owned(),
        (Within::Points(text), Series::All) => format!("{text} of every hour"),
        (Within::Steady(text), Series::All) => text,
        (Within::Points(_), Series::Steps(step)) if on_the_hour => format!("every {step} hours from 00:00"),
        (Within::Points(text) | Within::Steady(text), Series::Steps(step)) => {
            format!("{text}, in every {} hour from 00:00", ordinal(step))
        }
        (Within::Points(_), Series::Range(from, to)) if is_whole_minute && minutes.count_ones() == 1 => {
            let minute = minutes.trailing_zeros();
            format!("every hour from {from:02}:{minute:02} to {to:02}:{minute:02}")
        }
        (Within::Points(text) | Within::Steady(text), Series::Range(from, to)) => {
            format!("{text}, from {from:02}:00 to {to:02}:59")
        }
        (Within::Points(text) | Within::Steady(text), Series::Other) => {
            let hours: Vec<_> = bits(hours).collect();
            let name = if hours.len() == 1 { "hour" } else { "hours" };
            format!("{text}, in {name} {}", ranges(&hours, |hour| format!("{hour:02}")))
        }
    };
    Times { text, are_fixed: false }
}

/// The seconds and minutes of an hour.
enum Within {
    /// All through the hour.
    Steady(String),
    /// At some points of it.
    Points(String),
}

fn within_hour(fields: &Fields) -> Within {
    let minutes = Series::of(fields.minutes, 60);
    if fields.seconds == 1 {
        return match minutes {
            Series::All => Within::Steady("every minute".to_owned()),
            Series::Steps(step) => Within::Steady(format!("every {step} minutes")),
            _ => Within::Points(points("minute", fields.minutes)),
        };
    }
    let (seconds, is_steady) = match Series::of(fields.seconds, 60) {
        Series::All => ("every second".to_owned(), true),
        Series::Steps(step) => (format!("every {step} seconds"), true),
        _ => (points("second", fields.seconds), false),
    };
    match minutes {
        Series::All if is_steady => Within::Steady(seconds),
        Series::All => Within::Steady(format!("{seconds} of every minute")),
        Series::Steps(step) => Within::Steady(format!("{seconds}, in every {} minute", ordinal(step))),
        _ => Within::Points(format!("{seconds}, {}", points("minute", fields.minutes))),
    }
}

fn points(unit: &str, set: u64) -> String {
    let values: Vec<_> = bits(set).collect();
    let plural = if values.len() == 1 { "" } else { "s" };
    format!("at {unit}{plural} {}", ranges(&values, u32::to_string))
}

/// The shape of a set of values from 0.
enum Series {
    All,
    /// Every so many values from 0, to the end.
    Steps(u32),
    /// More than one value, without a gap.
    Range(u32, u32),
    Other,
}

impl Series {
    fn of(set: u64, count: u32) -> Self {
        if set.count_ones() == count {
            return Self::All;
        }
        let mut values = bits(set);
        if let (Some(0), Some(step)) = (values.next(), values.next())
            && step > 1
            && set == (0..count).step_by(step as usize).fold(0, |set, value| set | 1 << value)
        {
            return Self::Steps(step);
        }
        let (from, to) = (set.trailing_zeros(), 63 - set.leading_zeros());
        if to > from && set.count_ones() == to - from + 1 { Self::Range(from, to) } else { Self::Other }
    }
}

fn days(fields: &Fields) -> Option<String> {
    let by_date = (fields.days != ALL_DAYS).then(|| dates(fields.days, &fields.by_month));
    let by_weekday = (fields.weekdays != ALL_WEEKDAYS).then(|| weekdays(fields.weekdays, &fields.by_month));
    match (by_date, by_weekday) {
        (None, None) => None,
        (Some(dates), None) => match fields.join {
            DayRule::Both => Some(format!("on {dates}")),
            // All weekdays, written out: one of the two is enough.
            DayRule::Either => None,
        },
        (None, Some((weekdays, is_range))) => match fields.join {
            DayRule::Both if is_range => Some(weekdays),
            DayRule::Both => Some(format!("on {weekdays}")),
            DayRule::Either => None,
        },
        (Some(dates), Some((weekdays, _))) => Some(match fields.join {
            DayRule::Either => format!("on {dates} or on {weekdays}"),
            DayRule::Both => format!("on {dates} if it is {weekdays}"),
        }),
    }
}

fn dates(days: u64, by_month: &MonthDays) -> String {
    let days: Vec<_> = bits(days).collect();
    let mut parts = Vec::new();
    if !days.is_empty() {
        parts.push(format!("the {}", ranges(&days, |day| ordinal(*day))));
    }
    parts.extend(bits(by_month.near).map(|day| match day {
        0 => "the last working day".to_owned(),
        _ => format!("the working day nearest to the {}", ordinal(day)),
    }));
    parts.extend(bits(by_month.before_last).map(|back| match back {
        0 => "the last day".to_owned(),
        1 => "1 day before the last day".to_owned(),
        _ => format!("{back} days before the last day"),
    }));
    list(&parts)
}

/// Describes weekdays; true if they are one range such as "Monday to Friday".
fn weekdays(weekdays: u64, by_month: &MonthDays) -> (String, bool) {
    // From Monday to Sunday.
    let days: Vec<_> = bits((weekdays | (weekdays & 1) << 7) >> 1).collect();
    let name = |day: u32| WEEKDAYS[day as usize % 7];
    let text = ranges(&days, |day| name(day + 1).to_owned());
    let is_range = days.len() > 2 && !text.contains([',']) && !text.contains(" and ");
    let mut parts = Vec::new();
    if !days.is_empty() {
        parts.push(text);
    }
    parts.extend(bits(by_month.nth).map(|bit| format!("the {} {}", OCCURRENCES[bit as usize / 7 % 5], name(bit))));
    parts.extend(bits(by_month.last).map(|day| format!("the last {}", name(day))));
    (list(&parts), is_range && parts.len() == 1)
}

fn months(months: u64) -> Option<String> {
    if months == ALL_MONTHS {
        return None;
    }
    let months: Vec<_> = bits(months).collect();
    Some(format!("in {}", ranges(&months, |month| MONTHS[(*month as usize - 1) % 12].to_owned())))
}

/// Lists ascending values; three or more in a row are a range.
fn ranges<T: Copy + Into<i64>>(values: &[T], name: impl Fn(&T) -> String) -> String {
    let mut parts = Vec::new();
    let mut rest = values;
    while let Some(first) = rest.first() {
        let start: i64 = (*first).into();
        let length = (start..).zip(rest).take_while(|(expected, value)| *expected == (**value).into()).count();
        let (run, after) = rest.split_at(length.max(1));
        match run {
            [from, _, .., to] => parts.push(format!("{} to {}", name(from), name(to))),
            _ => parts.extend(run.iter().map(&name)),
        }
        rest = after;
    }
    list(&parts)
}

fn list(parts: &[impl Display]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let before = match index {
            0 => "",
            _ if index + 1 == parts.len() => " and ",
            _ => ", ",
        };
        text.push_str(before);
        text.push_str(&part.to_string());
    }
    text
}

fn ordinal(number: u32) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}
