//! What the builder takes for a value: the typed value, or its text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Cidr, FdbEntry, IfName, InvalidValue, LinkEnd, Mac, Macvlan, NodeName, Route, Rule, Vni, Vxlan};

/// A value of type `T`, or a text that is read as one.
///
/// The builder collects what cannot be read and reports it in the end, with everything else that is wrong.
pub trait IntoValue<T> {
    /// The value.
    ///
    /// # Errors
    ///
    /// If the text is no such value.
    fn into_value(self) -> Result<T, InvalidValue>;
}

macro_rules! into_value {
    ($($type:ty: $parse:expr;)*) => {
        $(
            impl IntoValue<$type> for $type {
                fn into_value(self) -> Result<$type, InvalidValue> {
                    Ok(self)
                }
            }

            impl IntoValue<$type> for &$type {
                fn into_value(self) -> Result<$type, InvalidValue> {
                    Ok(self.clone())
                }
            }

            impl IntoValue<$type> for &str {
                fn into_value(self) -> Result<$type, InvalidValue> {
                    let parse: fn(&str) -> Result<$type, InvalidValue> = $parse;
                    parse(self)
                }
            }

            impl IntoValue<$type> for String {
                fn into_value(self) -> Result<$type, InvalidValue> {
                    self.as_str().into_value()
                }
            }

            impl IntoValue<$type> for &String {
                fn into_value(self) -> Result<$type, InvalidValue> {
                    self.as_str().into_value()
                }
            }
        )*
    };
}

into_value! {
    Cidr: |text| text.parse();
    IfName: |text| IfName::new(text);
    NodeName: |text| NodeName::new(text);
    Mac: |text| text.parse();
    Route: |text| text.parse();
    Rule: |text| text.parse();
    FdbEntry: |text| text.parse();
    Vni: |text| text.parse();
    Vxlan: |text| text.parse();
    Macvlan: |text| text.parse();
    IpAddr: |text| text.parse().map_err(|_| {
        InvalidValue::new(format!("`{text}` is not an IP address")).help("write an address without a prefix length, such as `10.0.0.1`")
    });
}

impl IntoValue<Vni> for u32 {
    fn into_value(self) -> Result<Vni, InvalidValue> {
        Vni::new(self)
    }
}

impl IntoValue<IpAddr> for Ipv4Addr {
    fn into_value(self) -> Result<IpAddr, InvalidValue> {
        Ok(self.into())
    }
}

impl IntoValue<IpAddr> for Ipv6Addr {
    fn into_value(self) -> Result<IpAddr, InvalidValue> {
        Ok(self.into())
    }
}

/// A network or a single address: what a rule matches.
pub(super) fn network(value: impl IntoNetwork) -> Result<Cidr, InvalidValue> {
    value.into_network()
}

/// A network, or a single address for that host alone.
pub trait IntoNetwork {
    /// The network.
    ///
    /// # Errors
    ///
    /// If the text is neither.
    fn into_network(self) -> Result<Cidr, InvalidValue>;
}

macro_rules! into_network {
    ($($type:ty: |$value:ident| $network:expr;)*) => {
        $(
            impl IntoNetwork for $type {
                fn into_network(self) -> Result<Cidr, InvalidValue> {
                    let $value = self;
                    $network
                }
            }
        )*
    };
}

into_network! {
    Cidr: |cidr| Ok(cidr);
    IpAddr: |addr| Ok(addr.into());
    Ipv4Addr: |addr| Ok(addr.into());
    Ipv6Addr: |addr| Ok(addr.into());
    &str: |text| text.parse::<IpAddr>().map(Cidr::host).or_else(|_| text.parse());
    String: |text| text.as_str().into_network();
    &String: |text| text.as_str().into_network();
}

/// The addresses of an interface: none (`()`), one, or several.
pub trait IntoAddresses {
    /// The addresses, each as it was read.
    fn into_addresses(self) -> Vec<Result<Cidr, InvalidValue>>;
}

impl IntoAddresses for () {
    fn into_addresses(self) -> Vec<Result<Cidr, InvalidValue>> {
        Vec::new()
    }
}

impl<V: IntoValue<Cidr>, const N: usize> IntoAddresses for [V; N] {
    fn into_addresses(self) -> Vec<Result<Cidr, InvalidValue>> {
        self.into_iter().map(IntoValue::into_value).collect()
    }
}

impl<V: IntoValue<Cidr>> IntoAddresses for Vec<V> {
    fn into_addresses(self) -> Vec<Result<Cidr, InvalidValue>> {
        self.into_iter().map(IntoValue::into_value).collect()
    }
}

macro_rules! single_address {
    ($($type:ty),*) => {
        $(
            impl IntoAddresses for $type {
                fn into_addresses(self) -> Vec<Result<Cidr, InvalidValue>> {
                    vec![self.into_value()]
                }
            }
        )*
    };
}

single_address!(Cidr, &Cidr, &str, String, &String);

/// An end of a link: `"a.eth0"`, `("a", "eth0")` or a [`LinkEnd`].
pub trait IntoEnd {
    /// The end as it was written.
    fn into_end(self) -> End;
}

/// An end of a link that may still have to be read.
#[derive(Debug, Clone)]
pub struct End(pub(super) EndText);

#[derive(Debug, Clone)]
pub(super) enum EndText {
    /// Node and interface, joined by one of the dots.
    Joined(String),
    Apart(Result<LinkEnd, InvalidValue>),
}

impl IntoEnd for &str {
    fn into_end(self) -> End {
        End(EndText::Joined(self.to_owned()))
    }
}

impl IntoEnd for String {
    fn into_end(self) -> End {
        End(EndText::Joined(self))
    }
}

impl IntoEnd for &String {
    fn into_end(self) -> End {
        End(EndText::Joined(self.clone()))
    }
}

impl IntoEnd for LinkEnd {
    fn into_end(self) -> End {
        End(EndText::Apart(Ok(self)))
    }
}

impl<N: IntoValue<NodeName>, I: IntoValue<IfName>> IntoEnd for (N, I) {
    fn into_end(self) -> End {
        let read =
            |(node, interface): (N, I)| Ok(LinkEnd { node: node.into_value()?, interface: interface.into_value()? });
        End(EndText::Apart(read(self)))
    }
}

impl End {
    /// The end; node and interface names may both contain dots, so what exists decides where to part them.
    pub(crate) fn read(self, exists: impl Fn(&str, Option<&str>) -> bool) -> Result<LinkEnd, InvalidValue> {
        let text = match self.0 {
            EndText::Apart(end) => return end,
            EndText::Joined(text) => text,
        };
        let splits: Vec<(&str, &str)> =
            text.match_indices('.').map(|(dot, _)| (&text[..dot], &text[dot + 1..])).collect();
        let found = splits.iter().find(|(node, interface)| exists(node, Some(interface)));
        let found = found.or_else(|| splits.iter().find(|(node, _)| exists(node, None)));
        let Some((node, interface)) = found.or(splits.first()) else {
            return Err(InvalidValue::new(format!("`{text}` is not the end of a link"))
                .help(format!("write node and interface, such as `{text}.eth0`")));
        };
        Ok(LinkEnd { node: NodeName::new(*node)?, interface: IfName::new(*interface)? })
    }
}
