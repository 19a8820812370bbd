//! The comparison sees what differs, and names it.

use crate::compare::Both;
use netns_test::prelude::*;

fn network() -> Topology {
    Topology::builder()
        .node("a", |n| {
            n.interface("eth0", ["10.0.0.1/24", "fd00::1/64"])
                .route("default via 10.0.0.2 metric 7")
                .rule("from 10.9.0.0/16 lookup 100 priority 5")
                .neighbour("10.0.0.9", "02:00:00:00:00:09", "eth0")
                .firewall(Hook::Input, |chain| chain.drop(Match::tcp(25)))
        })
        .node("b", |n| n.bridge("br0", |bridge| bridge.address("10.0.0.2/24").port("p")))
        .link("a.eth0", "b.p")
        .build()
        .expect("the topology has no fault")
}

#[netns_test(timeout = "5m")]
#[ignore = "needs ip, nft and sysctl"]
fn each_kind_of_difference_is_named() -> Result {
    let both = Both::build(&network())?;
    assert_eq!(both.differences()?, [""; 0]);
    for (change, undo, named) in [
        ("ip -n a link set dev eth0 mtu 1400", "ip -n a link set dev eth0 mtu 1500", "link eth0 mtu = 1400"),
        ("ip -n a addr add 10.0.0.3/24 dev eth0", "ip -n a addr del 10.0.0.3/24 dev eth0", "\"local\":\"10.0.0.3\""),
        (
            "ip -n a route change default via 10.0.0.2 metric 8 || ip -n a route add default via 10.0.0.2 metric 8",
            "ip -n a route del default metric 8",
            "\"metric\":8",
        ),
        ("ip -n a rule add from 10.9.0.0/16 lookup 100 priority 6", "ip -n a rule del priority 6", "\"priority\":6"),
        (
            "ip -n a neigh replace 10.0.0.9 lladdr 02:00:00:00:00:08 dev eth0 nud permanent",
            "ip -n a neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent",
            "\"lladdr\":\"02:00:00:00:00:08\"",
        ),
        (
            "ip netns exec a nft add rule inet netns-test input udp dport 53 counter accept",
            "ip netns exec a nft delete rule inet netns-test input handle \
             $(ip netns exec a nft -a list ruleset | sed -n 's/.*dport 53.*handle //p')",
            "udp dport 53 counter accept",
        ),
        (
            "ip netns exec a sysctl -qw net.ipv4.conf.eth0.rp_filter=2",
            "ip netns exec a sysctl -qw net.ipv4.conf.eth0.rp_filter=0",
            "sysctl net/ipv4/conf/eth0/rp_filter = 2",
        ),
        (
            "bridge -n b fdb add 02:00:00:00:00:0f dev p master static",
            "bridge -n b fdb del 02:00:00:00:00:0f dev p master",
            "02:00:00:00:00:0f",
        ),
        ("ip -n b link set dev br0 promisc on", "ip -n b link set dev br0 promisc off", "PROMISC"),
        (
            "ip -n a ntable change name arp_cache dev eth0 retrans 80",
            "ip -n a ntable change name arp_cache dev eth0 retrans 50",
            "timers",
        ),
        (
            "ip -n b link set dev br0 type bridge ageing_time 100",
            "ip -n b link set dev br0 type bridge ageing_time 30000",
            "ageing_time = 100",
        ),
    ] {
        both.named.script(change)?;
        eventually(Duration::from_secs(20), || {
            let differences = both.differences_now()?;
            let is_named = differences.iter().any(|line| line.contains("only by the script") && line.contains(named));
            if is_named { Ok(()) } else { Err(format!("after `{change}`: {differences:#?}")) }
        });
        both.named.script(undo)?;
        assert_eq!(both.differences()?, [""; 0], "after `{undo}`");
    }
    Ok(())
}
