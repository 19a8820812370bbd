//! Texts as they were written and as they are meant, with a place for each word.

use std::ops::Range;

use super::Reader;
use crate::{
    InvalidValue, Template,
    build::IntoValue,
    file::{
        Mistake, Span,
        tree::{Data, Key, Value},
    },
};

/// A text after what is computed in it, and what it names, was put in.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    words: Vec<Word>,
    whole: Span,
}

#[derive(Debug)]
struct Word {
    /// Where it is in the text.
    range: Range<usize>,
    /// Where it stands in the source.
    span: Span,
}

impl Written {
    /// Where a part of the text stands in the source.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let mut words = self.words.iter().filter(|word| word.range.start < range.end && range.start < word.range.end);
        let Some(first) = words.next() else { return self.whole.clone() };
        let last = words.next_back().unwrap_or(first);
        // Within a word that stands there as it is, letters count.
        let same = |word: &Word| word.span.len() == word.range.len();
        let start = if same(first) {
            first.span.start + range.start.saturating_sub(first.range.start)
        } else {
            first.span.start
        };
        let end = if same(last) { last.span.end - last.range.end.saturating_sub(range.end) } else { last.span.end };
        start..end
    }

    /// The place of all of it.
    pub(super) fn whole(&self) -> Span {
        self.whole.clone()
    }
}

impl Reader<'_> {
    /// A text with its computed parts put in, if it is one.
    pub(super) fn written(&mut self, value: &Value) -> Option<Written> {
        self.written_with(value, |_, _, word, _| Ok(word.to_owned()))
    }

    /// A text with its computed parts put in, and each word as `put` has it, of what is before it and of all.
    pub(super) fn written_with(
        &mut self,
        value: &Value,
        put: impl Fn(&Self, &str, &str, &str) -> Result<String, InvalidValue>,
    ) -> Option<Written> {
        let Data::Text { text, .. } = &value.data else { return None };
        self.put_together(text, value.span.clone(), |range| value.part(range), put)
    }

    /// A key with its computed parts put in.
    pub(super) fn written_key(&mut self, key: &Key) -> Option<Written> {
        self.put_together(&key.name, key.span.clone(), |range| key.part(range), |_, _, word, _| Ok(word.to_owned()))
    }

    fn put_together(
        &mut self,
        text: &str,
        whole: Span,
        place: impl Fn(Range<usize>) -> Span,
        put: impl Fn(&Self, &str, &str, &str) -> Result<String, InvalidValue>,
    ) -> Option<Written> {
        let mut written = Written { text: String::new(), words: Vec::new(), whole };
        let (mut done, mut good) = (0, true);
        for range in words_with(text, self.member.is_some()) {
            let original = &text[range.clone()];
            let word = self.computed(original);
            let word = word.and_then(|word| put(self, &text[..range.start], &word, text));
            written.text.push_str(&text[done..range.start]);
            done = range.end;
            let word = match word {
                Ok(word) => word,
                Err(error) => {
                    let inner = error.range().filter(|inner| !original.contains('{') && inner.end <= original.len());
                    let inner = inner.map(|inner| range.start + inner.start..range.start + inner.end);
                    self.found.push(Mistake::invalid(&error, place(inner.unwrap_or(range))));
                    good = false;
                    continue;
                }
            };
            let start = written.text.len();
            written.text.push_str(&word);
            written.words.push(Word { range: start..written.text.len(), span: place(range) });
        }
        written.text.push_str(&text[done..]);
        good.then_some(written)
    }

    fn computed(&self, word: &str) -> Result<String, InvalidValue> {
        match self.member {
            Some(member) if word.contains(['{', '}']) => word.parse::<Template>()?.member(member.index, member.count),
            _ => Ok(word.to_owned()),
        }
    }

    /// The value that a text says.
    pub(super) fn value<T>(&mut self, value: &Value) -> Option<T>
    where
        for<'a> &'a str: IntoValue<T>,
    {
        self.read(value, |text| text.into_value())
    }

    /// What `read` makes of a text.
    pub(super) fn read<T>(&mut self, value: &Value, read: impl FnOnce(&str) -> Result<T, InvalidValue>) -> Option<T> {
        let written = self.written(value)?;
        self.understood(&written, read)
    }

    /// What `read` makes of a text, or the mistake at its place.
    pub(super) fn understood<T>(
        &mut self,
        written: &Written,
        read: impl FnOnce(&str) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        read(&written.text)
            .map_err(|error| {
                let span = error.range().map_or_else(|| written.whole(), |range| written.span(range));
                let mistake = Mistake::invalid(&error, span);
                self.found.push(
                    if self.member.is_none() && written.text.contains("{") && written.text.contains("index") {
                        mistake.help("what stands in braces is computed in an array only: add `count`")
                    } else {
                        mistake
                    },
                );
            })
            .ok()
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<Range<usize>> {
    words_with(text, false)
}

/// The words of a text; white space in braces parts none if these have a meaning.
fn words_with(text: &str, braces: bool) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let (mut start, mut depth) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '{' if braces => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c.is_whitespace() && depth == 0 {
            words.extend(start.take().map(|start| start..at));
        } else {
            start.get_or_insert(at);
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}
