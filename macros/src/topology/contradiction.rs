//! What can be said once only.

use std::{collections::HashMap, mem::discriminant};

use super::{
    fault::{Fault, Place},
    parse::Parser,
    tree::{Setting, Statement, Value},
};

impl Parser {
    /// Each setting stands at most once between a pair of braces; ports may stand in several lists.
    pub(crate) fn each_once(&mut self, settings: &[Setting]) {
        for (n, Setting { word, value, .. }) in settings.iter().enumerate() {
            let same = |other: &Setting| discriminant(&other.value) == discriminant(value);
            if !matches!(value, Value::Ports(_)) && settings[..n].iter().any(same) {
                let fault = Fault::new(word.place, format!("`{}` is said twice", word.text));
                self.faults.push(fault.help("leave one out"));
            }
        }
    }

    /// A node, and a topology, has one profile.
    pub(crate) fn one_profile(&mut self, places: impl Iterator<Item = Place>) {
        let fault = |place| Fault::new(place, "`profile` is said twice").help("leave one out");
        self.faults.extend(places.skip(1).map(fault));
    }

    /// What the statements of a node say against each other.
    pub(crate) fn contradictions(&mut self, statements: &[Statement]) {
        self.one_profile(statements.iter().filter_map(|statement| match statement {
            Statement::Profile(_, place) => Some(*place),
            _ => None,
        }));
        let mut departures = HashMap::new();
        for statement in statements {
            let Statement::Departure(departure, on, place) = statement else { continue };
            if *departures.entry(departure).or_insert(*on) != *on {
                let fault = Fault::new(*place, format!("`{departure}` is both on and off"));
                self.faults.push(fault.help("name it after `with` or after `without`"));
            }
        }
        self.one_bridge_a_port(statements);
    }

    fn one_bridge_a_port(&mut self, statements: &[Statement]) {
        let interfaces = statements.iter().filter_map(|statement| match statement {
            Statement::Interface(interface) => Some(interface),
            _ => None,
        });
        let mut bridges: HashMap<&str, String> = HashMap::new();
        for interface in interfaces.clone() {
            for setting in &interface.settings {
                let Value::Ports(ports) = &setting.value else { continue };
                for port in ports {
                    let (name, bridge) = (&port.word.text, interface.name.field.to_string());
                    let message = match bridges.get(name.as_str()) {
                        None => {
                            bridges.insert(name, bridge);
                            continue;
                        }
                        Some(other) if *other == bridge => format!("`{name}` is a port of `{bridge}` twice"),
                        Some(other) => format!("`{name}` is a port of `{bridge}`, and of `{other}`"),
                    };
                    let fault = Fault::new(port.word.place, message);
                    self.faults.push(fault.help("an interface is a port of one bridge at most, and once"));
                }
            }
        }
        for interface in interfaces {
            for setting in &interface.settings {
                let Value::Master(master) = &setting.value else { continue };
                let names = [interface.name.field.to_string(), interface.name.kernel.clone()];
                let bridge = names.iter().find_map(|name| bridges.get(name.as_str()));
                if let Some(bridge) = bridge.filter(|bridge| **bridge != master.text) {
                    let message =
                        format!("`{}` has the master `{}`, and is a port of `{bridge}`", names[0], master.text);
                    let fault = Fault::new(master.place, message);
                    self.faults.push(fault.help("an interface is a port of one bridge at most"));
                }
            }
        }
    }
}
