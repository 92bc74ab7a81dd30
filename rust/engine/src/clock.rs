// SPDX-License-Identifier: Apache-2.0
//! The time of day as RFC 3339 text.

use alloc::format;
use alloc::string::String;

/// Now, UTC, with nanoseconds: "2026-11-23T20:00:00.000000001Z".
pub fn now() -> String {
    let (seconds, nanoseconds) = estiba_sys::process::wall_clock();
    format!("{}.{nanoseconds:09}Z", date_and_time(seconds))
}

/// Seconds since 1970 as "2026-11-23T20:00:00": the civil date by the rule of 400-year eras, counted from 1 March, so that
/// the leap day comes last.
pub fn date_and_time(seconds: u64) -> String {
    let (days, second) = (seconds / 86400 + 719_468, seconds % 86400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::date_and_time;

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_709_164_800, "2024-02-29T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (1_795_462_466, "2026-11-23T19:34:26"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(date_and_time(seconds), expected);
        }
    }
}
