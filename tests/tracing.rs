//! What `tracing` sees of closures, tasks and programs on nodes.
#![cfg(target_os = "linux")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use netns_test::prelude::*;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    info, info_span,
    span::{Attributes, Id, Record},
};

/// Keeps each event as a line: the spans around it by their first words, its fields.
#[derive(Clone, Default)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
}

thread_local! {
    static ENTERED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

struct Fields(Vec<String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() != "pid" {
            self.0.push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tracing") || metadata.target().starts_with("netns_test")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(vec![span.metadata().name().to_owned()]);
        span.record(&mut fields);
        self.spans.lock().expect("no panic holds it").push(fields.0.join("="));
        Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        let spans = self.spans.lock().expect("no panic holds it");
        let around =
            ENTERED.with_borrow(|all| all.iter().map(|id| spans[*id as usize - 1].clone()).collect::<Vec<_>>());
        self.lines.lock().expect("no panic holds it").push(format!("{}: {}", around.join(" "), fields.0.join(" ")));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|all| all.push(span.into_u64()));
    }

    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(|all| all.pop());
    }
}

#[netns_test]
fn the_subscriber_and_the_span_of_the_test_go_along_to_its_nodes() -> Result {
    let lab = Topology::builder().node("a", |n| n).build()?.up()?;
    let a = lab.node("a")?;
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let _test = info_span!("test").entered();
        a.run(|| info!("in a closure"));
        a.spawn(async { info!("in a task") }).join();
        a.block_on(async || info!("in a block"));
        a.spawn_local(|| async { info!("in a local task") }).join();
        a.command("echo").arg("from a program").output()
    })?;
    // The span of the test is entered by the test alone; those of nodes name it as their parent.
    let seen = lines.lines.lock().expect("no panic holds it").clone();
    let expected = ["in a closure", "in a task", "in a block", "in a local task"];
    assert_eq!(seen[..4], expected.map(|words| format!("node=\"a\": {words}")));
    assert_eq!(seen[4..], ["node=\"a\": from a program \"echo\""]);
    Ok(())
}
