//! Numbers and names as people read them.

/// A number with a comma before each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the largest unit that leaves at least one of it.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be rounded up to 1024.0.
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A path or an address in at most `width` characters: what is too long loses its beginning, what could move the cursor
/// is `?`.
pub(crate) fn tail(text: &str, width: usize) -> String {
    let text: Vec<char> = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.len() <= width {
        return text.into_iter().collect();
    }
    let Some(kept) = width.checked_sub(1) else { return String::new() };
    std::iter::once('…').chain(text[text.len() - kept..].iter().copied()).collect()
}

/// A bar of `width` characters, filled up to `share` (0 to 1).
pub(crate) fn bar(share: f64, width: usize) -> String {
    let filled = ((share.clamp(0.0, 1.0) * width as f64) as usize).min(width);
    "█".repeat(filled) + &"░".repeat(width - filled)
}

#[cfg(test)]
mod tests {
    use super::{bar, bytes, grouped, tail};

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn sizes_have_a_fitting_unit() {
        for (size, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (1 << 40, "1.0 TiB")]
        {
            assert_eq!(bytes(size), text);
        }
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn names_keep_their_end_and_no_control_characters() {
        assert_eq!(tail("a/b.rs", 6), "a/b.rs");
        assert_eq!(tail("a/b.rs", 4), "….rs");
        assert_eq!(tail("a/b.rs", 0), "");
        assert_eq!(tail("a\x1b[2J\n", 20), "a?[2J?");
    }

    #[test]
    fn bars_fill_up() {
        assert_eq!(bar(0.0, 4), "░░░░");
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(7.0, 4), "████");
        assert_eq!(bar(0.5, 0), "");
    }
}
