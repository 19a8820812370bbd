use std::{
    borrow::Borrow,
    fmt,
    ops::{Deref, Range},
    str::FromStr,
};

/// The error of a text that is no valid name, address or number of the kind wanted.
///
/// Its display form is a whole message: what was wrong, and after `help:` what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidValue {
    message: String,
    help: Option<String>,
    range: Option<Range<usize>>,
}

impl InvalidValue {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, range: None }
    }

    /// The error of a word that is none of a few.
    pub(crate) fn no(what: &str, word: &str, known: &[&str]) -> Self {
        let error = Self::new(format!("`{word}` is no {what}"));
        match crate::check::nearest(word, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("there are `{}`", known.join("`, `"))),
        }
    }

    /// The same with this help, unless it says what was meant.
    #[cfg(feature = "import")]
    pub(crate) fn or_help(self, help: impl Into<String>) -> Self {
        match &self.help {
            Some(meant) if meant.starts_with("did you mean") => self,
            _ => self.help(help),
        }
    }

    /// Says which bytes of the text are wrong.
    pub(crate) fn at(mut self, range: Range<usize>) -> Self {
        self.range = Some(range);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong with the value, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead, if that is known.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The bytes of the text that are wrong, where only a part of it is.
    ///
    /// ```
    /// let error = "default vai 10.0.0.1".parse::<netns_test_topology::Route>().unwrap_err();
    /// assert_eq!(error.range(), Some(8..11));
    /// ```
    pub fn range(&self) -> Option<Range<usize>> {
        self.range.clone()
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, " (help: {help})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::debug::in_words(self, f)
    }
}

impl std::error::Error for InvalidValue {}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            ///
            /// If the text breaks a rule stated at the type.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidValue> {
                let name = name.into();
                $check(&name)?;
                Ok(Self(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidValue;

            fn try_from(text: &str) -> Result<Self, InvalidValue> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

name_type! {
    /// The name of a node: 1 to 63 letters, digits, `-`, `_` or `.`, beginning with a letter or digit.
    ///
    /// A node's name is also its host name ([hostname(7)]) and a file in `/run/netns`.
    ///
    /// [hostname(7)]: https://man7.org/linux/man-pages/man7/hostname.7.html
    NodeName, check_node_name
}

name_type! {
    /// The name of a network interface: 1 to 15 bytes, without `/`, `:`, `%`, white space or the byte 0xA0, and none of
    /// `.`, `..`, `all` and `default`.
    ///
    /// The rules are the kernel's (`dev_valid_name` in `net/core/dev.c`, which takes 0xA0, as in `à`, for a space;
    /// `%` asks it for a number, and `all` and `default` would be directories of /proc/sys/net/ipv4/conf).
    IfName, check_if_name
}

impl NodeName {
    /// The name without the part of the network that it is in: `lan` of `office.lan`.
    pub(crate) fn own(&self) -> &str {
        match self.rsplit_once('.') {
            Some((_, own)) if !own.is_empty() => own,
            _ => self,
        }
    }
}

fn check_node_name(name: &str) -> Result<(), InvalidValue> {
    if name.is_empty() {
        return Err(InvalidValue::new("a node's name cannot be empty").help("write one, such as `client`"));
    }
    if name.len() > 63 {
        return Err(InvalidValue::new(format!("the node name `{name}` has {} bytes", name.len()))
            .help("shorten it to 63 bytes, as many as a part of a host name has"));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(InvalidValue::new(format!("the node name `{name}` does not begin with a letter or digit"))
            .help(format!("put a letter before it, such as `n{name}`")));
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        Some(wrong) => Err(InvalidValue::new(format!("the node name `{name}` contains {wrong:?}"))
            .help("use letters, digits, `-`, `_` and `.`")),
        None => Ok(()),
    }
}

fn check_if_name(name: &str) -> Result<(), InvalidValue> {
    if name.is_empty() {
        return Err(InvalidValue::new("an interface's name cannot be empty").help("write one, such as `eth0`"));
    }
    if name.len() > 15 {
        return Err(InvalidValue::new(format!("the interface name `{name}` has {} bytes", name.len()))
            .help("shorten it: the kernel allows at most 15 bytes"));
    }
    if name == "." || name == ".." {
        return Err(InvalidValue::new(format!(
            "`{name}` is no interface name: it would be a directory in /sys/class/net"
        ))
        .help("choose another, such as `eth0`"));
    }
    if matches!(name, "all" | "default") {
        return Err(InvalidValue::new(format!(
            "`{name}` is no interface name: in sysctls it stands for all interfaces"
        ))
        .help(format!("choose another, such as `{name}0`")));
    }
    let refused = |c: &char| {
        let mut bytes = [0; 4];
        matches!(c, '/' | ':' | '%' | '\0') || c.is_whitespace() || c.encode_utf8(&mut bytes).bytes().any(|b| b == 0xa0)
    };
    match name.chars().find(refused) {
        Some(wrong) => Err(InvalidValue::new(format!("the interface name `{name}` contains {wrong:?}"))
            .help("the kernel refuses `/`, `:`, `%`, white space, and characters with a byte 0xA0 in UTF-8")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_name_has_at_most_15_bytes() {
        assert!(IfName::new("abcdefghijklmno").is_ok());
        let error = IfName::new("abcdefghijklmnop").unwrap_err();
        assert_eq!(error.message(), "the interface name `abcdefghijklmnop` has 16 bytes");
    }

    #[test]
    fn an_interface_name_has_no_slash_colon_or_space() {
        for wrong in ["a/b", "a:b", "a b", "a\tb", "", ".", "..", "eth%d", "all", "default", "à"] {
            assert!(IfName::new(wrong).is_err(), "{wrong:?}");
        }
        assert!(IfName::new("v-net-0").is_ok() && IfName::new("é").is_ok());
    }

    #[test]
    fn a_node_name_is_a_file_name() {
        for wrong in ["", "-a", ".", "..", "a/b", "a b", &"x".repeat(64)] {
            assert!(NodeName::new(wrong).is_err(), "{wrong:?}");
        }
        assert!(NodeName::new("r1.lan").is_ok());
    }

    #[test]
    fn the_own_name_of_a_node_is_what_follows_the_last_dot() {
        for (name, own) in [("lan", "lan"), ("floor.office.lan", "lan"), ("0.", "0.")] {
            assert_eq!(NodeName::new(name).unwrap().own(), own);
        }
    }
}
