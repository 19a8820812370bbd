//! Kernel settings, by `sysctl` and in /proc/sys ([sysctl(8)]).
//!
//! [sysctl(8)]: https://man7.org/linux/man-pages/man8/sysctl.8.html

use super::{Run, words::Words};
use crate::InvalidValue;

impl Run<'_> {
    pub(super) fn sysctl(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let mut set = false;
        while let Some(word) = words.next() {
            match word {
                "-w" | "--write" | "-q" | "--quiet" | "-e" | "--ignore" | "-n" | "-qw" | "-wq" => {}
                "-a" | "--all" | "-A" | "-X" => {
                    self.note_printing("sysctl -a");
                    return Ok(());
                }
                "-p" | "--load" | "--system" => {
                    return Err(InvalidValue::new(format!(
                        "`sysctl {word}` reads settings from a file that is not part of the lab file"
                    ))
                    .help("write each setting as `sysctl -w NAME=VALUE`"));
                }
                other => {
                    let (key, value) = match other.split_once('=') {
                        // `name = value` in three words, or in two.
                        Some((key, "")) => (key, words.value(other)?),
                        Some((key, value)) => (key, value),
                        None if words.peek().is_some_and(|next| next.starts_with('=')) => {
                            let value = words.value(other)?.trim_start_matches('=');
                            (other, if value.is_empty() { words.value(other)? } else { value })
                        }
                        None => {
                            self.note_printing(&format!("sysctl {other}"));
                            set = true;
                            continue;
                        }
                    };
                    self.set_sysctl(&dotted(key.trim()), value.trim())?;
                    set = true;
                }
            }
        }
        if set {
            Ok(())
        } else {
            Err(InvalidValue::new("`sysctl` names no setting").help("write `sysctl -w NAME=VALUE`"))
        }
    }

    /// Sets it as a command does, when the interfaces of the lab exist already.
    pub(super) fn set_sysctl(&mut self, key: &str, value: &str) -> Result<(), InvalidValue> {
        let outside = self.machine.outside.filter(|outside| self.machine.position(outside).is_none());
        if outside.is_some_and(|outside| key.split('.').nth(3) == Some(outside)) {
            self.report.note(self.at, format!("`{key}`"), super::OUTSIDE);
            return Ok(());
        }
        if key.starts_with("net.") && key.split('.').nth(3) == Some("default") {
            self.report.note(
                self.at,
                format!("`{key}`"),
                "the interfaces exist already when this is run, and keep their values",
            );
            return Ok(());
        }
        self.machine.set_sysctl(key, value, self.at);
        Ok(())
    }
}

/// The name with dots: the first separator says which of the two it is written with.
pub(in crate::import) fn dotted(key: &str) -> String {
    match key.find(['.', '/']) {
        Some(first) if key.as_bytes()[first] == b'/' => key
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                other => other,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_slashes_keeps_the_dots_of_an_interface() {
        assert_eq!(super::dotted("net/ipv4/conf/eth0.5/rp_filter"), "net.ipv4.conf.eth0/5.rp_filter");
        assert_eq!(super::dotted("net.ipv4.ip_forward"), "net.ipv4.ip_forward");
    }
}
