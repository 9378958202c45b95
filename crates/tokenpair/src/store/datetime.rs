//! Dates and times of user columns.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A date and time as DRF writes it, `2026-11-21T14:56:30.123456Z`. Without an offset it is UTC, as Django stores it.
pub(super) fn iso_datetime(text: &str) -> Option<String> {
    let instant = text.parse::<Timestamp>();
    let utc = match instant {
        Ok(instant) => TimeZone::UTC.to_datetime(instant),
        Err(_) => text.parse::<DateTime>().ok()?,
    };
    let micros = utc.subsec_nanosecond() / 1000;
    let whole = utc.strftime("%Y-%m-%dT%H:%M:%S");
    Some(if micros == 0 {
        format!("{whole}Z")
    } else {
        format!("{whole}.{micros:06}Z")
    })
}
