//! The settings of bridges, by `ip link … type bridge` and by `brctl` ([ip-link(8)], [brctl(8)]).
//!
//! [ip-link(8)]: https://man7.org/linux/man-pages/man8/ip-link.8.html
//! [brctl(8)]: https://man7.org/linux/man-pages/man8/brctl.8.html

use std::time::Duration;

use super::{Run, words::Words};
use crate::InvalidValue;

impl Run<'_> {
    /// What follows `type bridge`; times are in hundredths of a second.
    pub(super) fn bridge_settings(&mut self, words: &mut Words<'_>, port: usize) -> Result<(), InvalidValue> {
        let options = self.machine.bridge(port)?;
        while let Some(word) = words.next() {
            match word {
                "stp_state" => options.stp = Some(words.switch(word)?),
                "forward_delay" => options.forward_delay = Some(hundredths(words.number(word)?)),
                "ageing_time" => options.ageing = Some(hundredths(words.number(word)?)),
                "mcast_snooping" => options.multicast_snooping = Some(words.switch(word)?),
                "nf_call_iptables" => options.nf_call_iptables = Some(words.switch(word)?),
                "nf_call_ip6tables" => options.nf_call_ip6tables = Some(words.switch(word)?),
                "nf_call_arptables" => options.nf_call_arptables = Some(words.switch(word)?),
                "vlan_filtering" if words.peek() == Some("0") => drop(words.next()),
                other => return Err(words.not_expressible(other)),
            }
        }
        Ok(())
    }

    pub(super) fn brctl(&mut self, words: &mut Words<'_>) -> Result<(), InvalidValue> {
        let command = words.value("brctl")?;
        match command {
            "show" | "showmacs" | "showstp" => {
                self.note_printing(&format!("brctl {command}"));
                return Ok(());
            }
            "addbr" => {
                let name = words.interface(command)?;
                return self.machine.add_bridge(name, self.at).map(drop);
            }
            _ => {}
        }
        let name = words.interface(command)?;
        let Some(bridge) = self.port(&name)? else { return Ok(()) };
        match command {
            "delbr" => self.machine.remove_port(bridge)?,
            "addif" | "delif" => {
                while let Some(port) = words.next() {
                    let Some(port) = self.port(port)? else { continue };
                    match command {
                        "addif" => self.set_master(port, name.clone())?,
                        _ => self.machine.interface(port).master = None,
                    }
                }
            }
            "stp" => {
                let on = matches!(words.value(command)?, "on" | "yes" | "1");
                self.machine.bridge(bridge)?.stp = Some(on);
            }
            "setfd" => self.machine.bridge(bridge)?.forward_delay = Some(Duration::from_secs(words.number(command)?)),
            "setageing" => self.machine.bridge(bridge)?.ageing = Some(Duration::from_secs(words.number(command)?)),
            other => return Err(words.not_expressible(other)),
        }
        Ok(())
    }
}

fn hundredths(count: u32) -> Duration {
    Duration::from_millis(u64::from(count) * 10)
}
