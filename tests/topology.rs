//! Networks declared with `topology!`, built and used.

use netns_test::prelude::*;

topology! {
    /// A client behind a masquerading gateway, and a server on the far side.
    pub struct Nat {
        node client {
            eth0: "10.0.0.2/24";
            route default via "10.0.0.1";
        }
        node gateway {
            lan: "10.0.0.1/24";
            wan: "203.0.113.1/24";
            forward;
            masquerade wan;
        }
        node server {
            eth0: "203.0.113.9/24";
        }

        link client.eth0 -- gateway.lan;
        link gateway.wan -- server.eth0;
    }
}

topology! {
    /// Three hosts on one learning bridge.
    struct Lan {
        node a { eth0: "10.0.0.1/24"; }
        node b { eth0: "10.0.0.2/24"; }
        node c { eth0: "10.0.0.3/24"; }

        switch lan { a.eth0, b.eth0, c.eth0 }
    }
}

#[netns_test]
fn client_reaches_the_server(net: Nat) -> Result {
    net.server.serve(tcp(443))?;

    net.client.reaches(net.server.tcp(443));
    Ok(())
}

#[netns_test]
fn fields_are_the_nodes_and_interfaces_of_their_names(net: Nat) {
    assert_eq!(net.gateway.name(), "gateway");
    assert_eq!(net.gateway.wan.addr().to_string(), "203.0.113.1");
    assert_eq!(net.client.clone().eth0.node(), &*net.client);
}

#[netns_test]
#[should_panic(expected = "2 of 3 checks failed")]
fn every_wrong_fact_of_a_declared_network_is_reported(net: Lan) {
    net.check_all(|c| {
        c.reaches(&net.a, net.b.ping());
        c.reaches(&net.a, net.b.tcp(80));
        c.cannot_reach(&net.a, net.c.ping(), by::Timeout);
    });
}

#[netns_test]
fn a_switch_is_a_node_with_a_port_for_each_cable(net: Lan) -> Result {
    net.a.reaches(net.b.ping());

    net.lan.a_eth0.down()?;
    // The kernel hears of a lost carrier a moment later, so what becomes of the request depends on when it is sent.
    net.a.cannot_reach(net.b.ping(), by::Anything);
    net.b.reaches(net.c.ping());

    assert_eq!(net.lan.lan.info()?.kind, "bridge");
    Ok(())
}

#[netns_test]
fn a_node_can_be_named_as_whom_an_outcome_comes_from(net: Nat) {
    net.client.cannot_reach(ping("198.51.100.1"), by::NetworkUnreachable.by(&net.gateway));
    let wrong = net.client.probe(ping("198.51.100.1")).run().expect("it was sent");
    assert!(!wrong.is(by::NetworkUnreachable.by(&net.server)));
}

topology! {
    /// Sixteen hosts, each on a cable of its own to one router.
    struct Star {
        node host[16] {
            eth0: "10.0.{index}.2/24";
            route default via "10.0.{index}.1";
        }
        node router {
            eth[16]: "10.0.{index}.1/24";
            forward;
        }

        link host[..].eth0 -- router.eth[..];
    }
}

#[netns_test]
fn members_of_arrays_are_arrays_of_fields(net: Star) {
    net.host[3].reaches(net.host[15].ping());

    assert_eq!(net.host[15].name(), "host15");
    assert_eq!(net.router.eth[15].addr().to_string(), "10.0.15.1");
}

mod offices {
    netns_test::topology! {
        /// Two desks and a printer.
        pub(crate) struct Office {
            node desk[2] { eth0: "10.0.0.{1 + index}/24"; }
            node printer { eth0: "10.0.0.9/24"; }

            switch lan { desk[..].eth0, printer.eth0 }
        }
    }
}

use offices::Office;

topology! {
    /// An office, and a floor above with a second one in which a router has been added.
    struct Floor {
        use Office as near;
        use offices::Office as far;

        node router {
            near: "10.0.0.254/24";
            far: "10.0.0.253/24";
        }
        node far.printer {
            usb0: "192.168.7.1/30";
        }
        node laptop {
            usb0: "192.168.7.2/30";
        }

        switch near.lan { router.near }
        switch far.lan { router.far }
        link laptop.usb0 -- far.printer.usb0;
    }
}

topology! {
    /// Topologies nest.
    #[allow(subnet_mismatch)]
    struct House {
        use Floor as first;

        node roof { eth0: "10.1.0.1/24"; }
        switch first.near.lan { roof.eth0 }
    }
}

#[netns_test]
fn a_topology_is_a_field_of_one_that_uses_it(net: Floor) {
    net.near.desk[0].reaches(net.near.printer.ping());
    net.far.desk[0].reaches(net.far.printer.eth0.ping());
    net.laptop.reaches(net.far.printer.interface("usb0").expect("it was added").ping());

    assert_eq!(net.far.desk[1].name(), "far.desk1");
    assert_eq!(net.far.lan.name(), "far.lan");
    assert_eq!(net.far.lan.lan.name(), "lan");
    assert_eq!(net.near.lan.printer_eth0.name(), "printer-eth0");
}

#[netns_test]
fn topologies_nest(net: House) {
    assert_eq!(net.first.near.printer.name(), "first.near.printer");
    net.first.router.near.info().expect("the router is in the first floor");
    net.roof.cannot_reach(net.first.laptop.ping(), by::NetworkUnreachable);
}

topology! {
    /// What the kernel would have is not what identifiers allow.
    struct Container {
        node host_1 as "host-1" {
            bridge v_net_0 as "v-net-0": "192.168.15.5/24" { ports veth_red_br };
            veth_red_br as "veth-red-br";
        }
        node red {
            veth_red as "veth-red": "192.168.15.1/24";
        }

        link host_1.veth_red_br -- red.veth_red;
    }
}

#[netns_test]
fn names_in_the_kernel_need_be_no_identifiers(net: Container) {
    net.host_1.reaches(net.red.veth_red.ping());

    assert_eq!(net.host_1.name(), "host-1");
    assert_eq!(net.host_1.v_net_0.name(), "v-net-0");
    assert_eq!(net.host_1.veth_red_br.name(), "veth-red-br");
}

#[netns_test]
fn a_topology_can_be_declared_in_a_function() {
    topology! {
        struct Alone { node a { bridge br0: "10.0.0.1/24"; } }
    }
    topology! {
        struct Pair { use Alone as left; use Alone as right; }
    }
    let lab = Pair::topology().up().expect("it can be built");
    let pair = Pair::from_lab(&lab).expect("it is what was declared");

    assert_eq!(pair.right.a.br0.addr().to_string(), "10.0.0.1");
}
