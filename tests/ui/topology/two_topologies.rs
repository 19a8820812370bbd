netns_test::topology! {
    struct A { }
    struct B { }
}

fn main() {}
