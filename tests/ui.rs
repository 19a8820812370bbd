//! The compile errors of the macros, as the compiler prints them.

#[test]
fn wrong_use_is_told_on_the_right_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
