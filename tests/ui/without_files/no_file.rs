netns_test::topology! {
    struct Net = "nat.toml";
}

fn main() {
    let _ = netns_test::topology!("nat.toml");
}
