use netns_test::prelude::*;

fn as_argument<N: Network>() {}

fn main() {
    as_argument::<String>();
}
