//! `netns-test explain`: what a mistake is.

use clap::Args;
use netns_test_topology::{
    check::{Check, Severity, nearest},
    file::CHECKS,
};

use super::{Status, say};

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code or the name of a check, such as `N0015` or `network_address`
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(&self) -> Status {
        let Some(code) = &self.code else {
            for check in all() {
                say(&format!("{}  {:24}  {}", check.code, check.name, check.explanation));
            }
            return Status::Good;
        };
        let named = |check: &&Check| check.code.eq_ignore_ascii_case(code) || check.name == code.as_str();
        let Some(check) = all().find(named) else {
            let names = all().flat_map(|check| [check.code, check.name]);
            let near = nearest(code, names).map(|near| format!(": did you mean `{near}`?"));
            eprintln!("netns-test: no check is called `{code}`{}", near.unwrap_or_default());
            eprintln!("  help: `netns-test explain` lists them all");
            return Status::Wrong;
        };
        say(&format!("{} {}\n\n{}\n\n    {}\n", check.code, check.name, check.explanation, check.example));
        match check.severity {
            Severity::Impossible => say("No kernel could build what it says: it cannot be allowed."),
            Severity::Refused => say("The kernel would refuse it: it cannot be allowed."),
            Severity::Mistake => say(&format!(
                "The kernel accepts it. Where it is meant: `#[allow({0})]` in `topology!`, `allow = [\"{0}\"]` in a file, \
                 `.allow(\"{0}\")` of the builder.",
                check.name
            )),
        }
        Status::Good
    }
}

fn all() -> impl Iterator<Item = &'static Check> {
    Check::ALL.iter().chain(CHECKS)
}
