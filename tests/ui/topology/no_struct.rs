netns_test::topology! {
    topology Net { }
}

fn main() {}
