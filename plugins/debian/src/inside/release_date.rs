//! The `Date` of an archive's release file, which becomes the time of everything in the image.

/// Reads the date, in seconds since 1970; `None` if there is none.
pub(crate) fn release_date(release: &str) -> Option<u64> {
    let value = release.lines().find_map(|line| line.strip_prefix("Date:"))?;
    let mut words = value.split_whitespace().skip_while(|word| word.ends_with(','));
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    seconds.try_into().ok()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Counts days since 1970 in the Gregorian calendar. Years start in March here, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 306 + 5) / 10 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_the_archive_writes_them() {
        let release = "Origin: Debian\nDate: Sat, 17 May 2025 09:51:28 UTC\nSuite: stable\n";
        assert_eq!(release_date(release), Some(1_747_475_488));
        assert_eq!(release_date("Date: Thu, 29 Feb 2024 00:00:00 +0000\n"), Some(1_709_164_800));
        assert_eq!(release_date("Date: Thu, 01 Jan 1970  0:00:01 UTC\n"), Some(1));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "Date:", "Date: Sat, 17 Mai 2025 09:51:28 UTC", "Date: Sat, 17 May 2025"] {
            assert_eq!(release_date(text), None, "{text}");
        }
    }
}
