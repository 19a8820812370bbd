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
fn a_switch_is_a_node_with_a_port_for_each_cable(net: Lan) -> Result {
    net.a.reaches(net.b.ping());

    net.lan.a_eth0.down()?;
    net.a.cannot_reach(net.b.ping(), by::Timeout | by::HostUnreachable);
    net.b.reaches(net.c.ping());

    assert_eq!(net.lan.lan.info()?.kind, "bridge");
    Ok(())
}
