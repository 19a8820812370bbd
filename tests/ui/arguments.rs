use netns_test::prelude::*;

struct Pair {
    a: Node,
}

impl Network for Pair {
    fn topology() -> Topology {
        unimplemented!()
    }

    fn from_lab(lab: &Lab) -> std::result::Result<Self, netns_test::Error> {
        Ok(Self { a: lab.node("a")? })
    }
}

#[netns_test(on = client)]
fn on_a_node_of_nothing() {}

#[netns_test(on = "a")]
fn on_a_text(net: Pair) {
    let _ = net.a;
}

#[netns_test(on = nte.a)]
fn on_a_node_of_another_argument(net: Pair) {
    let _ = net.a;
}

#[netns_test(on = a)]
fn on_a_node_of_two(left: Pair, right: &Pair) {
    let _ = (left.a, &right.a);
}

#[netns_test]
fn changes_it(net: &mut Pair) {
    let _ = &net.a;
}

#[netns_test]
fn any_topology(net: impl Network) {
    drop(net);
}

fn main() {}
