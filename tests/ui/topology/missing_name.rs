netns_test::topology! {
    struct Net {
        node { eth0; }
        node b { bridge { down }; counter; nameserver; with; }
        switch { b.eth0 }
        link b.eth0;
        use;
    }
}

fn main() {}
