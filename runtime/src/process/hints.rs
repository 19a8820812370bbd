//! What to do about a program's complaints that a sandbox is the cause of.

use std::fs;

/// The remedy for what a program printed before it gave up, if the sandbox is known for that.
pub(super) fn of(lines: &[String]) -> Option<String> {
    remedy(lines, &Ids::here())
}

/// The user and group ids of this user namespace.
#[derive(Debug, PartialEq, Eq)]
enum Ids {
    /// Root alone, as an ordinary user gets it.
    RootAlone,
    /// Others as well.
    Many,
}

impl Ids {
    fn here() -> Self {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let ids: u64 = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum();
        if ids > 1 { Self::Many } else { Self::RootAlone }
    }
}

/// What programs say when they cannot become somebody else.
const OF_USERS: &[&str] = &[
    "setuid",
    "setgid",
    "setgroups",
    "seteuid",
    "setegid",
    "setresuid",
    "setresgid",
    "initgroups",
    "change user",
    "change group",
    "drop privileges",
    "dropping privileges",
    "switch to user",
    "chown",
    "CAP_SETUID",
    "change-user",
    "privilege",
];

fn remedy(lines: &[String], ids: &Ids) -> Option<String> {
    let says = |words: &[&str]| {
        lines.iter().any(|line| words.iter().any(|word| line.to_lowercase().contains(&word.to_lowercase())))
    };
    if *ids == Ids::RootAlone && says(OF_USERS) {
        return Some(
            "this sandbox has one user and one group, root, because an ordinary user made it: tell the program to stay \
             root (dnsmasq `--no-daemon`, nginx `user root; master_process off;`), or give the test the users of /etc/subuid and /etc/subgid \
             with `#[netns_test(ids = \"subordinate\")]`"
                .to_owned(),
        );
    }
    if says(&["/dev/net/tun"]) {
        return Some(
            "the kernel lets those open /dev/net/tun who may open the file: `sudo chmod 666 /dev/net/tun` on the host; \
             a test can ask for it with `require(Feature::Tun)`"
                .to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_change_the_user_is_told_why() {
        let lines = ["nginx: [emerg] initgroups(www-data, 33) failed (1: Operation not permitted)".to_owned()];
        assert!(remedy(&lines, &Ids::RootAlone).unwrap().contains("tell the program to stay root"));
        assert_eq!(remedy(&lines, &Ids::Many), None);
        assert_eq!(remedy(&["address in use".to_owned()], &Ids::RootAlone), None);
    }
}
