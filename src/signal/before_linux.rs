//! What the process did at a signal before anyone here listened: `/proc` tells without unsafe code.

use super::claim::Before;

/// Looks now. Where `/proc` cannot be read, the answer is the default action.
pub(super) fn look(signal: i32) -> Before {
    std::fs::read_to_string("/proc/self/status").map_or_else(|_| Before::default(), |status| read(&status, signal))
}

fn read(status: &str, signal: i32) -> Before {
    let has = |field: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        // The lowest bit is signal 1.
        mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    };
    Before { ignored: has("SigIgn"), handled: has("SigCgt") }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const DEFAULT: Before = Before { ignored: false, handled: false };
    const IGNORED: Before = Before { ignored: true, handled: false };
    const HANDLED: Before = Before { ignored: false, handled: true };
    const STATUS: &str = "Name:\tx\nShdPnd:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t8000000100000442\n";

    #[test]
    fn masks_are_read_bit_by_bit() {
        assert_eq!(read(STATUS, 1), IGNORED);
        assert_eq!(read(STATUS, 13), IGNORED);
        assert_eq!(read(STATUS, 2), HANDLED);
        assert_eq!(read(STATUS, 11), HANDLED);
        assert_eq!(read(STATUS, 64), HANDLED);
        assert_eq!(read(STATUS, 15), DEFAULT);
        assert_eq!(read("", 15), DEFAULT);
    }

    #[test]
    fn the_standard_library_ignores_one_signal() {
        assert_eq!(look(super::super::SIGPIPE), IGNORED);
    }
}
