//! A script: the keys of a user who is not there. The format stands in the help text.

use crate::counts;
use crate::keys::Key;
use std::collections::VecDeque;

/// How many frames an `until` has: a minute.
const LONGEST_WAIT: u32 = 60 * 60;

/// One thing to do. Each takes a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Press(Key),
    Frames(u32),
    Until { name: String, least: u64 },
}

/// What is left of a script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    /// Frames that the first step has had.
    waited: u32,
}

impl Script {
    /// # Errors
    /// A sentence that names the first line that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = VecDeque::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {} of the script: {what}", index + 1);
            let line = line.trim();
            // `#` alone is a key.
            if line.is_empty() || line.starts_with('#') && line.len() > 1 {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "type" => steps.extend(rest.chars().map(|character| Step::Press(Key::Char(character)))),
                "frames" => steps.push_back(Step::Frames(rest.parse().map_err(|_| wrong("`frames` needs a number"))?)),
                "until" => {
                    let (name, least) =
                        rest.split_once(' ').ok_or_else(|| wrong("`until` needs a name and a number"))?;
                    let least = least.parse().map_err(|_| wrong("the count after `until` is no number"))?;
                    steps.push_back(Step::Until { name: name.to_owned(), least });
                }
                _ => steps.push_back(Step::Press(Key::named(line).ok_or_else(|| wrong("no such key"))?)),
            }
        }
        Ok(Self { steps, waited: 0 })
    }

    /// The key of this frame, if it has one; the end of the script is Ctrl-C.
    ///
    /// # Errors
    /// A sentence, if what is waited for does not come.
    pub(crate) fn next(&mut self, numbers: &[(&'static str, u64)]) -> Result<Option<Key>, String> {
        let Some(step) = self.steps.front() else { return Ok(Some(Key::CtrlC)) };
        self.waited += 1;
        let key = match step {
            Step::Press(key) => Some(*key),
            Step::Frames(frames) if self.waited < *frames => return Ok(None),
            Step::Frames(_) => None,
            Step::Until { name, least } => {
                let number = counts::find(numbers, name).ok_or_else(|| format!("there is no count {name:?}"))?;
                if number < *least && self.waited < LONGEST_WAIT {
                    return Ok(None);
                }
                if number < *least {
                    return Err(format!("{name} is {number} after a minute, and was to be {least}"));
                }
                None
            }
        };
        self.steps.pop_front();
        self.waited = 0;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_WAIT, Script};
    use crate::keys::Key;

    #[test]
    fn a_step_a_frame() {
        let mut script = Script::parse("# a comment\n\n#\ntype ab\nframes 3\nuntil found 2\nesc").unwrap();
        let mut next = |found| script.next(&[("found", found)]).unwrap();
        let seen: Vec<_> = [0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2].map(&mut next).into();
        let mut expected = vec![Some(Key::Char('#')), Some(Key::Char('a')), Some(Key::Char('b'))];
        expected.extend([None; 6]);
        expected.extend([Some(Key::Esc), Some(Key::CtrlC), Some(Key::CtrlC)]);
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_does_not_come_is_an_error_in_the_end() {
        let mut script = Script::parse("until found 1").unwrap();
        assert!(script.next(&[]).is_err());
        let mut script = Script::parse("until found 1").unwrap();
        let frames = (1..).find(|_| script.next(&[("found", 0)]).is_err());
        assert_eq!(frames, Some(LONGEST_WAIT));
    }

    #[test]
    fn lines_that_are_wrong_are_named() {
        for line in ["nokey", "frames", "frames x", "until", "until found", "until found x"] {
            let error = Script::parse(&format!("a\n{line}")).unwrap_err();
            assert!(error.starts_with("line 2 "), "{error}");
        }
    }
}
