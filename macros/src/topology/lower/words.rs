//! Words and texts of statements, as values.

use std::{net::IpAddr, str::FromStr, time::Duration};

use netns_test_topology::{
    Cidr, IfName, InvalidValue, Template,
    build::{IntoNetwork, IntoValue},
    parse_duration,
};

use super::Lower;
use crate::topology::{
    fault::{Fault, Place},
    flat::FlatNode,
    places::Phrase,
    scope::Position,
    tokens::{Text, Word},
    tree::Words,
};

impl Lower {
    /// Words as one text: fields as the kernel's names, and computed parts computed.
    pub(super) fn phrase(&mut self, words: &Words, node: &FlatNode<'_>) -> Phrase {
        let mut phrase = Phrase::new(self.at(words.place));
        let mut before = "";
        for word in &words.words {
            let place = self.at(word.place);
            let names_interface = matches!(before, "dev" | "iif" | "oif" | "iifname" | "oifname" | "!=");
            match node.member.one(&word.text).filter(|_| names_interface && !word.quoted) {
                Some(kernel) => phrase.push(kernel, place),
                None if word.quoted => {
                    let text = Text { value: word.text.clone(), place: word.place };
                    let text = self.text(&text, node.position).unwrap_or_default();
                    // A comment may have spaces in it.
                    match before {
                        "comment" => phrase.push(&format!("\"{text}\""), place),
                        _ => phrase.push(&text, place),
                    }
                }
                None => phrase.push(&word.text, place),
            }
            before = &word.text;
        }
        phrase
    }

    pub(super) fn parsed<T: FromStr<Err = InvalidValue>>(&mut self, phrase: &Phrase) -> Option<T> {
        phrase.text.parse().map_err(|error| self.faults.push(Fault::invalid(phrase.error(&error), &error))).ok()
    }

    /// The name of an interface that a word stands for.
    pub(super) fn name(&mut self, word: &Word, position: Position, node: &FlatNode<'_>) -> Option<IfName> {
        let text = match node.member.one(&word.text).filter(|_| !word.quoted) {
            Some(kernel) => kernel.to_owned(),
            None if word.quoted => self.text(&Text { value: word.text.clone(), place: word.place }, position)?,
            None => word.text.clone(),
        };
        self.read(word.place, IfName::new(text))
    }

    /// The text, with its computed parts computed if it belongs to a member of an array.
    pub(super) fn text(&mut self, text: &Text, position: Position) -> Option<String> {
        let Some((at, count)) = position else { return Some(text.value.clone()) };
        let computed = text.value.parse::<Template>().and_then(|template| template.member(at, count));
        self.read(text.place, computed)
    }

    pub(super) fn value<T: FromStr<Err = InvalidValue>>(&mut self, text: &Text, position: Position) -> Option<T> {
        let value = self.text(text, position)?;
        let read = value.parse();
        if read.is_err() && position.is_none() && value.contains("index") && value.contains('{') {
            let fault = Fault::new(self.at(text.place), format!("`{value}` is computed, but not in an array"));
            self.faults.push(fault.help("an array is written with the number of its members: `node host[16] { … }`"));
            return None;
        }
        self.read(text.place, read)
    }

    pub(super) fn address(&mut self, text: &Text, position: Position) -> Option<IpAddr> {
        let value = self.text(text, position)?;
        self.read(text.place, IntoValue::into_value(value))
    }

    pub(super) fn network(&mut self, text: &Text, position: Position) -> Option<Cidr> {
        let value = self.text(text, position)?;
        self.read(text.place, IntoNetwork::into_network(value))
    }

    pub(super) fn time(&mut self, text: &Text) -> Option<Duration> {
        self.read(text.place, parse_duration(&text.value))
    }

    pub(super) fn read<T>(&mut self, place: Place, read: Result<T, InvalidValue>) -> Option<T> {
        let place = self.at(place);
        read.map_err(|error| self.faults.push(Fault::invalid(place, &error))).ok()
    }
}
