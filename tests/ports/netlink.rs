//! As the tests of netlink libraries and of what is built on them: rtnetlink's own, behind its feature `test_as_root`,
//! those of container network plugins as netavark, and of programs that watch or set routes.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use futures_util::{StreamExt, TryStreamExt};
use netns_test::netns_test;
use rtnetlink::{
    Handle, LinkBridge, LinkUnspec, LinkVeth, MulticastGroup, RouteMessageBuilder, new_connection,
    new_multicast_connection,
    packet_core::NetlinkPayload,
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
        route::{RouteAddress, RouteAttribute, RouteMessage},
        rule::RuleAction,
    },
};

fn connect() -> Handle {
    let (connection, handle, _) = new_connection().expect("a netlink socket");
    tokio::spawn(connection);
    handle
}

async fn link(handle: &Handle, name: &str) -> Option<LinkMessage> {
    handle.link().get().match_name(name.to_owned()).execute().try_next().await.unwrap_or_default()
}

async fn up(handle: &Handle, name: &str) -> u32 {
    let index = link(handle, name).await.expect("it was made").header.index;
    handle.link().set(LinkUnspec::new_with_index(index).up().build()).execute().await.unwrap();
    index
}

async fn route_to(handle: &Handle, destination: Ipv4Addr) -> RouteMessage {
    let question = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(destination, 32).build();
    handle.route().get(question).execute().try_next().await.unwrap().expect("one answer")
}

#[netns_test]
async fn create_get_delete_bridge() {
    let handle = connect();
    handle.link().add(LinkBridge::new("br142").build()).execute().await.unwrap();

    let bridge = link(&handle, "br142").await.expect("it is there");
    let kind = |attribute: &LinkAttribute| match attribute {
        LinkAttribute::LinkInfo(all) => all.contains(&LinkInfo::Kind(InfoKind::Bridge)),
        _ => false,
    };
    assert!(bridge.attributes.iter().any(kind), "{bridge:?}");

    handle.link().del(bridge.header.index).execute().await.unwrap();
    assert!(link(&handle, "br142").await.is_none());
}

#[netns_test]
async fn a_container_is_plugged_into_a_bridge() -> Result<(), rtnetlink::Error> {
    let handle = connect();
    handle.link().add(LinkBridge::new("cni0").build()).execute().await?;
    handle.link().add(LinkVeth::new("veth0", "eth0").build()).execute().await?;
    let (bridge, container) = (up(&handle, "cni0").await, up(&handle, "eth0").await);
    let port = up(&handle, "veth0").await;
    handle.link().set(LinkUnspec::new_with_index(port).controller(bridge).build()).execute().await?;
    handle.address().add(bridge, Ipv4Addr::new(10, 88, 0, 1).into(), 16).execute().await?;
    handle.address().add(container, Ipv4Addr::new(10, 88, 0, 2).into(), 16).execute().await?;

    let port = link(&handle, "veth0").await.expect("it is there");
    assert!(port.attributes.contains(&LinkAttribute::Controller(bridge)), "{port:?}");
    let addresses: Vec<_> = handle.address().get().set_link_index_filter(container).execute().try_collect().await?;
    assert!(addresses.iter().any(|address| address.header.prefix_len == 16), "{addresses:?}");
    Ok(())
}

#[netns_test]
async fn a_default_route_is_added_used_and_deleted() -> Result<(), rtnetlink::Error> {
    let handle = connect();
    handle.link().add(LinkVeth::new("wan", "provider").build()).execute().await?;
    let wan = up(&handle, "wan").await;
    up(&handle, "provider").await;
    handle.address().add(wan, Ipv4Addr::new(192, 0, 2, 2).into(), 24).execute().await?;
    let anywhere = Ipv4Addr::new(203, 0, 113, 9);
    assert!(UdpSocket::bind("0.0.0.0:0").unwrap().connect((anywhere, 53)).is_err(), "there is no default route yet");

    let gateway = Ipv4Addr::new(192, 0, 2, 1);
    let default = RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).build();
    handle.route().add(default.clone()).execute().await?;
    let route = route_to(&handle, anywhere).await;
    assert!(route.attributes.contains(&RouteAttribute::Gateway(RouteAddress::Inet(gateway))), "{route:?}");
    assert!(route.attributes.contains(&RouteAttribute::Oif(wan)), "{route:?}");
    // Programs find the address that they are seen with in this way.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect((anywhere, 53)).unwrap();
    assert_eq!(socket.local_addr().unwrap().ip(), IpAddr::from([192, 0, 2, 2]));

    handle.route().del(default).execute().await?;
    assert!(UdpSocket::bind("0.0.0.0:0").unwrap().connect((anywhere, 53)).is_err());
    Ok(())
}

#[netns_test]
async fn marked_traffic_has_a_routing_table_of_its_own() -> Result<(), rtnetlink::Error> {
    const MARK: u32 = 51820;
    let handle = connect();
    handle.link().add(LinkVeth::new("tunnel", "far").build()).execute().await?;
    let tunnel = up(&handle, "tunnel").await;
    up(&handle, "far").await;
    handle.address().add(tunnel, Ipv4Addr::new(10, 8, 0, 2).into(), 24).execute().await?;
    handle.rule().add().v4().fw_mark(MARK).table_id(MARK).action(RuleAction::ToTable).execute().await?;
    let through = RouteMessageBuilder::<Ipv4Addr>::new().output_interface(tunnel).table_id(MARK).build();
    handle.route().add(through).execute().await?;

    let plain = UdpSocket::bind("0.0.0.0:0").unwrap();
    assert!(plain.connect("203.0.113.9:443").is_err());
    let marked = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket2::SockRef::from(&marked).set_mark(MARK).unwrap();
    marked.connect("203.0.113.9:443").unwrap();
    assert_eq!(marked.local_addr().unwrap().ip(), IpAddr::from([10, 8, 0, 2]));
    Ok(())
}

#[netns_test]
async fn a_monitor_sees_links_come_and_go() {
    let (connection, handle, mut messages) = new_multicast_connection(&[MulticastGroup::Link]).unwrap();
    tokio::spawn(connection);
    handle.link().add(LinkBridge::new("watched").build()).execute().await.unwrap();
    let index = link(&handle, "watched").await.unwrap().header.index;
    handle.link().del(index).execute().await.unwrap();

    let mut seen = Vec::new();
    while seen.last() != Some(&"gone") {
        match messages.next().await.expect("the socket is open").0.payload {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(new)) if new.header.index == index => {
                seen.push("there");
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(old)) if old.header.index == index => {
                seen.push("gone");
            }
            other => panic!("this link is the only one that changes, and here is {other:?}"),
        }
    }
    assert_eq!(seen.first(), Some(&"there"));
}
