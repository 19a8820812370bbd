//! `bridge fdb` ([bridge(8)]).
//!
//! [bridge(8)]: https://man7.org/linux/man-pages/man8/bridge.8.html

use super::{
    Run,
    words::{Words, shortened},
};
use crate::{FdbEntry, InvalidValue};

const COMMANDS: &[&str] = &["add", "append", "replace", "delete", "get", "show", "list", "lst", "flush", "help"];

impl Run<'_> {
    pub(super) fn bridge_fdb(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        words.value("bridge")?;
        let Some(command) = words.next() else {
            self.note_printing("bridge fdb");
            return Ok(());
        };
        let mut entry = Vec::new();
        while let Some(word) = words.next() {
            entry.push(word);
        }
        let replace = match shortened(command, COMMANDS) {
            Some("add" | "append") => false,
            Some("replace") => true,
            Some("show" | "list" | "lst" | "get" | "help") => {
                self.note_printing(&format!("bridge fdb {command}"));
                return Ok(());
            }
            Some(known) => return Err(words.not_expressible(known)),
            None => return Err(words.unknown(command, COMMANDS)),
        };
        let entry: FdbEntry = entry.join(" ").parse()?;
        if self.port(&entry.dev)?.is_none() {
            return Ok(());
        }
        if replace {
            self.machine.fdb.retain(|(other, _)| other.mac != entry.mac || other.dev != entry.dev);
        }
        self.machine.fdb.push((entry, self.at.clone()));
        Ok(())
    }
}
