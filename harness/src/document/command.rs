//! The commands of a shell block, and what the block shows that they print.

/// A command as a reader of the document types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// One or more lines.
    pub(crate) text: String,
    /// The line in the document, counted from 1.
    pub(crate) line: usize,
    /// What the block shows after it.
    pub(crate) shown: Vec<String>,
}

/// Takes a block apart.
///
/// Where lines begin with a prompt, they are the commands, and the others what these print. `# ` is a prompt before what
/// `as_root` begins, and the begin of a comment otherwise. Without prompts, every line is a command that is neither empty,
/// nor a comment, nor indented, nor the rest of one; what is indented is printed.
pub(crate) fn read(text: &str, first_line: usize, as_root: &[String]) -> Vec<Command> {
    let lines: Vec<&str> = text.lines().collect();
    let prompted = lines.iter().any(|line| after_prompt(line, as_root).is_some());
    let mut commands: Vec<Command> = Vec::new();
    let mut lines = lines.into_iter().zip(first_line..).peekable();
    while let Some((line, number)) = lines.next() {
        let begins = if prompted {
            after_prompt(line, as_root)
        } else {
            Some(line).filter(|line| !line.starts_with([' ', '\t']) && !line.starts_with('#') && !line.is_empty())
        };
        match (begins, commands.last_mut()) {
            (Some(begin), _) => {
                let mut command = begin.trim_end().to_owned();
                while !is_complete(&command) {
                    let Some((next, _)) = lines.next() else { break };
                    command = command + "\n" + next.strip_prefix("> ").filter(|_| prompted).unwrap_or(next);
                }
                commands.push(Command { text: command, line: number, shown: Vec::new() });
            }
            (None, Some(command)) if !line.trim().is_empty() => command.shown.push(line.trim().to_owned()),
            (None, _) => {}
        }
    }
    commands
}

/// What stands behind a prompt such as `$ `, `root@host:~# ` or `[root@host ~]# `.
fn after_prompt<'a>(line: &'a str, as_root: &[String]) -> Option<&'a str> {
    let roots = |line: &&str| as_root.iter().any(|begin| line.starts_with(begin.as_str()));
    if let Some(command) = line.strip_prefix("# ").filter(roots) {
        return Some(command.trim());
    }
    let (prompt, command) = [" $ ", "]# ", "]$ ", "# ", "$ "].iter().find_map(|end| {
        let at = line.find(end)? + end.len();
        Some((&line[..at], &line[at..]))
    })?;
    let name = prompt.trim_end().trim_end_matches(['$', '#']);
    let is_prompt = prompt.trim() == "$" || name.contains('@') && !name.trim_start().contains("# ");
    (is_prompt && !command.trim().is_empty()).then(|| command.trim())
}

/// The words of the shell behind which a command begins.
const BEFORE_COMMANDS: [&str; 14] =
    ["!", "do", "done", "elif", "else", "esac", "fi", "if", "then", "time", "until", "while", "{", "}"];

/// Whether a shell would not wait for more: no open quotation mark, no backslash at the end, every block closed and
/// every here-document ended.
fn is_complete(text: &str) -> bool {
    let (mut open, mut depth) = (None, 0_i32);
    // Words such as `if` are words of the shell where a command can begin.
    let mut begins = true;
    let mut here: Option<String> = None;
    let mut escaped = false;
    for line in text.split_inclusive('\n') {
        if let Some(end) = &here {
            if line.trim() == end {
                here = None;
            }
            continue;
        }
        // What is neither quoted nor a comment.
        let mut bare = String::new();
        let mut letters = line.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match (open, letter) {
                _ if escaped => escaped = false,
                (None | Some('"'), '\\') => escaped = true,
                (None, '\'' | '"') => {
                    open = Some(letter);
                    bare.push(letter);
                }
                (Some(mark), _) if mark == letter => open = None,
                (None, '#') if at == 0 || line[..at].ends_with(char::is_whitespace) => {
                    bare.push('\n');
                    break;
                }
                (None, '<') if line[at..].starts_with("<<") && here.is_none() && !line[at..].starts_with("<<<") => {
                    let word = line[at + 2..].trim_start_matches('-').trim_start();
                    let word = word.split(|c: char| c.is_whitespace() || ";|&>".contains(c)).next().unwrap_or_default();
                    here = Some(word.trim_matches(['\'', '"']).to_owned());
                    letters.next();
                }
                (None, _) => bare.push(letter),
                _ => {}
            }
        }
        // A backslash before the end of the line joins it with the next.
        if escaped && line.ends_with('\n') {
            escaped = false;
        }
        let mut before = "";
        let ends = |c: char| matches!(c, ';' | '&' | '|' | '(' | ')' | '\n');
        for part in bare.split_inclusive(ends) {
            for word in part.trim_end_matches(ends).split_whitespace() {
                match word {
                    "if" | "for" | "while" | "until" | "select" | "case" | "{" if begins => depth += 1,
                    "fi" | "done" | "esac" | "}" if begins => depth -= 1,
                    _ => {}
                }
                begins = begins && BEFORE_COMMANDS.contains(&word) || before == "function";
                before = word;
            }
            begins |= part.ends_with(ends);
        }
    }
    let waits = text.trim_end_matches([' ', '\t']).ends_with(['|', '\\']) || text.trim_end().ends_with("&&");
    open.is_none() && here.is_none() && depth <= 0 && !waits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(block: &str) -> Vec<String> {
        read(block, 1, &[]).into_iter().map(|command| command.text).collect()
    }

    #[test]
    fn what_is_indented_is_printed() {
        let commands = read("# the cable\nip link\n   1: lo: mtu 65536\n\narp -n\n", 10, &[]);
        assert_eq!(commands[0].text, "ip link");
        assert_eq!((commands[0].line, commands[0].shown.as_slice()), (11, ["1: lo: mtu 65536".to_owned()].as_slice()));
        assert_eq!((commands[1].text.as_str(), commands[1].line), ("arp -n", 14));
    }

    #[test]
    fn prompts_tell_commands_from_what_they_print() {
        let block =
            "[root@docker0 ~]# ip link show\n1: lo: <LOOPBACK>\n$ uname -r\n6.1.0\nroot@box:~/code# brctl show\n";
        assert_eq!(texts(block), ["ip link show", "uname -r", "brctl show"]);
        assert_eq!(read(block, 1, &[])[1].shown, ["6.1.0"]);
    }

    #[test]
    fn a_hash_is_a_prompt_where_it_is_said() {
        let block = "# ip netns exec red ip link\n\n1: lo: <LOOPBACK>\n";
        assert_eq!(read(block, 1, &["ip netns exec".to_owned()])[0].text, "ip netns exec red ip link");
        assert_eq!(texts(block), ["1: lo: <LOOPBACK>"]);
    }

    #[test]
    fn a_command_may_have_several_lines() {
        assert_eq!(texts("for n in red blue; do\n  ip netns add $n\ndone\nip netns\n").len(), 2);
        assert_eq!(texts("ip link add a \\\n  type bridge\n"), ["ip link add a \\\n  type bridge"]);
        assert_eq!(texts("cat <<END\nip link\nEND\nls\n"), ["cat <<END\nip link\nEND", "ls"]);
        assert_eq!(texts("echo 'one\ntwo'\n"), ["echo 'one\ntwo'"]);
        assert_eq!(texts("sh -c 'while true; do true; done'\necho \"do\"\n").len(), 2);
    }

    #[test]
    fn a_block_of_the_shell_ends_with_its_last_word() {
        for block in [
            "if true; then\n  true\nelif false; then\n  true\nelse\n  true\nfi",
            "if true\nthen true\nfi",
            "for n in a b\ndo\n  if [ $n = a ]; then echo $n; fi\ndone",
            "while read n; do echo $n; done <<END\na\nEND",
            "case $n in\n  a) if true; then true; fi ;;\n  *) true ;;\nesac",
            "lan() {\n  ip link # all of them\n}",
            "function lan {\n  ip link\n}",
            "for n in $(if true; then echo a; fi); do\n  echo $n\ndone",
        ] {
            assert_eq!(texts(&format!("{block}\nls\n")), [block, "ls"]);
        }
    }

    #[test]
    fn words_of_the_shell_are_words_where_no_command_begins() {
        for line in
            ["echo case", "echo do this, then that", "ip link add name while type dummy", "echo {", "echo \"if\" if"]
        {
            assert_eq!(texts(&format!("{line}\nls\n")), [line, "ls"]);
        }
        let several = "if true; then\n  echo done fi\n  'true' fi\nfi";
        assert_eq!(texts(&format!("{several}\nls\n")), [several, "ls"]);
    }
}
