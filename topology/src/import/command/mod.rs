//! The commands of a lab, carried out on its model of a node.

mod bridge;
mod bridge_fdb;
mod ifconfig;
mod ip;
mod ip_address;
mod ip_link;
mod ip_neighbour;
mod ip_route;
mod ip_rule;
mod iptables;
mod nft;
mod programs;
mod route;
mod sysctl;
mod words;

use super::{
    machine::{Found, Machine},
    report::{At, Report},
    shell::{self, Output, Statement},
};
use crate::{IfName, InvalidValue};
pub(super) use nft::of_family;
pub(super) use sysctl::dotted;
use words::Words;

/// A command on its way to a node.
pub(super) struct Run<'a> {
    pub(super) machine: &'a mut Machine,
    pub(super) report: &'a mut Report,
    pub(super) at: &'a At,
}

/// Why a line that names the way to the engine's host has no effect here.
pub(super) const OUTSIDE: &str = "the engine's own network, which leads out of the lab, is not there in a test";

/// Carries out the statements of a script.
pub(super) fn run_script(machine: &mut Machine, statements: Vec<Statement>, report: &mut Report) {
    for statement in statements {
        let mut run = Run { machine, report, at: &statement.at };
        if let Err(error) = run.statement(&statement) {
            report.invalid(&statement.at, &error);
        }
    }
}

/// Carries out one command that no shell looks at.
pub(super) fn run_words(machine: &mut Machine, text: &str, at: &At, report: &mut Report) {
    let Some(words) = shlex::split(text) else {
        report.refuse(at, format!("a quote is not closed in `{text}`"));
        return;
    };
    // `nft` has a use of its own for `;`.
    let own = words.first().is_some_and(|program| program.ends_with("nft")).then_some(";");
    let operator = |word: &&String| {
        matches!(word.as_str(), "&&" | "||" | ";" | "|" | ">" | ">>" | "&") && own != Some(word.as_str())
    };
    if let Some(operator) = words.iter().find(operator) {
        report
            .refuse(at, format!("`{operator}` means something to a shell, and no shell reads this line"))
            .set_help("write a line for each command, or `sh -c '…'`");
        return;
    }
    let statement = Statement { at: at.clone(), words, output: None, unknown: None };
    run_script(machine, vec![statement], report);
}

impl Run<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<(), InvalidValue> {
        let words: Vec<&str> = statement
            .words
            .iter()
            .map(String::as_str)
            .skip_while(|word| matches!(*word, "sudo" | "command" | "exec" | "nohup"))
            .collect();
        let Some((&path, arguments)) = words.split_first() else { return Ok(()) };
        let program = path.rsplit('/').next().unwrap_or(path);
        if let Some(note) = programs::without_effect(path, arguments, statement.output.as_ref()) {
            self.report.note(self.at, format!("`{}`", shown(&words)), note);
            return Ok(());
        }
        if let Some(unknown) = &statement.unknown {
            return Err(InvalidValue::new(format!("`{unknown}` has no value here")).help("write the value itself"));
        }
        let mut words = Words::new(program, arguments);
        match program {
            "ip" => self.ip(&mut words),
            "ifconfig" => self.ifconfig(&mut words),
            "route" => self.route(&mut words),
            "sysctl" => self.sysctl(&mut words),
            "echo" | "printf" => self.echo(arguments, statement.output.as_ref()),
            "brctl" => self.brctl(&mut words),
            "bridge" if arguments.first() == Some(&"fdb") => self.bridge_fdb(&mut words),
            "iptables" | "iptables-legacy" | "iptables-nft" => self.iptables(&mut words, false),
            "ip6tables" | "ip6tables-legacy" | "ip6tables-nft" => self.iptables(&mut words, true),
            "nft" => self.nft(&mut words),
            "sh" | "bash" | "ash" | "dash" => self.shell(&mut words),
            _ => Err(programs::refused(path, arguments)),
        }
    }

    /// `sh -c TEXT`.
    fn shell(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        while let Some(word) = words.next() {
            let options = word.strip_prefix('-').unwrap_or_default();
            if options.contains('c') {
                let text = words.value(word)?;
                let at = self.at;
                let statements = shell::statements(text, |_, _, _| at.clone(), self.report);
                run_script(self.machine, statements, self.report);
                return Ok(());
            }
            if options.is_empty() {
                return Err(programs::script(word));
            }
        }
        Err(InvalidValue::new("a shell without a command waits for somebody to type").help("leave it out"))
    }

    fn echo(&mut self, arguments: &[&str], output: Option<&Output>) -> Result<(), InvalidValue> {
        let text =
            arguments.iter().skip_while(|word| matches!(**word, "-n" | "-e")).copied().collect::<Vec<_>>().join(" ");
        let Some(output) = output else { return Ok(()) };
        if let Some(key) = output.file.strip_prefix("/proc/sys/") {
            let value = text.trim().trim_end_matches("\\n");
            return self.set_sysctl(&dotted(key), value);
        }
        if output.file == "/etc/resolv.conf" {
            if !output.append {
                self.machine.nameservers.clear();
            }
            for line in text.split("\\n").flat_map(str::lines) {
                match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                    ["nameserver", server] => {
                        let server = words::address(server)?;
                        self.machine.nameservers.push((server, self.at.clone()));
                    }
                    [] => {}
                    _ => self.report.note(
                        self.at,
                        format!("`{line}` in /etc/resolv.conf"),
                        "a node has name servers only",
                    ),
                }
            }
            return Ok(());
        }
        self.report.note(self.at, format!("what is written to `{}`", output.file), programs::FILES);
        Ok(())
    }

    /// The interface of that name; `None` with a note if it leads out of the lab.
    fn port(&mut self, name: &str) -> Result<Option<usize>, InvalidValue> {
        Ok(match self.machine.find(name, self.at)? {
            Found::Port(port) => Some(port),
            Found::Outside => {
                self.report.note(self.at, format!("what is said of `{name}`"), OUTSIDE);
                None
            }
        })
    }

    /// Whether one of these is the interface that leads out of the lab; then that is noted.
    fn leads_outside<'a>(&mut self, names: impl IntoIterator<Item = &'a IfName>) -> bool {
        let Some(outside) = self.machine.outside.filter(|outside| self.machine.position(outside).is_none()) else {
            return false;
        };
        let found = names.into_iter().any(|name| *name == *outside);
        if found {
            self.report.note(self.at, format!("what is said of `{outside}`"), OUTSIDE);
        }
        found
    }

    fn note_printing(&mut self, what: &str) {
        self.report.note(self.at, format!("`{what}`"), "it only prints");
    }
}

/// The first words of a command, enough to know it again.
fn shown(words: &[&str]) -> String {
    let text = words.join(" ");
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
