//! Programs that are no configuration of the network, and those that are and cannot be imported.

use super::super::shell::Output;
use crate::InvalidValue;

pub(super) const FILES: &str = "it works on files, and a node has no files of its own";
const PRINTS: &str = "it only prints";
const SHELL: &str = "it has no effect on the network";
const SERVER: &str = "a network has no programs: start it in the test, with `Node::command` or `Node::serve`";

const PRINTING: &[&str] = &[
    "cat",
    "ls",
    "ping",
    "ping6",
    "fping",
    "traceroute",
    "traceroute6",
    "tracepath",
    "mtr",
    "arping",
    "uname",
    "date",
    "whoami",
    "id",
    "env",
    "ps",
    "ss",
    "netstat",
    "dig",
    "host",
    "nslookup",
    "getent",
    "grep",
    "wc",
    "head",
    "arp-scan",
    "lsmod",
    "which",
    "df",
    "free",
];
const SHELL_WORDS: &[&str] = &[
    "true", ":", "sleep", "wait", "set", "export", "unset", "clear", "cd", "test", "[", "trap", "hostname", "ethtool",
    "modprobe", "ulimit", "alias", "shopt",
];
const FILE_PROGRAMS: &[&str] = &[
    "chmod",
    "chown",
    "mkdir",
    "touch",
    "cp",
    "mv",
    "rm",
    "ln",
    "tar",
    "unzip",
    "sed",
    "tee",
    "useradd",
    "adduser",
    "usermod",
    "passwd",
    "chpasswd",
    "apt",
    "apt-get",
    "apk",
    "yum",
    "dnf",
    "pip",
    "pip3",
    "git",
    "wget",
    "curl",
    "dpkg",
    "ssh-keygen",
    "openssl",
    "a2enmod",
    "a2ensite",
    "a2dissite",
    "locale-gen",
    "ldconfig",
    "update-alternatives",
];
/// Programs that answer or ask, and change nothing of how packets go.
const SERVERS: &[&str] = &[
    "apache2",
    "apache2ctl",
    "apachectl",
    "nginx",
    "httpd",
    "lighttpd",
    "caddy",
    "haproxy",
    "squid",
    "sshd",
    "ssh",
    "named",
    "bind",
    "bind9",
    "rndc",
    "unbound",
    "python",
    "python2",
    "python3",
    "node",
    "java",
    "ruby",
    "perl",
    "php",
    "iperf",
    "iperf3",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "tcpdump",
    "tshark",
    "dumpcap",
    "wireshark",
    "tail",
    "rsyslog",
    "rsyslogd",
    "syslog-ng",
    "cron",
    "crond",
    "xinetd",
    "inetd",
    "telnetd",
    "vsftpd",
    "proftpd",
    "tftpd",
    "in.tftpd",
    "mysql",
    "mysqld",
    "mariadb",
    "postgresql",
    "redis",
    "redis-server",
    "mongod",
    "snmpd",
    "smbd",
    "exim4",
    "postfix",
    "dovecot",
    "supervisord",
    "nfs-kernel-server",
    "rpcbind",
    "dbus",
    "screen",
    "tmux",
    "mosquitto",
    "ntpd",
    "ntp",
    "chronyd",
    "fail2ban",
    "auditd",
];
/// Programs that change addresses, routes or bridges while they run.
const ROUTING: &[&str] = &[
    "frr",
    "frrinit.sh",
    "quagga",
    "zebra",
    "bgpd",
    "ospfd",
    "ospf6d",
    "ripd",
    "ripngd",
    "isisd",
    "pimd",
    "bfdd",
    "vtysh",
    "bird",
    "bird6",
    "birdc",
    "exabgp",
    "gobgpd",
    "gobgp",
    "babeld",
    "olsrd",
    "keepalived",
    "radvd",
    "openvswitch-switch",
    "ovs-vsctl",
    "ovs-ofctl",
    "ovs-vswitchd",
    "ovsdb-server",
    "dhclient",
    "dhcpcd",
    "udhcpc",
    "udhcpd",
    "isc-dhcp-server",
    "isc-dhcp-relay",
    "dhcpd",
    "dnsmasq",
    "kea-dhcp4-server",
    "networking",
    "ifup",
    "ifdown",
    "ifreload",
    "netplan",
    "NetworkManager",
    "nmcli",
    "systemd-networkd",
    "openvpn",
    "wg",
    "wg-quick",
    "wireguard",
    "strongswan",
    "ipsec",
    "swanctl",
    "xl2tpd",
    "pppd",
    "simple_switch",
    "simple_switch_CLI",
    "mstpd",
    "mstpctl",
    "lldpd",
    "ryu-manager",
    "iptables-restore",
    "ip6tables-restore",
    "ebtables",
    "arptables",
    "firewalld",
    "ufw",
    "netfilter-persistent",
    "iptables-persistent",
    "nftables",
    "ipvsadm",
    "conntrackd",
    "vconfig",
    "tunctl",
    "bridge",
];

/// Why a command is not carried out and needs not be; `None` if it is to be carried out, or refused.
pub(super) fn without_effect(path: &str, arguments: &[&str], output: Option<&Output>) -> Option<&'static str> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".service").to_owned();
    let program = name(path);
    // What goes to the kernel is no mere printing.
    let to_file =
        output.is_some_and(|output| output.file.starts_with("/proc/sys/") || output.file == "/etc/resolv.conf");
    if to_file {
        return None;
    }
    let is = |known: &[&str]| known.contains(&program.as_str());
    if let Some(service) = service(path, arguments) {
        return SERVERS.contains(&name(service).as_str()).then_some(SERVER);
    }
    match program.as_str() {
        "systemctl" if matches!(arguments.first(), Some(&("daemon-reload" | "status" | "is-active"))) => Some(SHELL),
        "echo" | "printf" if output.is_none() => Some(PRINTS),
        _ if output.is_some() && is(PRINTING) => Some(FILES),
        _ if is(PRINTING) => Some(PRINTS),
        _ if is(SHELL_WORDS) => Some(SHELL),
        _ if is(FILE_PROGRAMS) => Some(FILES),
        _ if is(SERVERS) => Some(SERVER),
        _ => None,
    }
}

/// The refusal of a command that the import does not know, or knows too well.
pub(super) fn refused(path: &str, arguments: &[&str]) -> InvalidValue {
    let service = service(path, arguments).unwrap_or(path);
    let program = service.rsplit('/').next().unwrap_or(service).trim_end_matches(".service");
    if ROUTING.contains(&program) {
        return InvalidValue::new(format!("`{program}` configures the network while it runs, and an imported network has no programs"))
            .help("write what it comes to as `ip` commands, such as static routes, or start it in the test with `Node::command`");
    }
    match program {
        "tc" => InvalidValue::new("delays, losses and rate limits are not a part of the model")
            .help("leave the line out, and set them in the test"),
        "source" | "." => script(arguments.first().unwrap_or(&program)),
        _ if path.contains('/') || program.ends_with(".sh") || program.ends_with(".py") => script(path),
        _ => InvalidValue::new(format!(
            "`{program}` is no command that the import knows, so what it does to the network cannot be told"
        ))
        .help("write what it comes to as `ip` commands, or leave it out and run it in the test with `Node::command`"),
    }
}

/// The refusal of a script in another file.
pub(super) fn script(path: &str) -> InvalidValue {
    InvalidValue::new(format!("`{path}` is a script in another file, so what it does to the network cannot be told"))
        .help("write its commands here, or leave it out and run it in the test with `Node::command`")
}

/// The service that a command starts or stops.
fn service<'a>(path: &'a str, arguments: &[&'a str]) -> Option<&'a str> {
    if path.starts_with("/etc/init.d/") || path.starts_with("/etc/rc.d/") {
        return Some(path);
    }
    match path.rsplit('/').next() {
        Some("service" | "rc-service" | "invoke-rc.d") => arguments.first().copied(),
        Some("systemctl") => {
            let mut words = arguments.iter().copied().filter(|word| !word.starts_with('-'));
            matches!(
                words.next(),
                Some("start" | "restart" | "enable" | "reload" | "stop" | "disable" | "mask" | "unmask")
            )
            .then(|| words.next())
            .flatten()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_noted_and_a_routing_daemon_refused() {
        for line in [
            "/etc/init.d/apache2 start",
            "service ssh start",
            "systemctl start nginx.service",
            "systemctl enable --now named",
            "/usr/sbin/nginx",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(without_effect(words[0], &words[1..], None), Some(SERVER), "{line}");
        }
        for line in
            ["systemctl start frr", "/etc/init.d/zebra start", "dhclient eth0", "service radvd restart", "frobnicate"]
        {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(without_effect(words[0], &words[1..], None), None, "{line}");
        }
        assert!(refused("systemctl", &["start", "frr"]).message().starts_with("`frr` configures the network"));
        assert!(refused("frobnicate", &[]).message().contains("no command that the import knows"));
        assert!(refused("/root/go.sh", &[]).message().contains("a script in another file"));
    }

    #[test]
    fn output_to_the_kernel_is_no_printing() {
        let output = Output { file: "/proc/sys/net/ipv4/ip_forward".into(), append: false };
        assert_eq!(without_effect("echo", &["1"], Some(&output)), None);
        assert_eq!(without_effect("echo", &["1"], None), Some(PRINTS));
    }
}
