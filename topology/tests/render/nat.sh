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
ip netns add client
ip netns add gateway
ip netns add server

# Kernel settings
ip netns exec client sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip netns exec client sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0  # no-dad
ip netns exec client sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=255  # icmp-unlimited
ip netns exec client sysctl -qw 'net.ipv4.ping_group_range=0 0'  # ping-sockets
ip netns exec client sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
ip netns exec gateway sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip netns exec gateway sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0  # no-dad
ip netns exec gateway sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=255  # icmp-unlimited
ip netns exec gateway sysctl -qw 'net.ipv4.ping_group_range=0 0'  # ping-sockets
ip netns exec gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip netns exec server sysctl -qw \
  net.ipv4.conf.all.accept_local=0 \
  net.ipv4.conf.default.accept_local=0 \
  net.ipv4.conf.all.accept_redirects=1 \
  net.ipv4.conf.default.accept_redirects=1 \
  net.ipv4.conf.all.accept_source_route=0 \
  net.ipv4.conf.default.accept_source_route=1 \
  net.ipv4.conf.all.arp_accept=0 \
  net.ipv4.conf.default.arp_accept=0 \
  net.ipv4.conf.all.arp_announce=0 \
  net.ipv4.conf.default.arp_announce=0 \
  net.ipv4.conf.all.arp_filter=0 \
  net.ipv4.conf.default.arp_filter=0 \
  net.ipv4.conf.all.arp_ignore=0 \
  net.ipv4.conf.default.arp_ignore=0 \
  net.ipv4.conf.all.arp_notify=0 \
  net.ipv4.conf.default.arp_notify=0 \
  net.ipv4.conf.all.log_martians=0 \
  net.ipv4.conf.default.log_martians=0 \
  net.ipv4.conf.all.promote_secondaries=0 \
  net.ipv4.conf.default.promote_secondaries=0 \
  net.ipv4.conf.all.proxy_arp=0 \
  net.ipv4.conf.default.proxy_arp=0 \
  net.ipv4.conf.all.route_localnet=0 \
  net.ipv4.conf.default.route_localnet=0 \
  net.ipv4.conf.all.secure_redirects=1 \
  net.ipv4.conf.default.secure_redirects=1 \
  net.ipv4.conf.all.send_redirects=1 \
  net.ipv4.conf.default.send_redirects=1 \
  net.ipv4.conf.all.shared_media=1 \
  net.ipv4.conf.default.shared_media=1 \
  net.ipv6.conf.all.accept_dad=0 \
  net.ipv6.conf.default.accept_dad=1 \
  net.ipv6.conf.all.accept_ra=1 \
  net.ipv6.conf.default.accept_ra=1 \
  net.ipv6.conf.all.accept_redirects=1 \
  net.ipv6.conf.default.accept_redirects=1 \
  net.ipv6.conf.all.autoconf=1 \
  net.ipv6.conf.default.autoconf=1 \
  net.ipv6.conf.all.dad_transmits=1 \
  net.ipv6.conf.default.dad_transmits=1 \
  net.ipv6.conf.all.disable_ipv6=0 \
  net.ipv6.conf.default.disable_ipv6=0 \
  net.ipv4.conf.all.rp_filter=0 \
  net.ipv4.conf.default.rp_filter=0 \
  net.ipv4.ip_forward=0 \
  net.ipv6.conf.all.forwarding=0

# Bridges
ip -n gateway link add name lan address 02:00:00:00:00:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0

# Cables
ip -n gateway link add name port index 11 type veth peer name eth0 index 10 netns client  # distinct-indexes
ip -n gateway link add name wan mtu 1400 type veth peer name eth0 netns server

# Ports of bridges
ip -n gateway link set dev port master lan

# Neighbour timers
ip -n client ntable change name arp_cache dev eth0 retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n client ntable change name ndisc_cache dev eth0 retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n gateway ntable change name arp_cache dev lan retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n gateway ntable change name ndisc_cache dev lan retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n gateway ntable change name arp_cache dev wan retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers
ip -n gateway ntable change name ndisc_cache dev wan retrans 50 ucast_probes 1 mcast_probes 1 proxy_delay 0  # short-neighbour-timers

# Kernel settings
ip netns exec gateway sysctl -qw net.ipv4.conf.wan.rp_filter=1

# Addresses
ip -n client addr add 10.0.0.2/24 dev eth0
ip -n client addr add fd00::2/64 dev eth0 nodad  # no-dad
ip -n gateway addr add 10.0.0.1/24 dev lan
ip -n gateway addr add 203.0.113.1/24 dev wan
ip -n server addr add 203.0.113.9/24 dev eth0

# Interfaces up
ip -n client link set dev lo up  # loopback-up
ip -n client link set dev eth0 up
ip -n gateway link set dev lo up  # loopback-up
ip -n gateway link set dev lan up
ip -n gateway link set dev port up
ip -n gateway link set dev wan up
ip -n server link set dev lo up  # loopback-up
ip -n server link set dev eth0 up

# Ready
await 10 'state UP' -n client link show dev eth0
await 10 'state UP' -n gateway link show dev port
await 10 'state UP' -n gateway link show dev wan
await 10 'state UP' -n server link show dev eth0
await 10 LOWER_UP -n gateway link show dev lan

# Neighbours
ip -n gateway neigh replace 203.0.113.9 lladdr 02:00:00:00:00:09 dev wan nud permanent

# Routes and rules
ip -n client route add default via 10.0.0.1
ip -n gateway rule add from 10.0.0.0/8 lookup 100

# Firewall
ip netns exec gateway nft -f - <<'RULES'
table inet netns-test {
  counter smtp { }
  chain forward {
    type filter hook forward priority 0; policy accept;
    tcp dport 25 counter counter name "smtp" drop comment "no mail"
  }
}
table ip netns-test {
  chain postrouting-nat {
    type nat hook postrouting priority 100; policy accept;
    oifname "wan" counter masquerade
  }
}
RULES

# Name servers
mkdir -p /etc/netns/client
printf '%s\n' 'nameserver 8.8.8.8' >/etc/netns/client/resolv.conf
