use super::{Error, Interface, Lab, Node};

/// Finds the nodes and interfaces that the fields of a declared topology stand for.
#[derive(Debug)]
pub struct Names<'a> {
    lab: &'a Lab,
    /// What precedes the names of nodes, in a part of a network.
    prefix: String,
    rest: std::str::Lines<'a>,
}

impl<'a> Names<'a> {
    /// The names, one a line.
    pub fn new(lab: &'a Lab, names: &'a str) -> Self {
        Self { lab, prefix: String::new(), rest: names.lines() }
    }

    /// The names of a part of this network.
    pub fn part(&self, prefix: &str, names: &'a str) -> Self {
        Self { lab: self.lab, prefix: format!("{}{prefix}", self.prefix), rest: names.lines() }
    }

    /// All nodes and interfaces; the interfaces of a node follow it, and are indented.
    ///
    /// # Errors
    ///
    /// If the lab lacks one of them.
    pub fn all<const NODES: usize, const INTERFACES: usize>(
        &mut self,
    ) -> Result<([Node; NODES], [Interface; INTERFACES]), Error> {
        let (mut nodes, mut interfaces): (Vec<Node>, Vec<Interface>) = (Vec::new(), Vec::new());
        for name in self.rest.by_ref() {
            match (name.strip_prefix('\t'), nodes.last()) {
                (Some(interface), Some(node)) => interfaces.push(node.interface(interface)?),
                _ => nodes.push(self.lab.node(&format!("{}{name}", self.prefix))?),
            }
        }
        Ok((exactly(nodes), exactly(interfaces)))
    }
}

fn exactly<T, const N: usize>(found: Vec<T>) -> [T; N] {
    found.try_into().unwrap_or_else(|_| unreachable!("the code asks for as many as it names"))
}
