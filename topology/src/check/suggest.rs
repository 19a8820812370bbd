//! "Did you mean …?"

/// For how many unknown names of a topology it is looked what was meant: an array has a thousand members, each unknown
/// for the same reason, and of those three are told.
pub(crate) const MOST_SEARCHES: usize = 64;

/// The candidate nearest to `wrong`, if one is near enough to be meant.
///
/// ```
/// use netns_test_topology::check::nearest;
///
/// assert_eq!(nearest("gatway", ["client", "gateway"]), Some("gateway"));
/// assert_eq!(nearest("router", ["client", "server"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().collect();
    // A third may be wrong, but never all of it.
    let limit = (wrong.len().max(3) / 3).min(wrong.len().saturating_sub(1));
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(wrong.len()) <= limit)
        .filter_map(|candidate| Some((distance(&wrong, &candidate.chars().collect::<Vec<_>>(), limit)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The setting of a node that is meant by a word which is none, but would be elsewhere.
///
/// ```
/// assert_eq!(netns_test_topology::check::synonym("gateway"), Some("route"));
/// ```
pub fn synonym(word: &str) -> Option<&'static str> {
    Some(match word {
        "gateway" | "gw" => "route",
        "dns" | "resolver" => "nameserver",
        "nat" => "masquerade",
        "iptables" | "nft" => "firewall",
        _ => return None,
    })
}

/// What to do about a kind of interface that Linux has, and a topology has no word for.
///
/// ```
/// use netns_test_topology::check::unmade;
///
/// assert!(unmade("vlan").unwrap().contains("in the test"));
/// assert_eq!(unmade("vxlan"), None);
/// ```
pub fn unmade(word: &str) -> Option<String> {
    const KINDS: &[&str] = &[
        "bond",
        "dummy",
        "geneve",
        "gre",
        "gretap",
        "ipip",
        "ipvlan",
        "macsec",
        "macvtap",
        "sit",
        "tap",
        "team",
        "tun",
        "vlan",
        "vrf",
        "wireguard",
        "xfrm",
    ];
    KINDS.contains(&word).then(|| format!("a topology has no `{word}` interfaces: make it in the test, on the node"))
}

/// Names as a help lists them: all, or the first of many.
pub(super) fn listed(names: &[&str]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// How many letters must be added, removed, changed or swapped with their neighbour to get from one to the other
/// (optimal string alignment), unless there are more than `limit`.
fn distance(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    let (mut before, mut last, mut row) =
        (vec![0; b.len() + 1], vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<_>>());
    let mut least = (0, 0);
    for i in 1..=a.len() {
        (before, last, row) = (last, row, before);
        row[0] = i;
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row[j] = best;
        }
        // Swapped letters lead on from the row before.
        least = (least.1, row.iter().copied().min().unwrap_or_default());
        if least.1 > limit && least.0 >= limit {
            return None;
        }
    }
    Some(row[b.len()]).filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognized() {
        assert_eq!(nearest("gatway", ["client", "gateway"]), Some("gateway"));
        assert_eq!(nearest("wan0", ["lan", "wan"]), Some("wan"));
        assert_eq!(nearest("eth1", ["eth0"]), Some("eth0"));
        assert_eq!(nearest("timeuot", ["timeout"]), Some("timeout"));
    }

    #[test]
    fn a_third_of_the_letters_may_be_wrong() {
        for slip in ["badcefghi", "abXdefYhi", "cdefghi", "abcdefghiXY", "abcdefgih", "bacdefghXi"] {
            assert_eq!(nearest(slip, ["abcdefghi"]), Some("abcdefghi"), "{slip}");
        }
        for other in ["badcfehgi", "aXcXeXgXi", "XXXXefghi", "abcdeXXXX"] {
            assert_eq!(nearest(other, ["abcdefghi"]), None, "{other}");
        }
        assert_eq!(nearest("gatwya", ["gateway", "getaway"]), Some("gateway"));
    }

    #[test]
    fn another_word_is_not() {
        assert_eq!(nearest("router", ["client", "server"]), None);
        assert_eq!(nearest("a", ["bcd"]), None);
        assert_eq!(nearest("c", ["a"]), None);
        assert_eq!(nearest("", ["b"]), None);
    }

    #[test]
    fn of_many_names_the_first_are_listed() {
        assert_eq!(listed(&["a", "b"]), "`a`, `b`");
        assert_eq!(listed(&["a"; 8]), ["`a`"; 8].join(", "));
        assert_eq!(listed(&["a"; 10]), format!("{} and 2 more", ["`a`"; 8].join(", ")));
    }
}
