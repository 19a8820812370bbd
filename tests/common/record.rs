//! The text of a checked claim in the records that passing tests leave; `cargo xtask claims` reads what tests write.

use std::{fmt, str::FromStr};

/// What precedes the id in the record of a test that is to fail because that claim is turned round.
pub(crate) const INVERTED: &str = "inverted claim ";

/// A claim that a test checked, with both sides of the comparison in their debug form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The id in the table of ground truth, such as `container-network-2.1-c12b`.
    pub(crate) id: String,
    /// What the table says.
    pub(crate) expected: String,
    /// What the test saw.
    pub(crate) seen: String,
}

/// `claim ID`, a tab, what was expected, a tab, what was seen; tabs inside of those are written `\t`.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| text.replace('\t', "\\t");
        write!(f, "claim {}\t{}\t{}", self.id, plain(&self.expected), plain(&self.seen))
    }
}

impl FromStr for Claim {
    type Err = NotAClaim;

    fn from_str(text: &str) -> Result<Self, NotAClaim> {
        let mut fields = text.strip_prefix("claim ").ok_or(NotAClaim)?.split('\t');
        let mut field = || fields.next().map(str::to_owned).ok_or(NotAClaim);
        let claim = Self { id: field()?, expected: field()?, seen: field()? };
        if fields.next().is_some() || claim.id.is_empty() { Err(NotAClaim) } else { Ok(claim) }
    }
}

/// The record is about something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAClaim;
