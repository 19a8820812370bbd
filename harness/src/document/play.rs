//! A document in its sandbox: one shell runs its commands in order, each with its verdict.

use std::{collections::HashMap, process};

use netns_test_runtime::lab::Up;

use super::{Tutorial, tools};
use crate::verdict::Verdict;

/// What a reader would do that a program cannot: end a `ping` after its first answer, be root without `sudo`.
const HABITS: &str = r#"
mkdir -p /run/netns-test/bin
ping=$(PATH=$PATH:/usr/sbin:/sbin command -v ping)
cat >/run/netns-test/bin/ping <<END
#!/bin/sh
for word do case \$word in -c*|-w*) exec $ping "\$@" ;; esac; done
exec $ping -c 1 -W 4 "\$@"
END
cat >/run/netns-test/bin/sudo <<'END'
#!/bin/sh
exec "$@"
END
chmod +x /run/netns-test/bin/*
PATH=/run/netns-test/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH LC_ALL=C
"#;

/// Plays a document; the verdicts go to the launcher as records.
pub(crate) fn play(tutorial: &Tutorial) -> Result<(), String> {
    let lines = || tutorial.lines.iter().filter(|line| line.said.expected.skip.is_none());
    let missing = tools::missing(lines().map(|line| line.run()).collect::<Vec<_>>().iter());
    if !missing.is_empty() {
        return Err(format!("nothing was run: {}", missing.join("; ")));
    }
    let lab = tutorial.topology.up().map_err(|error| format!("the network cannot be built: {error}"))?;
    let host = lab.node(&tutorial.host).map_err(|error| error.to_string())?;
    for line in &tutorial.prepare {
        let output = host.command("sh").args(["-c", line]).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let why = format!("{}{}", output.stdout, output.stderr);
            return Err(format!(
                "nothing was run: `{line}`, which prepares the host, ended with {}\n{why}",
                output.status
            ));
        }
    }
    let mark = format!("netns-test-{}", process::id());
    let mut script = format!("exec 2>&1 </dev/null\n{HABITS}");
    for (position, line) in tutorial.lines.iter().enumerate().filter(|(_, line)| line.said.expected.skip.is_none()) {
        let command = shlex::try_quote(&line.run().text).map_err(|error| error.to_string())?.into_owned();
        script += &format!("printf '\\n%s\\n' '{mark} begin {position}'\neval {command}\n");
        script += &format!("printf '\\n%s %s\\n' '{mark} end {position}' $?\n");
    }
    script += "kill $(jobs -p) 2>/dev/null\nexit 0\n";
    let shell = if tools::is_installed("bash") { "bash" } else { "sh" };
    let output = host.command(shell).args(["-c", &script]).output().map_err(|error| error.to_string())?;
    let heard = heard(&mark, &output.stdout);
    for (position, line) in tutorial.lines.iter().enumerate() {
        let verdict = match (&line.said.expected.skip, heard.get(&position)) {
            (Some(why), _) => Verdict::skipped(why),
            (None, Some((Some(status), printed))) => line.said.expected.judge(*status, printed),
            (None, Some((None, printed))) => {
                Verdict::wrong("the shell ended", &format!("the shell ended in this command\n{printed}"))
            }
            (None, None) => Verdict::wrong("not run", "the shell had ended before"),
        };
        verdict.record(position);
    }
    Ok(())
}

/// What each command printed, and its exit status if it ended.
fn heard(mark: &str, output: &str) -> HashMap<usize, (Option<i32>, String)> {
    let mut heard: HashMap<usize, (Option<i32>, String)> = HashMap::new();
    let mut current = None;
    for line in output.split_inclusive('\n') {
        let words: Vec<&str> = match line.strip_prefix(mark) {
            Some(rest) => rest.split_whitespace().collect(),
            None => Vec::new(),
        };
        match (&words[..], current) {
            (["begin", position], _) => {
                current = position.parse().ok();
                heard.extend(current.map(|position| (position, (None, String::new()))));
            }
            (["end", _, status], Some(position)) => {
                heard.entry(position).or_default().0 = status.parse().ok();
                current = None;
            }
            (_, Some(position)) => heard.entry(position).or_default().1.push_str(line),
            (_, None) => {}
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_told_apart_by_the_marks() {
        let output = "\nm begin 0\none\ntwo\n\nm end 0 1\n\nm begin 2\nlast";
        let heard = heard("m", output);
        assert_eq!(heard[&0], (Some(1), "one\ntwo\n\n".to_owned()));
        assert_eq!(heard[&2], (None, "last".to_owned()));
        assert!(!heard.contains_key(&1));
    }
}
