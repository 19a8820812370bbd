//! ARP: who answers for an address, and from which MAC ([RFC 826](https://www.rfc-editor.org/rfc/rfc826)).

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use netns_test_topology::Mac;
use nix::sys::socket::LinkAddr;
use pnet::{
    packet::{
        arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket},
        ethernet::{EtherTypes, MutableEthernetPacket},
    },
    util::MacAddr,
};

use super::{ProbeError, local};
use crate::{capture::Direction, lab::Interface, netns::Netns};

/// What an address resolution saw: everybody who answered, in the order of the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolution {
    /// The address asked for.
    pub target: IpAddr,
    /// The interface asked on.
    pub interface: String,
    /// Who answered; more than one means that the address is taken twice.
    pub answers: Vec<Resolved>,
    /// How long was waited.
    pub elapsed: Duration,
}

/// One answer to an ARP request or a neighbour solicitation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The MAC that the answer names.
    pub mac: Mac,
    /// The MAC that the answer's frame came from.
    pub from: Mac,
    /// From the question to the answer.
    pub rtt: Duration,
}

impl Resolution {
    /// The MAC of the first answer.
    pub fn mac(&self) -> Option<Mac> {
        self.answers.first().map(|a| a.mac)
    }

    /// The MACs that were named, each once.
    pub fn macs(&self) -> Vec<Mac> {
        let mut all: Vec<Mac> = self.answers.iter().map(|a| a.mac).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Asks on an interface who has an address, and listens for all this time, so that a second answer is seen.
///
/// The asker's address is the interface's first, and 0.0.0.0 if it has none.
pub(crate) fn who_has(
    netns: &Netns,
    interface: &Interface,
    target: Ipv4Addr,
    within: Duration,
) -> Result<Resolution, ProbeError> {
    let ask = || {
        let (link, mac) = ethernet(interface)?;
        let own =
            local::addresses(Some(interface.name())).map_err(|e| ProbeError::system("read addresses", interface, e))?;
        let first = own.iter().find_map(|addr| match addr {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        });
        let sender = first.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let answered = move |packet: &crate::capture::Packet| {
            let arp = packet.arp().filter(|arp| arp.operation == 2 && arp.sender == target)?;
            Some((arp.sender_mac, packet.ethernet?.source))
        };
        exchange(netns, interface, target.into(), &request(mac, sender, target), &link, within, answered)
    };
    netns.run(ask).map_err(|e| ProbeError::system("enter the node", interface, e))?
}

/// The link-layer name of an interface, and its MAC.
pub(super) fn ethernet(interface: &Interface) -> Result<(LinkAddr, Mac), ProbeError> {
    let found = local::ethernet_of(interface.name());
    let link = found.map_err(|e| ProbeError::system("find the interface", interface, e))?.ok_or_else(|| {
        ProbeError::Target(format!(
            "`{interface}` is no Ethernet interface: nobody behind it has a MAC to answer with, so its silence would mean \
             nothing"
        ))
    })?;
    let mac = Mac::new(link.addr().unwrap_or_default());
    Ok((link, mac))
}

/// Sends a question and collects the answers.
pub(super) fn exchange(
    netns: &Netns,
    interface: &Interface,
    target: IpAddr,
    frame: &[u8],
    link: &LinkAddr,
    within: Duration,
    answered: impl Fn(&crate::capture::Packet) -> Option<(Mac, Mac)> + Send + Sync + Clone + 'static,
) -> Result<Resolution, ProbeError> {
    let failed = |operation| move |e: std::io::Error| ProbeError::system(operation, interface, e);
    let index = u32::try_from(link.ifindex()).unwrap_or(0);
    let (wanted, question) = (answered.clone(), frame.to_vec());
    let keep = move |packet: &crate::capture::Packet| {
        packet.interface == index
            && match packet.direction {
                Direction::In => wanted(packet).is_some(),
                Direction::Out => packet.bytes() == question,
            }
    };
    let tap = netns.tap().map_err(failed("open a packet socket"))?;
    let watch = tap.watch(keep).map_err(failed("watch"))?;
    let begun = Instant::now();
    let clock = std::time::SystemTime::now();
    tap.send(frame, link).map_err(failed("send a frame"))?;
    watch.wait_for(begun + within, |_| None::<()>).map_err(failed("receive"))?;
    let elapsed = begun.elapsed();
    let frames = watch.frames().map_err(failed("receive"))?;
    match watch.lost() {
        0 => {}
        lost => return Err(ProbeError::Lost(lost)),
    }
    // Without a carrier the kernel takes the question and drops it.
    if !frames.iter().any(|packet| packet.direction == Direction::Out) {
        let detail = format!("{interface} has no carrier, or a filter of the node dropped the question");
        return Err(ProbeError::NothingLeft { target: SocketAddr::new(target, 0), detail });
    }
    let answers = frames.iter().filter(|packet| packet.direction == Direction::In).filter_map(|packet| {
        let (mac, from) = answered(packet)?;
        Some(Resolved { mac, from, rtt: packet.time.duration_since(clock).unwrap_or_default() })
    });
    Ok(Resolution { target, interface: interface.name().to_owned(), answers: answers.collect(), elapsed })
}

fn request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let header = MutableEthernetPacket::minimum_packet_size();
    let mut frame = vec![0; header + MutableArpPacket::minimum_packet_size()];
    let own = MacAddr::from(mac.octets());
    let mut ethernet = MutableEthernetPacket::new(&mut frame).expect("the buffer holds a header");
    ethernet.set_destination(MacAddr::broadcast());
    ethernet.set_source(own);
    ethernet.set_ethertype(EtherTypes::Arp);
    let mut arp = MutableArpPacket::new(&mut frame[header..]).expect("the buffer holds an ARP packet");
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(own);
    arp.set_sender_proto_addr(sender);
    arp.set_target_proto_addr(target);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Packet;

    #[test]
    fn a_request_asks_everybody() {
        let frame =
            request(Mac::new([2, 0, 0, 0, 0, 1]), "10.0.0.1".parse().expect("ip"), "10.0.0.2".parse().expect("ip"));
        let packet = Packet::parse(std::time::UNIX_EPOCH, 1, Direction::Out, frame.len(), frame, true, 0);
        assert_eq!(packet.ethernet.map(|e| e.destination), Some(Mac::BROADCAST));
        assert_eq!(packet.to_string(), "out ARP, who-has 10.0.0.2 tell 10.0.0.1, length 42");
    }
}
