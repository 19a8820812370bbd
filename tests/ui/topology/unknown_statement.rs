netns_test::topology! {
    struct Net {
        nod a { }
        node b { masqerade wan; froward; }
    }
}

fn main() {}
