use std::time::Duration;

use super::InvalidValue;

/// Reads a time: a number and a unit, `us`, `ms`, `s` or `m`.
///
/// ```
/// use std::time::Duration;
/// use netns_test_topology::parse_duration;
///
/// assert_eq!(parse_duration("500ms")?, Duration::from_millis(500));
/// assert_eq!(parse_duration("1.5 s")?, Duration::from_millis(1500));
/// assert!(parse_duration("soon").is_err());
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
///
/// # Errors
///
/// If the text is no such time, or a longer one than there can be.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    let wrong = || {
        InvalidValue::new(format!("`{text}` is not a duration"))
            .help("write a number and a unit, such as `\"500ms\"`, `\"10s\"` or `\"2m\"`")
    };
    let unit = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
    let nanoseconds: u64 = match text[unit..].trim() {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = text[..unit].split_once('.').unwrap_or((&text[..unit], "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = fraction.parse().map_err(|_| wrong())?;
    let part = u128::from(part) * u128::from(nanoseconds) / 10_u128.pow(fraction.len() as u32);
    let total = u128::from(whole) * u128::from(nanoseconds) + part;
    u64::try_from(total).map(Duration::from_nanos).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_a_number_and_a_unit() {
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("0.25ms"), Ok(Duration::from_micros(250)));
        for wrong in ["", "5", "s", ".5s", "5.s", "1.2.3s", "-1s", "5 h", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
