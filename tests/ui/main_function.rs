#[netns_test::main(timeout = "3s")]
fn main() {}

#[netns_test::main]
fn other() {}

mod more {
    #[netns_test::main(flavor = "multi_thread")]
    fn main(arguments: Vec<String>) {
        drop(arguments);
    }
}
