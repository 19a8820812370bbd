//! The list of claims that no test checks yet, each with the reason.

use std::collections::BTreeMap;

use super::table::{Table, document, section};

/// Ids, sections (`document-section`) or whole documents, each with the reason why it waits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deferrals(BTreeMap<String, String>);

impl Deferrals {
    /// Reads lines of `"id" = "reason"`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let list: BTreeMap<String, String> = toml::from_str(text).map_err(|error| error.to_string())?;
        match list.iter().find(|(_, reason)| reason.trim().is_empty()) {
            Some((id, _)) => Err(format!("{id} has no reason")),
            None => Ok(Self(list)),
        }
    }

    /// Why a claim waits, if it does: the nearest of its own entry, its section's and its document's.
    pub(crate) fn reason(&self, id: &str) -> Option<&str> {
        [id, section(id), document(id)].into_iter().find_map(|key| self.0.get(key)).map(String::as_str)
    }

    /// What is wrong with the list itself: entries that name nothing, and entries of which something is covered.
    pub(crate) fn problems(&self, table: &Table, covered: impl Fn(&str) -> bool) -> Vec<String> {
        let mut problems = Vec::new();
        for key in self.0.keys() {
            let mut named = table.ids().filter(|id| [id, section(id), document(id)].contains(&key.as_str())).peekable();
            if named.peek().is_none() {
                problems.push(format!("{key} is deferred, but no row that counts has that name"));
            }
            for id in named.filter(|id| covered(id)) {
                problems.push(if id == key {
                    format!("{key} is deferred, but covered: take it from the list")
                } else {
                    format!("{key} is deferred, but its {id} is covered: list what is left instead")
                });
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_entry_gives_the_reason() {
        let list = Deferrals::parse("doc = 'all'\ndoc-1 = 'some'\n'doc-1-c1' = 'one'\n").unwrap();

        assert_eq!(list.reason("doc-1-c1"), Some("one"));
        assert_eq!(list.reason("doc-1-c2"), Some("some"));
        assert_eq!(list.reason("doc-2-c1"), Some("all"));
        assert_eq!(list.reason("dock-2-c1"), None);
    }

    #[test]
    fn an_entry_without_a_reason_is_an_error() {
        assert_eq!(Deferrals::parse("doc = ' '").unwrap_err(), "doc has no reason");
        assert!(Deferrals::parse("doc").is_err());
        // A dot outside of quotes would make a table.
        assert!(Deferrals::parse("doc-2.1-c1 = 'x'").is_err());
        assert!(Deferrals::parse("doc = 'x'\ndoc = 'y'").is_err());
    }
}
