//! What a firewall rule can do where.

use netns_test_topology::{ChainKind, Family, Hook, Match, Reject, Verdict, build::MatchBuilder};

use super::{fires, firewall::ruled, pair, passes};

#[test]
fn verdict_place() {
    use {ChainKind::*, Family::*, Hook::*};
    let (any, masquerade, reject) = (Match::default, Verdict::Masquerade, Verdict::Reject(Reject::Port));
    let snat = Verdict::Snat { to: "10.0.0.1".parse().unwrap(), ports: None };
    let dnat = Verdict::Dnat { to: "10.0.0.2".parse().unwrap(), port: None };
    for (family, kind, hook, verdict, expected) in [
        (
            Inet,
            Filter,
            Postrouting,
            &masquerade,
            "masquerading is not possible in a filter chain at postrouting (it is possible in a NAT chain at postrouting)",
        ),
        (
            Inet,
            Nat,
            Prerouting,
            &masquerade,
            "masquerading is not possible in a nat chain at prerouting (it is possible in a NAT chain at postrouting)",
        ),
        (
            Inet,
            Nat,
            Prerouting,
            &snat,
            "changing the source is not possible in a nat chain at prerouting (it is possible in a NAT chain at postrouting or input)",
        ),
        (
            Inet,
            Nat,
            Postrouting,
            &dnat,
            "changing the destination is not possible in a nat chain at postrouting (it is possible in a NAT chain at prerouting or output)",
        ),
        (
            Inet,
            Filter,
            Postrouting,
            &reject,
            "rejecting is not possible in a filter chain at postrouting (it is possible at prerouting, input, forward or output)",
        ),
        (
            Bridge,
            Filter,
            Forward,
            &reject,
            "rejecting is not possible in a filter chain at forward (it is possible at prerouting or input in the bridge family)",
        ),
    ] {
        fires(ruled(family, kind, hook, any(), verdict.clone()), &[&format!("verdict_place: {expected}")]);
    }
    for (family, kind, hook, verdict) in [
        (Inet, Nat, Postrouting, &masquerade),
        (Inet, Nat, Input, &snat),
        (Inet, Nat, Output, &dnat),
        (Inet, Filter, Prerouting, &reject),
        (Inet, Nat, Prerouting, &reject),
        (Bridge, Filter, Input, &reject),
    ] {
        passes(ruled(family, kind, hook, any(), verdict.clone()));
    }
}

#[test]
fn reset_without_tcp() {
    let reset = |m: MatchBuilder| pair(|n| n.firewall(Hook::Input, |c| c.rule(m.reject_with(Reject::TcpReset))));
    fires(
        reset(Match::udp(53)),
        &["reset_without_tcp: only TCP can be rejected with a TCP reset (match TCP, or reject with an ICMP message)"],
    );
    passes(reset(Match::tcp(53)));
}
