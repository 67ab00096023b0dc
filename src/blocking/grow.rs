//! The growth policy: what the watcher makes of two looks at the counters. Pure logic, no lock, no clock.

/// What the watcher sees at one look.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Jobs taken so far.
    pub(super) taken: u64,
    /// Jobs admitted so far.
    pub(super) admitted: u64,
}

/// What follows from two looks, one `stall` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Verdict {
    /// Nothing is pending and nothing came: nobody needs to watch.
    Quiet,
    /// Jobs are being taken.
    Moving,
    /// Jobs are pending and none was taken: every working thread is blocked.
    Stalled,
}

/// Judges two looks. While a thread is `on_its_way` there is no stall: it is about to take a job.
pub(super) fn judge(before: Look, now: Look, on_its_way: usize) -> Verdict {
    if now.taken >= now.admitted {
        if now.admitted == before.admitted { Verdict::Quiet } else { Verdict::Moving }
    } else if now.taken != before.taken || on_its_way > 0 {
        Verdict::Moving
    } else {
        Verdict::Stalled
    }
}

/// How many threads a stall calls for: so many that `core` threads compute, or, as long as the added ones block in
/// their turn, twice as many as were found newly blocked; never more than there are jobs.
pub(super) fn reinforcement(core: usize, at_work: usize, newly_blocked: usize, pending: u64) -> usize {
    if at_work >= core {
        return 0;
    }
    let wanted = (core - at_work).max(newly_blocked.saturating_mul(2));
    usize::try_from(pending).map_or(wanted, |pending| wanted.min(pending))
}

/// How long to wait for the next look, as a multiple of `stall`: looking at threads that compute on and on is costly.
pub(super) fn patience(fruitless: u32) -> u32 {
    1 << fruitless.min(3)
}

/// True after about a hundred times `stall` in which threads computed and no job was taken. They may well wait for one
/// another in loops, so a thread is added after all, one at a time.
pub(super) fn is_overdue(fruitless: u32) -> bool {
    fruitless >= 15
}

/// True if a thread counts as blocked after this many looks in vain. `computes` is what the system tells.
///
/// Where it does not tell, a thread that lost its core to another program looks like one that waits. 15 times `stall` is
/// longer than a usual time slice, so a burst of tiny closures on a busy machine does not double the threads.
pub(super) fn counts_as_blocked(computes: Option<bool>, fruitless: u32) -> bool {
    computes.map_or(fruitless >= 3, |computes| !computes)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn look(taken: u64, admitted: u64) -> Look {
        Look { taken, admitted }
    }

    #[test]
    fn only_pending_jobs_that_nobody_takes_are_a_stall() {
        assert_eq!(judge(look(5, 9), look(5, 9), 0), Verdict::Stalled);
        assert_eq!(judge(look(5, 9), look(5, 20), 0), Verdict::Stalled);
        assert_eq!(judge(look(5, 9), look(5, 9), 1), Verdict::Moving);
        assert_eq!(judge(look(5, 9), look(6, 9), 0), Verdict::Moving);
        assert_eq!(judge(look(5, 9), look(9, 9), 0), Verdict::Quiet);
        assert_eq!(judge(look(9, 9), look(12, 12), 0), Verdict::Moving);
        assert_eq!(judge(look(9, 9), look(9, 9), 0), Verdict::Quiet);
        assert_eq!(judge(look(9, 10), look(9, 9), 0), Verdict::Moving);
    }

    #[test]
    fn a_hundred_blocking_jobs_have_their_threads_in_five_rounds() {
        let (mut threads, mut newly, mut rounds) = (2, 2, 0);
        while threads < 100 {
            newly = reinforcement(2, 0, newly, 100 - threads as u64);
            threads += newly;
            rounds += 1;
        }
        assert_eq!((threads, rounds), (100, 5));
    }

    #[test]
    fn reinforcements_have_bounds() {
        assert_eq!(reinforcement(8, 0, 1, 1000), 8);
        assert_eq!(reinforcement(8, 5, 1, 1000), 3);
        assert_eq!(reinforcement(8, 5, 4, 1000), 8);
        assert_eq!(reinforcement(8, 8, 4, 1000), 0);
        assert_eq!(reinforcement(8, 9, 4, 1000), 0);
        assert_eq!(reinforcement(8, 0, 100, 3), 3);
        assert_eq!(reinforcement(8, 0, 100, u64::MAX), 200);
    }

    #[test]
    fn jobs_that_compute_are_waited_for_about_a_hundred_stalls() {
        let waited: u32 = (0..).take_while(|&looks| !is_overdue(looks)).map(patience).sum();
        assert!((80..=120).contains(&waited), "{waited}");
    }

    #[test]
    fn where_the_system_does_not_tell_a_stall_is_long() {
        assert!(counts_as_blocked(Some(false), 0));
        assert!(!counts_as_blocked(Some(true), u32::MAX));
        let waited: u32 =
            (0..).take_while(|&looks| looks == 0 || !counts_as_blocked(None, looks - 1)).map(patience).sum();
        assert_eq!(waited, 15);
    }
}
