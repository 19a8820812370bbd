//! What probes see: every outcome, and who said so.

#[path = "probe/assertions.rs"]
mod assertions;
#[path = "probe/at_the_start.rs"]
mod at_the_start;
mod networks;
#[path = "probe/on_the_way.rs"]
mod on_the_way;
#[path = "probe/reached.rs"]
mod reached;
#[path = "probe/silence.rs"]
mod silence;
