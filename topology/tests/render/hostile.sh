#!/bin/sh
# Builds a network of named network namespaces. Run it as root, or as anybody in namespaces of your own:
#
#   unshare --user --map-root-user --net --mount sh -c 'mount -t tmpfs none /run && sh THIS-FILE && exec sh'
#
# It departs from the kernel's defaults where a line ends with one of these names:
#
#   loopback-up             lo is up
#   no-dad                  IPv6 addresses are usable at once, without duplicate address detection
#   short-neighbour-timers  a neighbour that does not answer is given up after 50 ms, not 3 s
#   icmp-unlimited          ICMP errors are sent without a rate limit
#   distinct-indexes        the two ends of a cable have different interface indexes
#   ping-sockets            ICMP datagram sockets are open to group 0, not to nobody
set -eu

# await SECONDS PATTERN IP-ARGUMENTS: waits until the output of ip matches.
await() {
  limit=$(($1 * 100)) pattern=$2
  shift 2
  until ip -o "$@" | grep -q -e "$pattern"; do
    limit=$((limit - 1))
    if [ "$limit" -le 0 ]; then
      echo "gave up waiting for $pattern: ip $*" >&2
      exit 1
    fi
    sleep 0.01
  done
}

# Nodes
ip netns add a
ip netns add b

# Kernel settings
ip netns exec a sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip netns exec a sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0  # no-dad
ip netns exec a sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=255  # icmp-unlimited
ip netns exec a sysctl -qw 'net.ipv4.ping_group_range=0 0'  # ping-sockets
ip netns exec a sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip netns exec b sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0  # no-dad
ip netns exec b sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=255  # icmp-unlimited
ip netns exec b sysctl -qw 'net.ipv4.ping_group_range=0 0'  # ping-sockets
ip netns exec b sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0

# Cables
ip -n a link add name 'x'\''y$(id)' index 10 type veth peer name eth0.1 index 11 netns b  # distinct-indexes
ip -n a link add name '`<&>"#;|' index 12 type veth peer name '\n' index 13 netns b  # distinct-indexes
ip -n a link add name '-eth*' index 14 type veth peer name end index 15 netns b  # distinct-indexes

# Neighbour timers
ip -n a ntable change name arp_cache dev 'x'\''y$(id)' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n a ntable change name ndisc_cache dev 'x'\''y$(id)' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n a ntable change name arp_cache dev '`<&>"#;|' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n a ntable change name ndisc_cache dev '`<&>"#;|' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n a ntable change name arp_cache dev '-eth*' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n a ntable change name ndisc_cache dev '-eth*' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers

# Kernel settings
echo 1 | ip netns exec a tee '/proc/sys/net/ipv4/conf/x'\''y$(id)/rp_filter' >/dev/null

# Neighbour timers
ip -n b ntable change name arp_cache dev eth0.1 retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n b ntable change name ndisc_cache dev eth0.1 retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n b ntable change name arp_cache dev '\n' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n b ntable change name ndisc_cache dev '\n' retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n b ntable change name arp_cache dev end retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n b ntable change name ndisc_cache dev end retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers

# Addresses
ip -n a addr add 10.0.0.1/24 dev 'x'\''y$(id)'
ip -n a addr add 10.0.1.1/24 dev '`<&>"#;|'
ip -n a addr add 10.0.2.1/24 dev '-eth*'
ip -n b addr add 10.0.0.2/24 dev eth0.1
ip -n b addr add 10.0.1.2/24 dev '\n'
ip -n b addr add 10.0.2.2/24 dev end

# Interfaces up
ip -n a link set dev lo up  # loopback-up
ip -n a link set dev 'x'\''y$(id)' up
ip -n a link set dev '`<&>"#;|' up
ip -n a link set dev '-eth*' up
ip -n b link set dev lo up  # loopback-up
ip -n b link set dev eth0.1 up
ip -n b link set dev '\n' up
ip -n b link set dev end up

# Ready
await 10 'state UP' -n a link show dev 'x'\''y$(id)'
await 10 'state UP' -n a link show dev '`<&>"#;|'
await 10 'state UP' -n a link show dev '-eth*'
await 10 'state UP' -n b link show dev eth0.1
await 10 'state UP' -n b link show dev '\n'
await 10 'state UP' -n b link show dev end

# Routes and rules
ip -n a route add default via 10.0.0.2 dev 'x'\''y$(id)'

# Firewall
ip netns exec a nft -f - <<'RULES'
table inet netns-test {
  chain input {
    type filter hook input priority 0; policy accept;
    iifname "-eth\*" counter drop
  }
}
RULES
