//! What could not be read, collected until the end.

use super::value::{IntoAddresses, IntoValue};
use crate::{Cidr, InvalidValue};

/// Errors with the place of each in words, from the outside in.
#[derive(Debug, Clone, Default)]
pub(super) struct Errors {
    place: String,
    found: Vec<(String, InvalidValue)>,
}

impl Errors {
    pub(super) fn at(place: impl Into<String>) -> Self {
        Self { place: place.into(), found: Vec::new() }
    }

    pub(super) fn keep<T>(&mut self, read: Result<T, InvalidValue>) -> Option<T> {
        read.map_err(|error| self.found.push((self.place.clone(), error))).ok()
    }

    pub(super) fn take<T>(&mut self, value: impl IntoValue<T>) -> Option<T> {
        self.keep(value.into_value())
    }

    pub(super) fn addresses(&mut self, addresses: &mut Vec<Cidr>, values: impl IntoAddresses) {
        for value in values.into_addresses() {
            addresses.extend(self.keep(value));
        }
    }

    /// Takes over the errors of a part of this.
    pub(super) fn absorb(&mut self, part: Errors) {
        let outer = self.place.clone();
        self.found.extend(part.found.into_iter().map(|(place, error)| {
            let place =
                [outer.as_str(), place.as_str()].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ");
            (place, error)
        }));
    }

    pub(super) fn into_found(self) -> Vec<(String, InvalidValue)> {
        self.found
    }
}
