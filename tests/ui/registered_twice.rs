use netns_test::netns_test;

#[netns_test]
#[test]
fn plain() {}

#[netns_test]
#[tokio::test]
async fn of_tokio() {}

fn main() {}
