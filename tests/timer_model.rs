//! Sleeps against a map of deadlines: the corpus of the fuzz target, and operations at random.

#[path = "fuzz/checks/timers.rs"]
mod checks;

use proptest::prelude::*;

#[test]
fn the_corpus_of_the_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/timers");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of the repository").path();
        checks::check(&std::fs::read(path).expect("a file of the repository"));
        count += 1;
    }
    assert!(count >= 12, "{count} inputs in {folder}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_operations_break_a_promise(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        checks::check(&bytes);
    }
}
