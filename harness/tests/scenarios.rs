//! The scenario files of the repository, run as a user's package runs its own.

netns_test_harness::main!("../examples/scenarios/*.toml", "../examples/tutorials/**/*.toml");
