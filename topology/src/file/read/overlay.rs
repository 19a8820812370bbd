//! Interfaces on top of others: VXLAN and macvlan.

use std::{net::IpAddr, time::Duration};

use super::{Reader, interface::flag, reference::ADDRESS};
use crate::{
    IfName, InvalidValue, Kind, Macvlan, MacvlanMode, NodeName, Vni, Vxlan,
    build::IntoValue,
    check::{Item, Part},
    file::tree::{Data, Table, Value},
    multicast, parse_duration, unicast,
};

impl Reader<'_> {
    pub(super) fn vxlan(&mut self, settings: &Table) -> Option<Kind> {
        let id = match settings.get("id")? {
            Value { data: Data::Number(number), .. } => Vni::new(u32::try_from(*number).ok()?).ok()?,
            text => self.read(text, str::parse::<Vni>)?,
        };
        let address = |reader: &mut Self, key: &str, check: fn(IpAddr) -> Result<IpAddr, InvalidValue>| {
            let written = reader.with_addresses(settings.get(key)?, &ADDRESS)?;
            reader.understood(&written, |text| text.into_value().and_then(check))
        };
        let remote = address(self, "remote", unicast);
        if let (Some(_), Some(value)) = (remote, settings.get("group")) {
            let message = "this device has both a `remote` and a `group`".to_owned();
            self.contradiction(value.span.clone(), message, "frames for unknown addresses go to one of them");
        }
        let vxlan = Vxlan {
            id,
            local: address(self, "local", Ok),
            remote: remote.or_else(|| address(self, "group", multicast)),
            dev: settings.get("dev").and_then(|value| self.value::<IfName>(value)),
            port: number(settings, "port").unwrap_or(Vxlan::PORT),
            learning: flag(settings, "learning").unwrap_or(true),
            proxy: flag(settings, "proxy").unwrap_or_default(),
            l2miss: flag(settings, "l2miss").unwrap_or_default(),
            l3miss: flag(settings, "l3miss").unwrap_or_default(),
            ageing: settings.get("ageing").and_then(|value| self.read::<Duration>(value, parse_duration)),
            underlay: settings.get("underlay").and_then(|value| self.value::<NodeName>(value)),
        };
        Some(Kind::Vxlan(vxlan))
    }

    pub(super) fn macvlan(&mut self, settings: &Table) -> Option<Kind> {
        let parent = self.value::<IfName>(settings.get("parent")?)?;
        let parent_node = settings.get("parent_node").and_then(|value| self.value::<NodeName>(value));
        let mode = settings.get("mode").and_then(|value| self.read(value, str::parse::<MacvlanMode>));
        Some(Kind::Macvlan(Macvlan { parent, parent_node, mode: mode.unwrap_or_default() }))
    }

    /// Notes where the settings stand that the checker speaks of.
    pub(super) fn place_overlay(&mut self, n: usize, i: usize, settings: &Table) {
        for (part, keys) in [
            (Part::Underlay, ["underlay", "parent_node"]),
            (Part::Lower, ["dev", "parent"]),
            (Part::Remote, ["remote", "group"]),
            (Part::Source, ["local", "local"]),
            (Part::Options, ["ageing", "port"]),
        ] {
            if let Some(value) = keys.iter().find_map(|key| settings.get(key)) {
                self.places.set(Item::Interface(n, i), part, value.span.clone());
            }
        }
    }
}

fn number(settings: &Table, name: &str) -> Option<u16> {
    match settings.get(name)?.data {
        Data::Number(number) => u16::try_from(number).ok(),
        _ => None,
    }
}
