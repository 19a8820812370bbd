//! "Did you mean …?"

/// The candidate nearest to `wrong`, if one is near enough to be meant.
///
/// ```
/// use netns_test_topology::check::nearest;
///
/// assert_eq!(nearest("gatway", ["client", "gateway"]), Some("gateway"));
/// assert_eq!(nearest("router", ["client", "server"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    // A third may be wrong, but never all of it.
    let limit = (length.max(3) / 3).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
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

/// How many letters must be added, removed, changed or swapped with their neighbour to get from one to the other
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
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
    fn another_word_is_not() {
        assert_eq!(nearest("router", ["client", "server"]), None);
        assert_eq!(nearest("a", ["bcd"]), None);
        assert_eq!(nearest("c", ["a"]), None);
        assert_eq!(nearest("", ["b"]), None);
    }
}
