use netns_test::netns_test;

#[netns_test(timeuot = "3s", parallel = 2)]
fn misspelt_and_unknown() {}

#[netns_test(timeout = "soon")]
fn no_duration() {}

#[netns_test(timeout = 10, flavor = "currentthread")]
async fn no_unit_and_no_flavor() {}

#[netns_test(timeout = "0s", timeout)]
fn no_time_and_twice() {}

#[netns_test(timeout)]
fn no_value() {}

#[netns_test(flavor = "current_thread", worker_threads = 2)]
async fn workers_of_no_pool() {}

#[netns_test(worker_threads = 0)]
async fn no_workers() {}

#[netns_test(flavor = "multi_thread")]
fn flavor_of_no_future() {}

#[netns_test(crate = "not a path")]
fn no_path() {}

#[netns_test(ids = "all")]
fn no_such_ids() {}

#[netns_test(user_namespace = "none")]
fn no_flag() {}

#[netns_test(user_namespace = false, ids = "subordinate")]
fn ids_without_a_user_namespace() {}

fn main() {}
