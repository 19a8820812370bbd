netns_test::topology! {
    struct Net {
        profile kernel;
        node a { bridge br0: "fd00::1/64" { down }; route unreachable "::/0" src "fd00::1"; }
    }
}

fn main() {}
