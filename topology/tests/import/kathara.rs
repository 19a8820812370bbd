//! What of a Kathará lab becomes a topology, what a note, and what a refusal.

use netns_test_topology::{
    Role,
    import::{Imported, kathara},
};

use super::addresses;

const CONF: &str = "pc1[0]=\"A\"\npc2[0]=\"A\"\n";

#[track_caller]
fn read(files: &[(&str, &str)]) -> Imported {
    kathara::parse(files.iter().copied(), &[]).unwrap_or_else(|refused| panic!("{refused}"))
}

/// The lab of two computers, with that script on the first.
#[track_caller]
fn with(startup: &str) -> Imported {
    read(&[("lab.conf", CONF), ("pc1.startup", startup)])
}

/// The one refusal of a lab: place, message and help.
#[track_caller]
fn refused(files: &[(&str, &str)]) -> (String, String, String) {
    let refused = kathara::parse(files.iter().copied(), &[]).expect_err("it was not refused");
    assert_eq!(refused.len(), 1, "{refused}");
    let only = refused.iter().next().unwrap();
    let place = format!("{}:{}", only.at().file(), only.at().line());
    (place, only.message().to_owned(), only.help().unwrap_or_default().to_owned())
}

#[test]
fn a_collision_domain_is_a_switch_whatever_is_on_it() {
    let lab = read(&[("lab.conf", "a[0]=one\nb[0]=two\nc[0]=two\nd[0]=many\nd[1]=two\ne[0]=many\nf[0]=many\n")]);
    let ports = |name: &str| {
        let switch = lab.topology.node(name).unwrap();
        assert_eq!(switch.role, Role::Switch);
        switch.ports(name).map(|port| port.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ports("one"), ["a-eth0"]);
    assert_eq!(ports("two"), ["b-eth0", "c-eth0", "d-eth1"]);
    assert_eq!(ports("many"), ["d-eth0", "e-eth0", "f-eth0"]);
    assert_eq!(lab.topology.peer("d", "eth1").unwrap().to_string(), "two.d-eth1");
}

#[test]
fn a_domain_that_is_called_as_a_device_gets_another_name() {
    let lab = read(&[("lab.conf", "lan[0]=lan\nb[0]=lan\nb[1]=_x\n")]);
    assert_eq!(lab.topology.peer("b", "eth0").unwrap().to_string(), "domain-lan.b-eth0");
    assert_eq!(lab.topology.peer("b", "eth1").unwrap().to_string(), "domain-_x.b-eth1");
}

#[test]
fn every_form_of_a_line_is_read() {
    let lab = read(&[(
        "lab.conf",
        "LAB_NAME='n'\n  # a comment\npc1[0]=\"A/02:00:00:00:00:01\"   # after\npc1[1]=B\npc1[sysctl]='net.ipv4.conf.eth0.arp_ignore=1'\n\
         pc1[sysctl]=net.ipv4.ip_forward=0\npc2[0]='A'\npc2[ipv6]=False\npc2[bridged]=false\n",
    )]);
    assert_eq!(lab.topology.name, "n");
    let (pc1, pc2) = (lab.topology.node("pc1").unwrap(), lab.topology.node("pc2").unwrap());
    assert_eq!(pc1.interface("eth0").unwrap().mac, Some("02:00:00:00:00:01".parse().unwrap()));
    assert_eq!(pc1.sysctls[0].to_string(), "net.ipv4.conf.eth0.arp_ignore = 1");
    assert_eq!([pc1.forward_v4, pc1.forward_v6, pc2.forward_v4, pc2.forward_v6], [false, true, true, false]);
    assert_eq!(pc2.sysctls[0].to_string(), "net.ipv6.conf.all.disable_ipv6 = 1");
    assert!(lab.notes.is_empty(), "{:?}", lab.notes);
}

#[test]
fn scripts_run_in_the_order_of_kathara() {
    let lab = read(&[
        ("lab.conf", "pc1[0]=A\npc1[exec]=\"ip a a 10.0.3.1/24 dev eth0\"\npc2[0]=A\n"),
        ("pc1.startup", "ip a a 10.0.2.1/24 dev eth0\n"),
        ("shared.startup", "ip a a 10.0.1.1/24 dev eth0\nip a f dev eth0\nip a a 10.0.9.1/24 dev lo\n"),
    ]);
    assert_eq!(addresses(&lab.topology, "pc1", "eth0"), "10.0.2.1/24 10.0.3.1/24");
    assert_eq!(addresses(&lab.topology, "pc2", "lo"), "10.0.9.1/24");
}

#[test]
fn settings_and_name_servers_are_written_to_files() {
    let lab = with(
        "echo 0 > /proc/sys/net/ipv4/ip_forward\necho 1 | tee /proc/sys/net/ipv4/conf/eth0/proxy_arp\n\
         echo 'nameserver 10.0.0.9' > /etc/resolv.conf\necho \"nameserver 10.0.0.8\" >> /etc/resolv.conf\n",
    );
    let pc1 = lab.topology.node("pc1").unwrap();
    assert!(!pc1.forward_v4);
    assert_eq!(pc1.sysctls[0].to_string(), "net.ipv4.conf.eth0.proxy_arp = 1");
    assert_eq!(pc1.nameservers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.9", "10.0.0.8"]);
    assert!(lab.notes.is_empty(), "{:?}", lab.notes);
}

#[test]
fn ifconfig_sets_what_ip_adds() {
    for (script, found) in [
        ("ifconfig eth0 10.0.0.1 netmask 255.255.255.0 broadcast 10.0.0.255 up", "10.0.0.1/24"),
        ("ifconfig eth0 10.0.0.1/24 up\nifconfig eth0 10.0.0.2/24", "10.0.0.2/24"),
        ("ifconfig eth0 10.0.0.1/24\nifconfig eth0:1 10.0.1.1/24 up", "10.0.0.1/24 10.0.1.1/24"),
        ("ifconfig eth0 inet6 add fd00::1/64 up", "fd00::1/64"),
        ("ifconfig eth0 192.168.3.1", "192.168.3.1/24"),
        ("ifconfig eth0 10.0.0.1/24\nifconfig eth0 0.0.0.0 up", ""),
    ] {
        assert_eq!(addresses(&with(script).topology, "pc1", "eth0"), found, "{script}");
    }
    let lab = with("ifconfig eth0 hw ether 02:00:00:00:00:07 mtu 1400 down");
    let eth0 = lab.topology.node("pc1").unwrap().interface("eth0").unwrap();
    assert_eq!((eth0.mac, eth0.mtu, eth0.up), (Some("02:00:00:00:00:07".parse().unwrap()), Some(1400), false));
}

#[test]
fn what_is_no_network_is_noted_in_its_line() {
    let lab = read(&[
        (
            "lab.conf",
            "LAB_AUTHOR=me\npc1[0]=A\npc1[image]=kathara/base\npc1[bridged]=true\npc1[mem]=64m\npc1[port]=80\npc2[0]=A\n",
        ),
        ("lab.dep", "pc2: pc1\n"),
        ("pc1.shutdown", "ip link del eth0\n"),
        ("pc7.startup", "frobnicate\n"),
        ("pc2.startup", "# nothing\n\n/etc/init.d/apache2 start\ncat > /etc/x <<EOF\nx\nEOF\n"),
    ]);
    let notes: Vec<String> = lab.notes.iter().map(ToString::to_string).collect();
    for start in [
        "lab.conf:1:1: `LAB_AUTHOR` is not carried over: it is for readers",
        "lab.conf:3:1: `image` is not carried over: a network has no containers",
        "lab.conf:4:1: `bridged` is not carried over: the engine's own network",
        "lab.conf:5:1: `mem` is",
        "lab.conf:6:1: `port` is",
        "lab.dep:1:1: `lab.dep` is",
        "pc1.shutdown:1:1: `pc1.shutdown` is not carried over: a network is taken down whole",
        "pc7.startup:1:1: `pc7.startup` is not carried over: `lab.conf` has no device of that name",
        "pc2.startup:3:1: `/etc/init.d/apache2 start` is not carried over: a network has no programs",
        "pc2.startup:4:1: `cat` is not carried over: it works on files",
    ] {
        assert!(notes.iter().any(|note| note.starts_with(start)), "{start}\n{notes:#?}");
    }
    assert_eq!(notes.len(), 10, "{notes:#?}");
}

#[test]
fn a_line_of_lab_conf_that_says_nothing_is_refused() {
    for (line, reason, remedy) in [
        ("pc1 [0]=A", "neither `DEVICE[ARGUMENT]=VALUE` nor a comment", "no spaces around `=`"),
        ("pc1[0] = A", "neither `DEVICE[ARGUMENT]=VALUE` nor a comment", "no spaces around `=`"),
        ("machines=\"a b\"", "neither `DEVICE[ARGUMENT]=VALUE` nor a comment", "`pc1[0]=\"A\"`"),
        ("pc1[0]=\"A", "a quote is not closed", ""),
        ("pc1[0]=", "`pc1[0]` is given no value", ""),
        ("pc1[0]=\"A B\"", "`A B` is no name of a collision domain", "letters, digits and `_`"),
        ("pc1[0]=\"A.1\"", "`A.1` is no name of a collision domain", "letters, digits and `_`"),
        ("pc1[0]=\"A/02:00\"", "`02:00` is not a MAC address", "six bytes"),
        ("pc1[0]=\"A/01:00:5e:00:00:01\"", "(bad_mac)", ""),
        ("pc1[1]=A", "`pc1` has `eth1` and no `eth0`", "numbered from 0"),
        ("pc1[imgae]=x", "`imgae` is no option of a device", "did you mean `image`?"),
        ("pc1[ipv6]=maybe", "`maybe` is neither true nor false", ""),
        ("pc1[sysctl]=net.ipv4.ip_forward", "`net.ipv4.ip_forward` sets nothing", "`NAME=VALUE`"),
        ("pc1[sysctl]=kernel.hostname=x", "(bad_sysctl)", ""),
        ("shared[0]=A", "`shared` is the name of a directory", "another name"),
        ("LAB_AUTOR=x", "`LAB_AUTOR` is no description of a lab", "did you mean `LAB_AUTHOR`?"),
        ("_pc[0]=A", "does not begin with a letter or digit", ""),
        ("x[0]=A\nx[0]=B", "`eth0` of `x` is plugged in already", "one collision domain"),
    ] {
        let conf = format!("pc2[0]=\"Z\"\n{line}\n");
        let (place, message, help) = refused(&[("lab.conf", &conf)]);
        assert_eq!(place, format!("lab.conf:{}", 1 + line.lines().count()), "{line}");
        assert!(message.contains(reason), "{line}: {message}");
        assert!(help.contains(remedy), "{line}: {help}");
    }
}

#[test]
fn a_script_that_the_model_cannot_carry_out_is_refused_in_its_line() {
    for (command, message, help) in [
        (
            "systemctl start frr",
            "`frr` configures the network while it runs, and an imported network has no programs",
            "static routes",
        ),
        (
            "/etc/init.d/zebra start",
            "`zebra` configures the network while it runs, and an imported network has no programs",
            "as `ip` commands",
        ),
        (
            "dhclient eth0",
            "`dhclient` configures the network while it runs, and an imported network has no programs",
            "as `ip` commands",
        ),
        (
            "/root/setup.sh",
            "`/root/setup.sh` is a script in another file, so what it does to the network cannot be told",
            "write its commands here",
        ),
        (
            "source /hostlab/x",
            "`/hostlab/x` is a script in another file, so what it does to the network cannot be told",
            "write its commands here",
        ),
        (
            "bridge vlan add vid 10 dev eth0",
            "`bridge` configures the network while it runs, and an imported network has no programs",
            "",
        ),
        (
            "ip link add link eth0 name eth0.10 type vlan id 10",
            "`link` of `ip` is not a part of the model",
            "in the test",
        ),
        (
            "ip link add bond0 type bond",
            "the model has no interfaces of type `bond`",
            "`bridge`, `veth`, `vxlan` and `macvlan`",
        ),
        (
            "ip addr add 10.0.0.1/24 dev eth1",
            "node `pc1` has no interface `eth1` at this point",
            "did you mean `eth0`?",
        ),
        ("ifconfig eth0 10.0.0.1 netmask 255.0.255.0", "`255.0.255.0` is not a netmask", "255.255.255.0"),
        ("ifconfig eth0 10.0.0.1/24 pu", "`pu` is no `ifconfig` word", "did you mean `up`?"),
        ("route add defualt gw 10.0.0.2", "`defualt` is not an address", ""),
        (
            "iptables -A FORWARD -p tcp -m statistic --mode random -j ACCEPT",
            "the statistic mode `random` is not a part of the model",
            "the import knows `--mode nth`",
        ),
        (
            "iptables -A FORWARD -p tcp -m statistic --mode nth --every 3 --packet 3 -j ACCEPT",
            "no packet of every 3 has the number 3",
            "the first is 0",
        ),
        ("iptables -A FORWARD -m statistic --mode nth -j DROP", "`--mode nth` does not say of how many", "--every"),
        (
            "iptables -A FORWARD -s 10.0.0.0/8,10.1.0.0/16 -m statistic --mode nth --every 3 -j DROP",
            "one statistic of several networks or ports is not a part of the model",
            "write a rule for each",
        ),
        (
            "iptables -A INPUT -i eth+ -j DROP",
            "`eth+` means several interfaces, a rule of the model means one",
            "a rule for each",
        ),
        ("iptables -t nat -A POSTROUTING -j SNAT", "`-j SNAT` does not say to what", "--to-source"),
        (
            "if true; then ip link set eth0 up; fi",
            "`if` is not followed: the import reads one command after another",
            "write out the commands",
        ),
        (
            "up() { ip link set eth0 up; }",
            "functions are not followed: the import reads one command after another",
            "write out the commands",
        ),
        (
            "ip addr show | grep eth0",
            "a pipe is not followed: the import reads one command after another",
            "write out the commands",
        ),
        (
            "test -f /x || ip link set eth0 down",
            "this runs only if the command before it fails, which the import cannot know",
            "the one of them that is meant",
        ),
        ("ip addr add $IP dev eth0", "`$IP` has no value here", "write the value itself"),
        ("ip link set eth0 'up", "a quote is not closed here", ""),
        (
            "sysctl -p /etc/sysctl.conf",
            "`sysctl -p` reads settings from a file that is not part of the lab file",
            "`sysctl -w NAME=VALUE`",
        ),
    ] {
        let script = format!("# first\nip link set lo up\n{command}\n");
        let (place, said, helped) = refused(&[("lab.conf", CONF), ("pc1.startup", &script)]);
        assert_eq!((place.as_str(), said.as_str()), ("pc1.startup:3", message), "{command}");
        assert!(helped.contains(help), "{command}: {helped}");
    }
}

#[test]
fn a_lab_that_leads_outside_is_refused() {
    let (place, message, help) = refused(&[("lab.conf", CONF), ("lab.ext", "A enp0s3\n")]);
    assert_eq!(place, "lab.ext:1");
    assert!(message.contains("joins collision domains to interfaces of the engine's host"), "{message}");
    assert!(help.contains("in place of what is outside"), "{help}");
}

#[test]
fn an_ipv6_address_where_ipv6_is_off_is_refused() {
    let conf = "pc1[0]=A\npc1[ipv6]=false\n";
    let (place, message, help) = refused(&[("lab.conf", conf), ("pc1.startup", "\nip a a fd00::1/64 dev eth0")]);
    assert_eq!(
        (place.as_str(), message.as_str()),
        ("pc1.startup:2", "`fd00::1/64` cannot be given: line 2 of lab.conf switches IPv6 off at `pc1`")
    );
    assert_eq!(help, "write `pc1[ipv6]=\"true\"`");
}

#[test]
fn what_the_checker_finds_is_placed_in_the_script() {
    let (place, message, _) = refused(&[
        ("lab.conf", CONF),
        ("pc1.startup", "ip a a 10.0.0.1/24 dev eth0\nip route add default via 10.7.0.1\n"),
    ]);
    assert_eq!(place, "pc1.startup:2");
    assert!(message.contains("(gateway_off_link)"), "{message}");
}

#[test]
fn a_lab_without_its_file_or_devices_is_refused() {
    assert_eq!(refused(&[("pc1.startup", "")]).1, "this lab has no `lab.conf`");
    assert_eq!(refused(&[("lab.conf", "# nothing\n")]).1, "this lab has no devices");
    let missing = kathara::read("/nonexistent", &[]).unwrap_err();
    assert!(missing.to_string().contains("cannot read this directory: No such file"), "{missing}");
}
