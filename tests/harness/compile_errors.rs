//! What the compiler says of a wrong test, where the macros leave it to speak: `tests/ui` has the rest.

use crate::fixture::Runner;

#[test]
fn the_compiler_speaks_of_the_users_own_tokens() {
    let output = Runner::Cargo.command(&["wrong"]).args(["--features", "wrong", "--no-run"]).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<&str> = text.split("\nerror").filter(|error| error.contains("tests/wrong.rs:")).collect();
    for (words, place) in [
        (&["`u16`", "topology"][..], "tests/wrong.rs:20:30"),
        (&["no field `b` on type `Pair`"], "tests/wrong.rs:24:19"),
        (&["`u16: Termination` is not satisfied"], "tests/wrong.rs:30:28"),
        (&["mismatched types"], "tests/wrong.rs:36:18"),
    ] {
        let found = errors.iter().any(|error| error.contains(place) && words.iter().all(|word| error.contains(word)));
        assert!(found, "nothing says {words:?} at {place}:\n{text}");
    }
    assert_eq!(errors.len(), 4, "{text}");
}
