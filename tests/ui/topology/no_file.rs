netns_test::topology! {
    struct Net = "no_such_file.toml";
}

fn main() {}
