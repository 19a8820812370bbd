//! A file whose expectations are tests, played together and once.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use netns_test_runtime::sandbox::{End, Report, Sandbox, refusals_are_skips};

use netns_test_topology::{
    Topology,
    file::{Document, Source},
};

use crate::{
    document::{self, Tutorial},
    lab::Lab,
    play::play,
    scenario::Scenario,
    shared,
    verdict::{Verdict, Word},
};

/// The name of a sandbox that plays a file: this, and the file's path.
pub(crate) const PLAY: &str = "play ";

/// What a file says.
#[derive(Debug)]
pub(crate) enum Script {
    Scenario(Box<Scenario>),
    Tutorial(Box<Tutorial>),
}

/// A file that can be played.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) path: PathBuf,
    /// The file's own heading, or its name.
    pub(crate) title: String,
    /// The expectations in order.
    pub(crate) cases: Vec<Case>,
    timeout: Duration,
    shares: bool,
    played: OnceLock<Performance>,
}

/// One expectation.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The name of the test, fit for a filter.
    pub(crate) name: String,
    /// The heading under which it stands.
    pub(crate) step: String,
    pub(crate) claim: String,
    pub(crate) expected: String,
    /// File, line and column.
    pub(crate) place: String,
}

/// What came of a file that was played.
#[derive(Debug)]
struct Performance {
    verdicts: HashMap<usize, Verdict>,
    /// What is said of an expectation without a verdict.
    otherwise: Verdict,
    /// The host refused, so nothing is known of the file, and that is a failure.
    refused: bool,
}

impl Script {
    /// Reads a scenario file, a Markdown document, or a side file that names one.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, in words.
    pub(crate) fn read(path: &Path, colours: bool) -> Result<Self, String> {
        if Lab::of(path).is_some() {
            let path = path.display();
            return Err(format!(
                "`{path}` is a lab of another engine, which expects nothing\n  help: `netns-test show --as toml {path}` \
                 makes a file of its network, to which you add steps"
            ));
        }
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        if is_markdown(path) {
            return Ok(Self::Tutorial(Box::new(Tutorial::read(path, &text, colours)?)));
        }
        let source = Source::new(path.display().to_string(), &*text);
        if Document::parse(&source).root().get("document").is_some() {
            return Ok(Self::Tutorial(Box::new(Tutorial::read_side(path, &text, colours)?)));
        }
        let scenario = Scenario::parse(&source).map_err(|mistakes| mistakes.draw(colours))?;
        Ok(Self::Scenario(Box::new(scenario)))
    }

    fn play(&self) -> Result<(), String> {
        match self {
            Self::Scenario(scenario) => play(scenario),
            Self::Tutorial(tutorial) => document::play(tutorial),
        }
    }

    fn title(&self) -> Option<&str> {
        match self {
            Self::Scenario(scenario) => scenario.title.as_deref(),
            Self::Tutorial(tutorial) => tutorial.title.as_deref(),
        }
    }

    fn timeout(&self) -> Duration {
        match self {
            Self::Scenario(scenario) => scenario.timeout,
            Self::Tutorial(tutorial) => tutorial.timeout,
        }
    }

    /// The network at the beginning.
    pub(crate) fn topology(&self) -> &Topology {
        match self {
            Self::Scenario(scenario) => &scenario.topology,
            Self::Tutorial(tutorial) => &tutorial.topology,
        }
    }

    /// The expectations, named so that equal names are numbered.
    fn cases(&self, file: &str) -> Vec<Case> {
        let mut names = Names::default();
        let mut case = |step: &str, words: &str, claim: &str, expected: String, place: String| Case {
            name: names.unique(&format!("{file}::{}::{}", slug(step), slug(words))),
            step: step.to_owned(),
            claim: claim.to_owned(),
            expected,
            place,
        };
        let mut cases = Vec::new();
        match self {
            Self::Scenario(scenario) => {
                for step in &scenario.steps {
                    if let Some(span) = step.only_changes() {
                        let place = scenario.place(span);
                        cases.push(case(&step.name, "its changes", "its changes", "done".to_owned(), place));
                    }
                    for expect in &step.expectations {
                        let place = scenario.place(&expect.span);
                        cases.push(case(&step.name, &expect.words, &expect.words, expect.expected(), place));
                    }
                }
            }
            Self::Tutorial(tutorial) => {
                for line in &tutorial.lines {
                    let words = line.said.name.as_ref().unwrap_or(&line.command.text);
                    let expected = line.said.expected.to_string();
                    cases.push(case(&line.heading, words, &line.claim(), expected, line.place.clone()));
                }
            }
        }
        cases
    }
}

/// Whether the name of a file is that of a Markdown document.
pub(crate) fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md" || extension == "markdown")
}

impl Suite {
    /// Reads the file and plays nothing yet. Its tests' names begin with the file's, numbered if it is not the first.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, in words.
    pub(crate) fn read(path: &Path, names: &mut Names, colours: bool) -> Result<Self, String> {
        let script = Script::read(path, colours)?;
        let file = names.unique(&name_of(path));
        let title = script.title().map_or_else(|| file.clone(), str::to_owned);
        let (cases, timeout) = (script.cases(&file), script.timeout());
        Ok(Self { path: path.to_owned(), title, cases, timeout, shares: false, played: OnceLock::new() })
    }

    /// Plays the file unless that was done, and returns what came of the expectation at this position.
    pub(crate) fn verdict(&self, position: usize) -> &Verdict {
        let played = self.played();
        played.verdicts.get(&position).unwrap_or(&played.otherwise)
    }

    /// Whether it should have been played, and the host refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.played.get().is_some_and(|played| played.refused)
    }

    /// Whether the host refused, and that is no failure because `NETNS_TEST=skip` says so.
    pub(crate) fn is_skipped(&self) -> bool {
        self.played().otherwise.word == Word::Skipped
    }

    fn played(&self) -> &Performance {
        self.played.get_or_init(|| {
            let play = || {
                let report = Sandbox::new(format!("{PLAY}{}", self.path.display())).timeout(self.timeout).report();
                Performance::of(&report, &self.cases)
            };
            let place = self.shares.then(|| shared::place(&self.path)).flatten();
            place.map_or_else(play, |place| {
                shared::once(&place, Performance::read, || {
                    let played = play();
                    let text = played.to_text();
                    (played, text)
                })
            })
        })
    }

    /// Lets processes that one runner has started for tests of this file play it once.
    pub(crate) fn shared(mut self) -> Self {
        self.shares = true;
        self
    }
}

impl Performance {
    fn of(report: &Report, cases: &[Case]) -> Self {
        if let End::Refused(refused) = &report.end
            && refusals_are_skips()
        {
            let otherwise = Verdict::skipped(&refused.summary());
            return Self { verdicts: HashMap::new(), otherwise, refused: false };
        }
        let verdicts: HashMap<_, _> = report.records.iter().filter_map(|line| Verdict::of_record(line)).collect();
        let refused = matches!(report.end, End::Refused(_) | End::Unstartable(_));
        let mut why = match &report.end {
            End::Passed | End::Failed(_) => report.output.clone(),
            end => format!("{end}\n{}", report.output),
        };
        let reached = (0..).zip(cases).find(|(position, _)| !verdicts.contains_key(position));
        if let (Some((_, case)), End::TimedOut(..) | End::Ended(_)) = (reached, &report.end) {
            why = format!("step `{}` was reached, at or before `{}`\n{why}", case.step, case.claim);
        }
        for note in &report.notes {
            why += &format!("\nnote: {note}");
        }
        Self { verdicts, otherwise: Verdict::wrong("not looked at", why.trim_end()), refused }
    }

    /// As other processes read it.
    fn to_text(&self) -> String {
        let verdicts: Vec<_> = self.verdicts.iter().map(|(position, verdict)| verdict.to_record(*position)).collect();
        serde_json::json!([self.refused, self.otherwise.to_record(0), verdicts]).to_string()
    }

    fn read(text: &str) -> Option<Self> {
        let (refused, otherwise, verdicts): (bool, String, Vec<String>) = serde_json::from_str(text).ok()?;
        let verdicts = verdicts.iter().map(|record| Verdict::of_record(record)).collect::<Option<_>>()?;
        Some(Self { verdicts, otherwise: Verdict::of_record(&otherwise)?.1, refused })
    }
}

/// Plays a file in this sandbox; the launcher gets the verdicts.
pub(crate) fn perform(path: &str) -> Result<(), String> {
    Script::read(Path::new(path), false)?.play()
}

/// The begin of the names of a file's tests.
pub(crate) fn name_of(path: &Path) -> String {
    slug(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// The names so far: equal ones are numbered.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, usize>);

impl Names {
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let count = self.0.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 { name.to_owned() } else { format!("{name}_{count}") }
    }
}

/// Lower-case letters, digits and single underscores.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_fit_for_a_filter() {
        assert_eq!(slug("Before NAT, nothing comes back"), "before_nat_nothing_comes_back");
        assert_eq!(slug("client pings 203.0.113.9"), "client_pings_203_0_113_9");
    }
}
