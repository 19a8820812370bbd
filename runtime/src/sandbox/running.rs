//! What is running in a sandbox, in words, for the report of a timeout.

use std::fs;

/// One process as /proc shows it.
struct Process {
    pid: u32,
    parent: u32,
    state: char,
    command: String,
}

/// The longest part of a command that is shown, in characters.
const SHOWN: usize = 200;

/// The processes below `middle`, one a line, with the threads of each; without I, which is ours.
///
/// Forks of `middle` are shown by the name of the test: their command line is that of the first one that it was
/// executed for.
pub(crate) fn describe(middle: u32, test: &str) -> String {
    let mut all = processes();
    if let Some(first) = all.iter().find(|process| process.pid == middle).map(|process| process.command.clone()) {
        for process in all.iter_mut().filter(|process| process.command == first) {
            test.clone_into(&mut process.command);
        }
    }
    let mut text = String::new();
    for init in all.iter().filter(|process| process.parent == middle) {
        below(&all, init.pid, 1, &mut text);
    }
    text
}

fn below(all: &[Process], parent: u32, depth: usize, text: &mut String) {
    for process in all.iter().filter(|process| process.parent == parent) {
        let indent = "  ".repeat(depth);
        let command: String = process.command.chars().take(SHOWN).collect();
        text.push_str(&format!("{indent}{command} ({})\n", words(process.state)));
        let threads = threads(process.pid);
        if threads.len() > 1 {
            text.push_str(&format!("{indent}  threads: {}\n", threads.join(", ")));
        }
        below(all, process.pid, depth + 1, text);
    }
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: u32) -> Option<Process> {
    let (name, state, parent) = stat(&format!("/proc/{pid}/stat"))?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|&byte| byte == 0).filter(|word| !word.is_empty()).collect();
    let command = if words.is_empty() { name } else { String::from_utf8_lossy(&words.join(&b' ')).into_owned() };
    Some(Process { pid, parent, state, command })
}

fn threads(pid: u32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let thread = |task: fs::DirEntry| {
        let (name, state, _) = stat(task.path().join("stat").to_str()?)?;
        Some(format!("{name} ({})", words(state)))
    };
    entries.flatten().filter_map(thread).collect()
}

/// Name, state and parent out of a `stat` file; the name stands in brackets and may hold any character.
fn stat(path: &str) -> Option<(String, char, u32)> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    let (start, rest) = text.rsplit_once(") ")?;
    let (_, name) = start.split_once('(')?;
    let mut fields = rest.split(' ');
    Some((name.to_owned(), fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn words(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting in the kernel",
        'T' | 't' => "stopped",
        'Z' | 'X' => "ended",
        _ => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_is_described_by_its_command_line() {
        let own = std::process::id();
        // It reads until its end of the pipe is dropped.
        let mut child = Command::new("cat").arg("-").stdin(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        below(&processes(), own, 0, &mut text);
        child.wait().unwrap();
        assert!(text.starts_with("cat - ("), "{text}");
    }
}
