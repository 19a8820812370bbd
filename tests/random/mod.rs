//! Random networks for tests, the same in each run.

use std::{
    env,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use netns_test::topology::{
    Topology,
    arbitrary::{Options, topologies},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// How many networks are looked at at a time: what takes long is to wait for the kernel.
const LANES: usize = 3;

/// How long a smaller network that fails is looked for.
const SHRINKING: Duration = Duration::from_secs(20);

/// How many random networks each of a program's two series has: half of `RANDOM_NETWORKS`, or of what it says itself.
pub(crate) fn half(usual: usize) -> usize {
    let count = match env::var("RANDOM_NETWORKS") {
        Ok(count) => count.parse().unwrap_or_else(|_| panic!("RANDOM_NETWORKS is no number: {count}")),
        Err(_) => usual,
    };
    assert!(count >= 2, "RANDOM_NETWORKS is {count}, of which each of two series has a half: say 2 or more");
    count / 2
}

/// Looks at `count` random networks of a series, several at a time.
///
/// # Panics
///
/// If the check fails for some: with each reason, and the plan of the smallest network that was found to fail.
#[track_caller]
pub(crate) fn check(
    series: u8,
    count: usize,
    options: Options,
    check: impl Fn(&Topology) -> Result<(), String> + Sync,
) {
    let networks: Vec<Topology> = trees(series, options).take(count).map(|tree| tree.current()).collect();
    assert_eq!(networks.len(), count.max(1), "too few networks");
    let queue = Mutex::new(networks.iter().enumerate());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let Some((number, network)) = queue.lock().expect("no lane panics").next() else { break };
                    if let Err(why) = check(network) {
                        failures.lock().expect("no lane panics").push((number, why));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no lane panicked");
    failures.sort();
    let Some((first, why)) = failures.first().cloned() else { return };
    let tree = trees(series, options).nth(first).expect("the series has not changed");
    let (network, why) = shrink(tree, why, check);
    let all: Vec<String> = failures.iter().map(|(number, why)| format!("  {number}: {why}")).collect();
    panic!("{} of {count} networks fail:\n{}\n\n{why}\n\n{}", failures.len(), all.join("\n"), network.plan());
}

fn trees(series: u8, options: Options) -> impl Iterator<Item = impl ValueTree<Value = Topology>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[series; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let networks = topologies(options);
    std::iter::from_fn(move || networks.new_tree(&mut runner).ok())
}

/// The smallest network that was found to fail, with its reason.
fn shrink(
    mut tree: impl ValueTree<Value = Topology>,
    mut why: String,
    check: impl Fn(&Topology) -> Result<(), String>,
) -> (Topology, String) {
    let (begin, mut smallest) = (Instant::now(), tree.current());
    let mut smaller = tree.simplify();
    while smaller && begin.elapsed() < SHRINKING {
        let network = tree.current();
        smaller = match check(&network) {
            Err(reason) => {
                (smallest, why) = (network, reason);
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    (smallest, why)
}
