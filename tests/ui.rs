//! The compile errors of the macros, as the compiler prints them.

#[test]
fn wrong_use_is_told_on_the_right_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.compile_fail("tests/ui/topology/*.rs");
    if cfg!(not(feature = "file")) {
        cases.compile_fail("tests/ui/without_files/*.rs");
    }
}
