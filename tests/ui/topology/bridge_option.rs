netns_test::topology! {
    struct Net {
        node a { bridge br0 { stp, forward_delay "1s" }; bridge br1 { ageing "soon" }; }
    }
}

fn main() {}
