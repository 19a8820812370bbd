use netns_test::netns_test;

#[netns_test]
fn generic<T: Default>() {
    drop(T::default());
}

#[netns_test]
const fn constant() {}

#[netns_test]
unsafe fn dangerous() {}

#[netns_test]
extern "C" fn foreign() {}

#[netns_test]
#[should_panic]
fn fails_or_panics() -> Result<(), String> {
    Ok(())
}

struct Type;

impl Type {
    #[netns_test]
    fn method(&self) {}
}

#[netns_test]
struct NoFunction;

fn main() {}
