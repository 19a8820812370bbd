//! The attribute macros of netns-test.
