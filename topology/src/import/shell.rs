//! Shell scripts, as far as they are one command after another ([sh(1)]).
//!
//! [sh(1)]: https://man7.org/linux/man-pages/man1/sh.1p.html

use std::collections::{HashMap, VecDeque};

use super::report::{At, Report};

/// A command with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) at: At,
    pub(super) words: Vec<String>,
    /// The file that its output goes to, unless that is /dev/null.
    pub(super) output: Option<Output>,
    /// The first `$…` in it that has no value here.
    pub(super) unknown: Option<String>,
}

/// Where a command's output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) file: String,
    pub(super) append: bool,
}

/// Words that begin a construct of several lines, with the word that ends it.
const CONSTRUCTS: [(&str, &str); 7] =
    [("if", "fi"), ("for", "done"), ("while", "done"), ("until", "done"), ("case", "esac"), ("{", "}"), ("(", ")")];

/// The commands of a script; what is more than one command after another is refused.
///
/// `place` says where so many characters at a line and column (from 1) are in the lab.
pub(super) fn statements(text: &str, place: impl Fn(usize, usize, usize) -> At, report: &mut Report) -> Vec<Statement> {
    let mut scanner = Scanner { rest: text.chars().collect(), line: 1, column: 1, variables: HashMap::new() };
    let mut statements: Vec<Statement> = Vec::new();
    let mut before = Joint::End;
    // The end of the construct that is being skipped, and how often it was opened.
    let mut skipping: Option<(&str, &str, usize)> = None;
    while let Some(segment) = scanner.segment() {
        let at = place(segment.line, segment.column, segment.source.trim_end().chars().count());
        let joint = std::mem::replace(&mut before, segment.joint);
        let Some(words) = shlex::split(&segment.text).filter(|_| !segment.open_quote) else {
            report.refuse(&at, "a quote is not closed here").set_help("close it on the same line");
            continue;
        };
        let first = words.first().map_or("", String::as_str);
        if let Some((begin, end, depth)) = &mut skipping {
            let inner: Vec<&str> = words.iter().map(String::as_str).collect();
            *depth += inner.iter().filter(|word| *word == begin).count();
            let closed = inner
                .iter()
                .filter(|word| *word == end || word.ends_with(';') && word.trim_end_matches(';') == *end)
                .count();
            *depth = depth.saturating_sub(closed);
            if *depth == 0 {
                skipping = None;
            }
            continue;
        }
        if let Some((begin, end)) = CONSTRUCTS.iter().find(|(begin, _)| *begin == first) {
            report
                .refuse(&at, format!("`{begin}` is not followed: the import reads one command after another"))
                .set_help("write out the commands that it comes to");
            if !words[1..].iter().any(|word| word == end) {
                skipping = Some((begin, end, 1));
            }
            continue;
        }
        if first.ends_with("()") || words.get(1).is_some_and(|word| word == "()") || first == "function" {
            report
                .refuse(&at, "functions are not followed: the import reads one command after another")
                .set_help("write out the commands that it comes to");
            skipping = Some(("{", "}", usize::from(!words.iter().any(|w| w == "}"))));
            continue;
        }
        // A file that `cat` writes is a file, whatever is in it.
        if segment.input && !(first == "cat" && segment.output.is_some()) {
            report
                .refuse(&at, "a command that reads a file or a here-document is not followed")
                .set_help("write its commands out");
            continue;
        }
        if scanner.assign(&words, segment.unknown.is_none()) {
            continue;
        }
        let words: Vec<String> = words.into_iter().skip_while(|word| is_assignment(word)).collect();
        let Some(first) = words.first() else { continue };
        match joint {
            Joint::Or if matches!(first.as_str(), "true" | ":") => continue,
            Joint::Or => {
                report
                    .refuse(&at, "this runs only if the command before it fails, which the import cannot know")
                    .set_help("keep the one of them that is meant");
                continue;
            }
            Joint::Pipe => {
                let piped = statements.pop();
                match tee(piped, &words) {
                    Some(statement) => statements.push(statement),
                    None => {
                        report
                            .refuse(&at, "a pipe is not followed: the import reads one command after another")
                            .set_help("write out the commands that it comes to");
                    }
                }
                continue;
            }
            Joint::End | Joint::And => {}
        }
        if first == "exit" {
            break;
        }
        statements.push(Statement { at, words, output: segment.output, unknown: segment.unknown });
    }
    statements
}

/// `echo VALUE | tee FILE` says the same as `echo VALUE > FILE`.
fn tee(before: Option<Statement>, words: &[String]) -> Option<Statement> {
    let before = before?;
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == "sudo").collect();
    let (append, file) = match words.as_slice() {
        ["tee", "-a", file] => (true, *file),
        ["tee", file] => (false, *file),
        _ => return None,
    };
    let output = Some(Output { file: file.to_owned(), append });
    (before.output.is_none() && before.words.first()? == "echo").then_some(Statement { output, ..before })
}

/// What stands between two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    End,
    And,
    Or,
    Pipe,
}

/// The text of a command, up to what separates it from the next.
struct Segment {
    line: usize,
    column: usize,
    /// As it is written.
    source: String,
    /// With variables expanded, and without redirections.
    text: String,
    joint: Joint,
    output: Option<Output>,
    input: bool,
    open_quote: bool,
    unknown: Option<String>,
}

struct Scanner {
    rest: VecDeque<char>,
    line: usize,
    column: usize,
    variables: HashMap<String, String>,
}

impl Scanner {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.pop_front()?;
        (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let taken = self.rest.front() == Some(&c);
        if taken {
            self.next();
        }
        taken
    }

    fn segment(&mut self) -> Option<Segment> {
        while self.rest.front().is_some_and(|c| c.is_whitespace() || *c == ';') {
            self.next();
        }
        self.rest.front()?;
        let mut segment = Segment {
            line: self.line,
            column: self.column,
            source: String::new(),
            text: String::new(),
            joint: Joint::End,
            output: None,
            input: false,
            open_quote: false,
            unknown: None,
        };
        let mut quote = None;
        while let Some(c) = self.next() {
            let word_begins = segment.text.is_empty() || segment.text.ends_with(char::is_whitespace);
            match (quote, c) {
                (None, '\n' | ';') => break,
                (None, '#') if word_begins => {
                    while self.rest.front().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                    continue;
                }
                (None, '&') if self.rest.front() == Some(&'>') => {
                    self.next();
                    self.redirect(&mut segment);
                }
                (None, '&') => {
                    if self.take('&') {
                        segment.joint = Joint::And;
                    }
                    break;
                }
                (None, '|') => {
                    segment.joint = if self.take('|') { Joint::Or } else { Joint::Pipe };
                    break;
                }
                (None, '>') => self.redirect(&mut segment),
                (None, '<') => {
                    segment.input = true;
                    self.here_document();
                }
                (None | Some('"'), '`') => {
                    segment.unknown.get_or_insert("`…`".to_owned());
                    segment.text.push(c);
                }
                (None | Some('"'), '$') => self.variable(&mut segment),
                (None | Some('"'), '\\') if self.rest.front() == Some(&'\n') => {
                    self.next();
                    segment.text.push(' ');
                }
                (None | Some('"'), '\\') => {
                    segment.text.push(c);
                    segment.text.extend(self.next());
                }
                _ => {
                    match (quote, c) {
                        (None, '\'' | '"') => quote = Some(c),
                        (Some(open), c) if open == c => quote = None,
                        _ => {}
                    }
                    segment.text.push(c);
                }
            }
            segment.source.push(c);
        }
        segment.open_quote = quote.is_some();
        Some(segment)
    }

    /// After a `>`: where the output goes. A number before it says which output.
    fn redirect(&mut self, segment: &mut Segment) {
        let before = segment.text.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let number = segment.text[before..].to_owned();
        let errors = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if errors {
            segment.text.truncate(before);
        }
        let append = self.take('>');
        if self.take('&') {
            while self.rest.front().is_some_and(|c| c.is_ascii_digit() || *c == '-') {
                self.next();
            }
            return;
        }
        self.take('|');
        while self.rest.front().is_some_and(|c| matches!(c, ' ' | '\t')) {
            self.next();
        }
        let mut file = String::new();
        while self.rest.front().is_some_and(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|')) {
            file.extend(self.next());
        }
        let file = file.trim_matches(['"', '\'']).to_owned();
        if !(errors && number != "1") && file != "/dev/null" {
            segment.output = Some(Output { file, append });
        }
    }

    /// After a `<`: passes over a here-document, up to the line that ends it.
    fn here_document(&mut self) {
        if !self.take('<') {
            return;
        }
        self.take('-');
        let mut end = String::new();
        while self.rest.front().is_some_and(|c| *c != '\n') {
            end.extend(self.next());
        }
        let end = end
            .split([' ', '|', '>', ';', '&'])
            .find(|word| !word.is_empty())
            .unwrap_or("")
            .trim_matches(['"', '\''])
            .to_owned();
        let mut line = String::new();
        self.next();
        while let Some(c) = self.rest.front() {
            if *c == '\n' {
                if line.trim() == end {
                    return;
                }
                line.clear();
                self.next();
            } else {
                line.extend(self.next());
            }
        }
    }

    /// After a `$`: the value of a variable that the script has set.
    fn variable(&mut self, segment: &mut Segment) {
        let braces = self.take('{');
        let mut name = String::new();
        while self.rest.front().is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.extend(self.next());
        }
        let whole = !braces || self.take('}');
        match self.variables.get(&name).filter(|_| whole) {
            Some(value) => segment.text.push_str(value),
            None => {
                let text = if braces { format!("${{{name}") } else { format!("${name}") };
                segment.text.push_str(&text);
                segment.unknown.get_or_insert(if braces && whole { format!("{text}}}") } else { text });
            }
        }
    }

    /// Whether the words do nothing but set variables, which they then do.
    fn assign(&mut self, words: &[String], known: bool) -> bool {
        let words: Vec<&String> = words.iter().skip_while(|word| *word == "export" || *word == "local").collect();
        let all = !words.is_empty() && words.iter().all(|word| is_assignment(word));
        for (name, value) in words.iter().filter_map(|word| word.split_once('=')).filter(|_| all) {
            match known {
                true => self.variables.insert(name.to_owned(), value.to_owned()),
                false => self.variables.remove(name),
            };
        }
        all
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::{super::report::Source, *};

    fn read(text: &str) -> (Vec<Statement>, Vec<String>) {
        let source = Source::new("a.startup", text);
        let mut report = Report::default();
        let place = |line, column, length| At::new(&source, line, column, length);
        let read = statements(text, place, &mut report);
        (read, report.refusals.iter().map(|r| format!("{}: {}", r.at().line(), r.message())).collect())
    }

    fn words(text: &str) -> Vec<String> {
        let (read, refused) = read(text);
        assert_eq!(refused, [""; 0], "{text}");
        read.iter().map(|s| format!("{}:{}", s.at.line(), s.words.join("|"))).collect()
    }

    #[test]
    fn commands_are_separated_and_comments_left_out() {
        assert_eq!(words("a b; c # d\n\n# e\nf && g 'h i' \\\n  j"), ["1:a|b", "1:c", "4:f", "4:g|h i|j"]);
        assert_eq!(words("a || true\nb & c"), ["1:a", "2:b", "2:c"]);
        assert_eq!(words("a#b '#c'"), ["1:a#b|#c"]);
    }

    #[test]
    fn a_variable_has_the_value_that_the_script_gave_it() {
        assert_eq!(words("DEV=eth0\nA=10.0.0.1/24; ip a a \"$A\" dev ${DEV}"), ["2:ip|a|a|10.0.0.1/24|dev|eth0"]);
        let (read, _) = read("ip a a $A dev eth0");
        assert_eq!(read[0].unknown.as_deref(), Some("$A"));
    }

    #[test]
    fn output_goes_to_a_file() {
        let (read, _) = read("echo 1 > /proc/x\nip a >/dev/null 2>&1\necho 2 | tee -a /y\nls 2>/tmp/e");
        let output: Vec<_> = read.iter().map(|s| s.output.as_ref().map(|o| (o.file.as_str(), o.append))).collect();
        assert_eq!(output, [Some(("/proc/x", false)), None, Some(("/y", true)), None]);
        assert_eq!(read[3].words, ["ls"]);
    }

    #[test]
    fn what_is_more_than_one_command_after_another_is_refused_once() {
        let (read, refused) =
            read("for i in 1 2; do\n  ip a\n  for j in 3; do x; done\ndone\nb\nif c; then d; fi\ne | f\ng || h\ni 'j");
        assert_eq!(read.iter().map(|s| s.words[0].as_str()).collect::<Vec<_>>(), ["b", "g"]);
        assert_eq!(
            refused.iter().map(|r| r.split(':').next().unwrap()).collect::<Vec<_>>(),
            ["1", "6", "7", "8", "9"],
            "{refused:?}"
        );
    }

    #[test]
    fn a_here_document_is_passed_over() {
        let (read, refused) = read("cat > /etc/x <<EOF\nip link del eth0\nEOF\nnext");
        assert_eq!(read.iter().map(|s| s.words[0].as_str()).collect::<Vec<_>>(), ["cat", "next"]);
        assert_eq!(refused, [""; 0]);
        assert_eq!(super::tests::read("sh <<X\nip link del eth0\nX").1.len(), 1);
    }
}
