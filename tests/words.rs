//! Counts the sentences and names of `src` that break the rules of the language, and lets no count grow.
//!
//! Three counts: first lines of documentation that do not say what an item is, words that only this crate uses, and
//! phrases that read as riddles. `OFFTICK_WORDS=src/task cargo test --test words -- --nocapture` lists each place.

mod source;

use std::collections::BTreeMap;

/// The most that each count may be. Lower a number when its count falls; never raise one.
const CEILINGS: Counts = Counts { first_lines: 945, names: 95, phrases: 645 };

/// The longest first sentence, in words.
const LONGEST_FIRST_SENTENCE: usize = 12;

/// Words that begin no first line: these sentences explain before they name.
const NO_BEGINNINGS: &[&str] = &[
    "What", "Whatever", "Who", "Whoever", "Whom", "Whose", "Where", "Wherever", "That", "To", "When", "Whether", "How",
    "Why", "Which", "If", "Nobody", "It", "Such", "As", "For", "By", "So", "And", "But", "Not", "Because", "Since",
    "This", "These", "There", "Here", "Up", "Must", "May", "Can",
];

/// Bare verbs: documentation uses the third person ("Returns", not "Return").
const BARE_VERBS: &[&str] = &[
    "Add", "Ask", "Begin", "Call", "Cancel", "Check", "Clear", "Close", "Create", "Do", "Drop", "End", "Find", "Get",
    "Give", "Keep", "Let", "Make", "Move", "Poll", "Pop", "Push", "Put", "Read", "Remove", "Return", "Run", "Send",
    "Set", "Spawn", "Start", "Stop", "Take", "Use", "Wait", "Wake", "Write",
];

/// Names that a reader finds nowhere else; `ARCHITECTURE.md` lists the terms to use.
const PRIVATE_NAMES: &[&str] = &[
    "Crew",
    "Roll",
    "Mark",
    "Seat",
    "Seated",
    "Seats",
    "Post",
    "Rest",
    "Duties",
    "attend",
    "settle",
    "survey",
    "lie_down",
    "get_up",
    "tired",
    "vacate",
    "arrive",
    "Hand",
    "Suspect",
    "convict",
    "stand_in",
    "reinforce",
    "Roster",
    "Places",
    "LINGER",
    "PATIENCE",
    "NAP",
    "Front",
    "Bench",
    "rise",
    "Members",
    "Pump",
    "pump",
    "Door",
    "hopeful",
    "Tie",
    "Sentinel",
    "Room",
    "Purse",
    "warm",
    "Over",
    "Ran",
    "Verdict",
    "Passes",
    "Origin",
    "Details",
    "Nobody",
    "Deaf",
    "Unseen",
    "Census",
    "steer",
    "aside",
    "LastWord",
    "Keeper",
    "home",
    "Lane",
    "Crowd",
    "Voice",
    "Witness",
    "Link",
    "Dealer",
    "deal",
    "Launch",
    "TaskCx",
    "Control",
    "ThreadedPool",
    "Lent",
    "LentError",
    "Throttle",
    "Passing",
];

/// Phrases with a common equivalent, in lower case.
const PHRASES: &[&str] = &[
    "whoever",
    "is over",
    "are over",
    "was over",
    "be over",
    "not over",
    "looked at",
    "looks at",
    "look at",
    "is told",
    "are told",
    "was told",
    "be told",
    "tells",
    "says",
    "wish",
    "the news",
    "for nothing",
    "cron text",
    "lies down",
    "gets up",
    "goes on",
    "is gone",
    "are gone",
    "was gone",
    "gives up",
    "given up",
    "once more",
    "nothing of",
    "by itself",
    "as many",
    "need not",
    "none of",
    "of its own",
    "of their own",
    "at hand",
    "what is",
    "is what",
    "whatever",
];

#[derive(Default, Clone, Copy, Debug, PartialEq)]
struct Counts {
    first_lines: usize,
    names: usize,
    phrases: usize,
}

/// Kinds of findings.
#[derive(Clone, Copy)]
enum Kind {
    FirstLine,
    Name,
    Phrase,
}

/// One finding: its kind, the number of its line, and what is wrong.
type Finding = (Kind, usize, String);

/// Returns why a first sentence breaks the rule, or nothing.
fn judge_first_sentence(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let first = words.first()?.trim_matches(|c: char| !c.is_alphanumeric());
    if NO_BEGINNINGS.contains(&first) {
        return Some(format!("begins with `{first}`"));
    }
    if BARE_VERBS.contains(&first) && !words[0].starts_with('`') {
        return Some(format!("begins with the bare verb `{first}`"));
    }
    (words.len() > LONGEST_FIRST_SENTENCE).then(|| format!("has {} words", words.len()))
}

/// Returns the first sentence of a paragraph.
fn first_sentence(paragraph: &str) -> &str {
    for (at, _) in paragraph.match_indices(['.', ':', ';', '!', '?']) {
        let rest = &paragraph[at + 1..];
        let abbreviated = paragraph[..=at].ends_with("e.g.") || paragraph[..=at].ends_with("i.e.");
        if rest.is_empty() || rest.starts_with(' ') && !abbreviated {
            return &paragraph[..at];
        }
    }
    paragraph
}

/// Returns the text of a documentation line, or nothing if the line is something else.
fn doc_text(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line.strip_prefix("//!").or_else(|| line.strip_prefix("///").filter(|rest| !rest.starts_with('/')))?;
    Some(text.trim())
}

/// Splits a line into code and comment. A `//` in a string ends the code too soon, which hides no more than its rest.
fn split_comment(line: &str) -> (&str, &str) {
    line.find("//").map_or((line, ""), |at| line.split_at(at))
}

/// Returns all findings of a source text.
fn check(text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let number = at + 1;
        let begins_docs =
            doc_text(line).is_some_and(|text| !text.is_empty()) && (at == 0 || doc_text(lines[at - 1]).is_none());
        if begins_docs {
            let paragraph: Vec<&str> =
                lines[at..].iter().map_while(|line| doc_text(line).filter(|text| !text.is_empty())).collect();
            let paragraph = paragraph.join(" ");
            let sentence = first_sentence(&paragraph);
            if let Some(why) = judge_first_sentence(sentence) {
                found.push((Kind::FirstLine, number, format!("{why}: {sentence}")));
            }
        }
        let (code, comment) = split_comment(line);
        for word in code.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if PRIVATE_NAMES.contains(&word) {
                found.push((Kind::Name, number, word.to_owned()));
            }
        }
        let comment = comment.to_lowercase();
        for phrase in PHRASES {
            if comment.contains(phrase) {
                found.push((Kind::Phrase, number, format!("{phrase}: {}", line.trim())));
            }
        }
    }
    found
}

/// `src/task/raw/cell.rs` -> `task`, `src/park.rs` -> `park`.
fn module_of(file: &str) -> &str {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    path.split('/').next().unwrap_or(path)
}

#[test]
fn the_language_gets_no_worse() {
    let listed = std::env::var("OFFTICK_WORDS").ok();
    let mut modules: BTreeMap<String, Counts> = BTreeMap::new();
    let mut total = Counts::default();
    for (file, text) in source::files("src") {
        let counts = modules.entry(module_of(&file).to_owned()).or_default();
        for (kind, line, what) in check(&text) {
            for counts in [&mut *counts, &mut total] {
                match kind {
                    Kind::FirstLine => counts.first_lines += 1,
                    Kind::Name => counts.names += 1,
                    Kind::Phrase => counts.phrases += 1,
                }
            }
            if listed.as_deref().is_some_and(|prefix| file.starts_with(prefix)) {
                println!("{file}:{line}: {what}");
            }
        }
    }
    println!("{:12} {:>11} {:>6} {:>8}", "module", "first lines", "names", "phrases");
    for (module, counts) in modules.iter().map(|(name, counts)| (name.as_str(), counts)).chain([("all", &total)]) {
        println!("{module:12} {:>11} {:>6} {:>8}", counts.first_lines, counts.names, counts.phrases);
    }
    let grown = |count: usize, ceiling: usize| count > ceiling;
    assert!(
        !grown(total.first_lines, CEILINGS.first_lines)
            && !grown(total.names, CEILINGS.names)
            && !grown(total.phrases, CEILINGS.phrases),
        "{total:?} is above {CEILINGS:?}: set OFFTICK_WORDS=src and run with --nocapture to list the places"
    );
}

#[test]
fn the_count_can_fail() {
    let first_lines = |text: &str| check(text).into_iter().filter(|found| matches!(found.0, Kind::FirstLine)).count();
    assert_eq!(first_lines("/// A handle to a task.\nstruct Task;"), 0);
    assert_eq!(first_lines("/// What a task is.\nstruct Task;"), 1);
    assert_eq!(first_lines("/// Return the task.\nfn task() {}"), 1);
    assert_eq!(first_lines("/// Returns it.\n///\n/// What follows is free.\nfn task() {}"), 0);
    assert_eq!(
        first_lines("/// One two three four five six\n/// seven eight nine ten eleven twelve thirteen.\nfn f() {}"),
        1
    );
    assert_eq!(first_lines("//// What is no documentation\n"), 0);
    let others = check("fn pump() {} // whoever calls");
    assert!(matches!(others[..], [(Kind::Name, 1, _), (Kind::Phrase, 1, _)]));
    assert_eq!(module_of("src/task/raw/cell.rs"), "task");
    assert_eq!(module_of("src/park.rs"), "park");
}
