//! Numbers of packets and of rules.

use netns_test_topology::file::{
    WRONG_TYPE,
    tree::{Data, Value},
};

use super::words::Reader;

/// A number, and how the one that was read compares to it.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) text: String,
    least: u64,
    most: u64,
}

impl Range {
    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        if let Data::Number(_) = value.data {
            let number: u64 = reader.number(value)?;
            return Some(Self { text: number.to_string(), least: number, most: number });
        }
        let text = reader.text(value)?.trim().to_owned();
        let (sign, number) = text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len()));
        let bounds = number.parse::<u64>().ok().and_then(|number| match sign.trim() {
            "" | "==" => Some((number, number)),
            ">=" => Some((number, u64::MAX)),
            "<=" => Some((0, number)),
            _ => None,
        });
        let Some((least, most)) = bounds else {
            let help = "write `\">= 1\"`, `\"<= 3\"` or a number";
            reader.wrong(WRONG_TYPE, &value.span, format!("`{text}` is no number that can be compared with"), help);
            return None;
        };
        if (least, most) == (0, u64::MAX) {
            let help = "write `\">= 1\"`, `\"<= 3\"` or a number";
            reader.wrong(WRONG_TYPE, &value.span, format!("every number is `{text}`"), help);
            return None;
        }
        Some(Self { text, least, most })
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        (self.least..=self.most).contains(&number)
    }
}
