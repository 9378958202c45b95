//! Dates of tokens in words.

use jiff::Timestamp;
use tokenpair::NumericDate;
use tokenpair::json::{Number, Value};

const UNITS: [(&str, i64); 4] = [
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
];

/// A claim's date; `None` for what is none.
pub(super) fn date(claim: &Value) -> Option<NumericDate> {
    match claim {
        Value::Number(Number::Int(seconds)) => NumericDate::from_seconds(*seconds),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and whole seconds are enough to be read"
        )]
        Value::Number(Number::Float(seconds)) => NumericDate::from_seconds(*seconds as i64),
        _ => None,
    }
}

/// `2026-07-01 10:11:12 UTC, in 4 minutes`.
pub(super) fn describe(date: NumericDate, now: Timestamp) -> String {
    let utc = date.to_datetime().strftime("%Y-%m-%d %H:%M:%S");
    format!(
        "{utc} UTC, {}",
        distance(date.as_seconds() - now.as_second())
    )
}

/// In the largest unit of which there is one, cut off.
fn distance(seconds: i64) -> String {
    let length = seconds.abs();
    let Some((unit, size)) = UNITS.into_iter().find(|(_, size)| length >= *size) else {
        return "now".to_owned();
    };
    let count = length / size;
    let plural = if count == 1 { "" } else { "s" };
    if seconds > 0 {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::{describe, distance};
    use jiff::Timestamp;
    use tokenpair::NumericDate;

    #[test]
    fn dates_are_utc_and_how_far_away() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let soon = NumericDate::from_seconds(1_800_000_299).unwrap();
        assert_eq!(describe(soon, now), "2027-01-15 08:04:59 UTC, in 4 minutes");
        for (seconds, words) in [
            (0, "now"),
            (1, "in 1 second"),
            (-59, "59 seconds ago"),
            (3600, "in 1 hour"),
            (-86_400 * 400, "400 days ago"),
        ] {
            assert_eq!(distance(seconds), words);
        }
    }
}
