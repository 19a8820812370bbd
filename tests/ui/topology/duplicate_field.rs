netns_test::topology! {
    struct Net {
        node a as "left" { }
        node a as "right" { }
        node b_c { }
        node bC { }
    }
}

fn main() {}
