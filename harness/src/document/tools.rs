//! The programs that a document needs.

use std::{collections::BTreeSet, env, path::Path};

use super::command::Command;

/// The words of the shell, which are no programs.
const OF_THE_SHELL: [&str; 51] = [
    ".", ":", "[", "[[", "]]", "alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "echo",
    "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fg", "fi", "for", "function", "if", "jobs",
    "kill", "let", "local", "printf", "pwd", "read", "return", "select", "set", "shift", "source", "test", "then",
    "time", "trap", "true", "type", "ulimit", "umask", "unset", "until", "while",
];

/// Where Debian has what tutorials of networks use.
const PACKAGES: [(&str, &[&str]); 13] = [
    ("iproute2", &["ip", "bridge", "ss", "tc"]),
    ("net-tools", &["arp", "ifconfig", "netstat", "route"]),
    ("iputils-ping", &["ping", "ping6"]),
    ("iputils-arping", &["arping"]),
    ("bridge-utils", &["brctl"]),
    ("iptables", &["iptables", "ip6tables", "iptables-save", "iptables-nft", "iptables-legacy"]),
    ("nftables", &["nft"]),
    ("conntrack", &["conntrack"]),
    ("ethtool", &["ethtool"]),
    ("procps", &["sysctl"]),
    ("util-linux", &["nsenter", "unshare"]),
    ("tcpdump", &["tcpdump"]),
    ("curl", &["curl"]),
];

/// What is missing for these commands, each with the way to get it.
pub(crate) fn missing<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Vec<String> {
    let names: BTreeSet<String> = commands.into_iter().flat_map(|command| programs(&command.text)).collect();
    names.iter().filter(|name| !is_installed(name)).map(|name| help(name)).collect()
}

/// Says that a program is missing, and how to get it.
fn help(name: &str) -> String {
    match PACKAGES.iter().find(|(_, programs)| programs.contains(&name)) {
        Some((package, _)) => format!("`{name}` is not installed: sudo apt install {package}"),
        None => format!("`{name}` is not installed"),
    }
}

/// The programs that a command line names: what stands where a command begins, and behind those that run another.
fn programs(text: &str) -> Vec<String> {
    let mut programs = Vec::new();
    for line in
        text.lines().take_while(|line| !line.contains("<<")).chain(text.lines().filter(|l| l.contains("<<")).take(1))
    {
        let Some(words) = shlex::split(line) else { continue };
        for simple in words.split(|word| matches!(&**word, "|" | "||" | "&&" | ";" | "&")) {
            program_of(simple, &mut programs);
        }
    }
    programs
}

fn program_of(words: &[String], programs: &mut Vec<String>) {
    let is_setting = |word: &&String| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    let first =
        words.iter().position(|word| !is_setting(&word) && !matches!(&**word, "sudo" | "!" | "then" | "do" | "{"));
    let Some((name, rest)) = first.and_then(|first| words[first..].split_first()) else { return };
    let name = name.trim_end_matches(';');
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.+[".contains(c));
    if !is_plain || OF_THE_SHELL.contains(&name) {
        return;
    }
    programs.push(name.to_owned());
    if name == "ip"
        && rest.first().is_some_and(|word| word == "netns")
        && rest.get(1).is_some_and(|word| word == "exec")
    {
        program_of(rest.get(3..).unwrap_or_default(), programs);
    }
    if name == "nsenter" {
        let behind = rest.iter().position(|word| !word.starts_with('-')).unwrap_or(rest.len());
        program_of(&rest[behind..], programs);
    }
}

/// Whether there is a program of that name.
pub(crate) fn is_installed(name: &str) -> bool {
    let standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let path = env::var("PATH").unwrap_or_default();
    path.split(':').chain(standard.split(':')).any(|directory| Path::new(directory).join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_where_commands_begin() {
        assert_eq!(programs("sudo ip netns exec red ping -c 1 10.0.0.1 | grep bytes"), ["ip", "ping", "grep"]);
        assert_eq!(programs("A=1 arp -n && cd /tmp"), ["arp"]);
        assert_eq!(programs("nsenter --net=/run/netns/red ifconfig"), ["nsenter", "ifconfig"]);
        assert!(programs("for n in red blue; do echo $n; done").is_empty());
    }

    #[test]
    fn what_is_missing_comes_with_its_package() {
        let command = Command { text: "no-such-program".into(), line: 1, shown: Vec::new() };
        assert_eq!(missing([&command]), ["`no-such-program` is not installed"]);
        assert_eq!(help("sysctl"), "`sysctl` is not installed: sudo apt install procps");
    }
}
