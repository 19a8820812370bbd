//! What integration tests share.

mod record;

use std::{env, fmt::Debug};

/// Checks one claim of the tables of ground truth, and records that this test did.
///
/// `id` is the claim's, such as `container-network-2.1-c12b`; `expected` is what the table says. The record counts if
/// the whole test passes. With `CLAIM_INVERT` set to the id, the check is turned round, so that the test must fail:
/// whoever doubts that a check could fail can see it do so.
///
/// # Panics
///
/// If the two differ; with `CLAIM_INVERT` set to the id, if they do not.
#[track_caller]
pub(crate) fn claim<E, S>(id: &str, expected: E, seen: S)
where
    E: PartialEq<S> + Debug,
    S: Debug,
{
    let holds = expected == seen;
    let inverted = env::var_os("CLAIM_INVERT");
    if inverted.as_ref().is_some_and(|inverted| inverted == id) {
        // So that the failure is known for what it is, and takes no records back.
        netns_test::record(&format!("{}{id}", record::INVERTED));
        assert!(
            !holds,
            "inverted claim {id} does not hold\n  expected  anything but {expected:?}\n  seen      {seen:?}"
        );
        return;
    }
    assert!(holds, "claim {id} does not hold\n  expected  {expected:?}\n  seen      {seen:?}");
    // A run with a claim turned round is about that claim only, and records no other.
    if inverted.is_none() {
        let claim = record::Claim { id: id.to_owned(), expected: format!("{expected:?}"), seen: format!("{seen:?}") };
        netns_test::record(&claim.to_string());
    }
}
