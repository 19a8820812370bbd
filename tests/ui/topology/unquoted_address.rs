netns_test::topology! {
    struct Net {
        node a { lo: 10.0.0.1/32; bridge br0: ["10.0.0.1/24", "fd00::1/64"]; route default via; }
    }
}

fn main() {}
