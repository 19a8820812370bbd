netns_test::topology! {
    struct Net {
        node gateway { bridge wan: "203.0.113.1/24"; masquerade wan; }
    }
}

fn main() {}
