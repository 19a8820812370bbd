use super::{Error, Interface, Lab, Node};

/// Finds the nodes and interfaces that the fields of a declared topology stand for, one after another.
#[derive(Debug)]
pub struct Names<'a> {
    lab: &'a Lab,
    /// What precedes the names of nodes, in a part of a network.
    prefix: String,
    rest: std::str::Lines<'a>,
}

impl<'a> Names<'a> {
    /// The names, one a line, in the order in which they are asked for.
    pub fn new(lab: &'a Lab, names: &'a str) -> Self {
        Self { lab, prefix: String::new(), rest: names.lines() }
    }

    /// The names of a part of this network.
    pub fn part(&self, prefix: &str, names: &'a str) -> Self {
        Self { lab: self.lab, prefix: format!("{}{prefix}", self.prefix), rest: names.lines() }
    }

    /// The next node.
    ///
    /// # Errors
    ///
    /// If the lab has no such node.
    pub fn node(&mut self) -> Result<Node, Error> {
        let name = self.rest.next().unwrap_or_default();
        self.lab.node(&format!("{}{name}", self.prefix))
    }

    /// The next interface of this node.
    ///
    /// # Errors
    ///
    /// If the node has no such interface.
    pub fn interface(&mut self, node: &Node) -> Result<Interface, Error> {
        node.interface(self.rest.next().unwrap_or_default())
    }

    /// The next interfaces of this node.
    ///
    /// # Errors
    ///
    /// If the node lacks one of them.
    pub fn interfaces<const N: usize>(&mut self, node: &Node) -> Result<[Interface; N], Error> {
        self.array(|names| names.interface(node))
    }

    /// As many as the array has room for.
    ///
    /// # Errors
    ///
    /// The first error of one of them.
    pub fn array<T, const N: usize>(
        &mut self,
        mut find: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<[T; N], Error> {
        let found: Vec<T> = (0..N).map(|_| find(self)).collect::<Result<_, _>>()?;
        Ok(found.try_into().unwrap_or_else(|_| unreachable!("as many were found as there is room for")))
    }
}
