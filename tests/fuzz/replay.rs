//! Every target over its corpus and over mutations of it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use crate::mutation::{Chance, mutate};
use crate::{TARGETS, Target};

/// Mutations of each corpus: a few seconds for all targets together, unoptimised.
const MUTATIONS: usize = 8_000;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Inputs in order of their names.
pub fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(here().join("corpus").join(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Runs the target and says which input broke it.
fn run(name: &str, target: Target, octets: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| target(octets)));
    if let Err(panic) = outcome {
        eprintln!("{name} broke on {} octets: {octets:02x?}", octets.len());
        resume_unwind(panic);
    }
}

#[test]
fn every_target_holds_over_its_corpus_and_mutations_of_it() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for octets in &corpus {
            run(name, *target, octets);
        }
        let mut chance = Chance::of(name);
        for _ in 0..MUTATIONS {
            let input = &corpus[chance.below(corpus.len())];
            let other = &corpus[chance.below(corpus.len())];
            run(name, *target, &mutate(input, other, &mut chance));
        }
    }
}

#[test]
fn every_target_is_one_of_libfuzzer_and_the_other_way_round() {
    let entries = std::fs::read_dir(here().join("libfuzzer/fuzz_targets")).unwrap();
    let mut files: Vec<String> = entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, names);
    let manifest = std::fs::read_to_string(here().join("libfuzzer/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in its manifest");
    }
}

#[test]
fn a_mutation_changes_and_is_the_same_in_every_run() {
    let made = || {
        let mut chance = Chance::of("a");
        (0..100).map(|_| mutate(b"one input", b"another", &mut chance)).collect::<Vec<_>>()
    };
    assert_eq!(made(), made());
    let changed = made().iter().filter(|octets| octets.as_slice() != b"one input").count();
    assert!(changed > 90, "{changed}");
}
