//! A scenario file: a network, steps that change it, and what must hold after each.

mod change;
mod connection;
mod expect;
mod fact;
mod interface;
mod node;
mod range;
#[cfg(test)]
mod reference;
mod text;
pub(crate) mod words;

use std::time::Duration;

use netns_test_topology::{
    Topology,
    file::{Document, MISSING_KEY, Mistake, Mistakes, Source, Span, tree::Value},
};

pub(crate) use self::{change::Change, expect::Expect, fact::Captures, text::Packets};
use words::{Keys, Reader};

/// How long a scenario may take, if it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Everything a file says.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) source: Source,
    pub(crate) title: Option<String>,
    pub(crate) topology: Topology,
    pub(crate) timeout: Duration,
    pub(crate) steps: Vec<Step>,
}

/// Changes, and what must hold after them.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) expectations: Vec<Expect>,
}

impl Scenario {
    pub(crate) fn parse(source: &Source) -> Result<Self, Mistakes> {
        let mut document = Document::parse(source);
        let timeout = document.root().get("timeout").cloned();
        let steps = document.root().get("step").cloned();
        let network = document.network(&["timeout", "step"]);
        let mut reader = Reader::new(&network.draft);
        let timeout = timeout.and_then(|timeout| reader.limit(&timeout)).unwrap_or(TIMEOUT);
        let values = steps.as_ref().map_or(&[][..], Value::elements);
        let steps: Vec<Step> =
            values.iter().enumerate().filter_map(|(n, value)| Step::read(&mut reader, n, value)).collect();
        let found = std::mem::take(&mut reader.found);
        let is_empty = found.is_empty() && steps.iter().all(|step| step.expectations.is_empty());
        found.into_iter().for_each(|mistake| document.report(mistake));
        if is_empty {
            let span = values.first().map_or(0..0, |first| first.span.clone());
            let mistake = Mistake::new(MISSING_KEY, span, "this scenario expects nothing, so it could not fail");
            document.report(mistake.help("add a step with `expect = [{ from = \"a\", ping = \"b\" }]`"));
        }
        let title = network.title.clone();
        let topology = document.finish(network)?;
        Ok(Self { source: source.clone(), title, topology, timeout, steps })
    }

    /// The line and column of a place.
    pub(crate) fn place(&self, span: &Span) -> String {
        let (line, column) = self.source.line_and_column(span);
        format!("{}:{line}:{column}", self.source.name())
    }
}

impl Step {
    /// Where its first change is, if it expects nothing: that it can be done is then an expectation of its own.
    pub(crate) fn only_changes(&self) -> Option<&Span> {
        self.changes.first().filter(|_| self.expectations.is_empty()).map(|change| &change.span)
    }

    fn read(reader: &mut Reader, position: usize, value: &Value) -> Option<Self> {
        let mut keys = Keys::of(value, "[[step]]", reader)?;
        let name = keys.take("name").and_then(|name| reader.text(name)).map(str::to_owned);
        let changes = keys.take("change").map_or(&[][..], Value::elements);
        let changes = changes.iter().filter_map(|change| Change::read(reader, change)).collect();
        let expectations = keys.take("expect").map_or(&[][..], Value::elements);
        let expectations = expectations.iter().filter_map(|expect| Expect::read(reader, expect)).collect();
        if !keys.has_any(&["change", "expect"]) {
            reader.wrong(MISSING_KEY, &value.span, "this step does nothing", "it needs `change`, `expect` or both");
        }
        keys.end(reader);
        Some(Self { name: name.unwrap_or_else(|| format!("step {}", position + 1)), changes, expectations })
    }
}
