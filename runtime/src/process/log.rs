//! What a program printed: its bytes, and its lines in the order in which they came.

use std::ops::Range;

/// One of a program's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout = 0,
    Stderr = 1,
}

pub(super) const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// What a program printed so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    bytes: [Vec<u8>; 2],
    /// Lines that have ended.
    lines: Vec<Line>,
    /// Where in each stream the line begins that has not ended.
    open: [usize; 2],
    /// Whether that line was found already.
    open_found: [bool; 2],
}

#[derive(Debug)]
struct Line {
    stream: Stream,
    /// Without its end of line.
    place: Range<usize>,
    /// Whether somebody who waited for it has got it.
    found: bool,
}

impl Log {
    /// Adds what came out of a stream and returns the lines that ended with it.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) -> Vec<String> {
        let which = stream as usize;
        let from = self.bytes[which].len();
        self.bytes[which].extend_from_slice(bytes);
        let ends: Vec<_> =
            bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| from + at).collect();
        ends.into_iter().map(|end| self.close(stream, end, end + 1)).collect()
    }

    /// Ends the line that has not ended, because nothing comes after it.
    pub(super) fn finish(&mut self, stream: Stream) -> Option<String> {
        let end = self.bytes[stream as usize].len();
        (self.open[stream as usize] < end).then(|| self.close(stream, end, end))
    }

    fn close(&mut self, stream: Stream, end: usize, next: usize) -> String {
        let which = stream as usize;
        let start = std::mem::replace(&mut self.open[which], next);
        let cut = if self.bytes[which][start..end].ends_with(b"\r") { end - 1 } else { end };
        let found = std::mem::take(&mut self.open_found[which]);
        self.lines.push(Line { stream, place: start..cut, found });
        self.text(stream, start..cut)
    }

    /// Everything of a stream.
    pub(super) fn stream(&self, stream: Stream) -> String {
        self.text(stream, 0..self.bytes[stream as usize].len())
    }

    /// The first line with this text in it that nobody has got yet, and marks it as found.
    ///
    /// A line that has not ended counts, as far as it goes: a prompt never ends.
    pub(super) fn find(&mut self, text: &str) -> Option<String> {
        for at in 0..self.lines.len() {
            let Line { stream, place, found } = &self.lines[at];
            if *found {
                continue;
            }
            let line = self.text(*stream, place.clone());
            if line.contains(text) {
                self.lines[at].found = true;
                return Some(line);
            }
        }
        for stream in STREAMS {
            let which = stream as usize;
            let line = self.text(stream, self.open[which]..self.bytes[which].len());
            if !self.open_found[which] && !line.is_empty() && line.contains(text) {
                self.open_found[which] = true;
                return Some(line);
            }
        }
        None
    }

    /// Has a line that was found be found again; it may have grown or ended since.
    pub(super) fn find_again(&mut self, line: &str) {
        for stream in STREAMS {
            let which = stream as usize;
            let open = self.text(stream, self.open[which]..self.bytes[which].len());
            if self.open_found[which] && open.starts_with(line) {
                self.open_found[which] = false;
                return;
            }
        }
        let is_it = |found: &Line| found.found && self.text(found.stream, found.place.clone()).starts_with(line);
        if let Some(at) = self.lines.iter().rposition(is_it) {
            self.lines[at].found = false;
        }
    }

    /// The last lines of both streams, those that have not ended among them.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let open = STREAMS.into_iter().map(|stream| {
            let which = stream as usize;
            self.text(stream, self.open[which]..self.bytes[which].len())
        });
        let ended = self.lines.iter().map(|line| self.text(line.stream, line.place.clone()));
        let all: Vec<_> = ended.chain(open.filter(|line| !line.is_empty())).collect();
        all[all.len().saturating_sub(count)..].to_vec()
    }

    fn text(&self, stream: Stream, place: Range<usize>) -> String {
        String::from_utf8_lossy(&self.bytes[stream as usize][place]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut log = Log::default();
        assert!(log.push(Stream::Stdout, b"one").is_empty());
        assert_eq!(log.push(Stream::Stderr, b"wrong\n"), ["wrong"]);
        assert_eq!(log.push(Stream::Stdout, b" line\r\ntwo\nthr"), ["one line", "two"]);
        assert_eq!(log.last(2), ["two", "thr"]);
        assert_eq!(log.finish(Stream::Stdout).as_deref(), Some("thr"));
        assert_eq!(log.finish(Stream::Stdout), None);
        assert_eq!(log.last(9), ["wrong", "one line", "two", "thr"]);
        assert_eq!(log.stream(Stream::Stdout), "one line\r\ntwo\nthr");
    }

    #[test]
    fn each_line_is_found_once() {
        let mut log = Log::default();
        log.push(Stream::Stdout, b"reloaded 1\nreloaded 2\n");
        assert_eq!(log.find("reloaded").as_deref(), Some("reloaded 1"));
        assert_eq!(log.find("reloaded").as_deref(), Some("reloaded 2"));
        assert_eq!(log.find("reloaded"), None);
    }

    #[test]
    fn a_line_that_nobody_was_told_of_is_found_again() {
        let mut log = Log::default();
        log.push(Stream::Stdout, b"reloaded\nreloaded\nlogin: ");
        for _ in 0..2 {
            log.find("reloaded");
        }
        log.find_again("reloaded");
        assert_eq!(log.find("reloaded").as_deref(), Some("reloaded"));
        assert_eq!(log.find("reloaded"), None);

        for more in [&b""[..], b"root", b"\n"] {
            let found = log.find("login").expect("nobody was told of it");
            log.push(Stream::Stdout, more);
            log.find_again(&found);
        }
        assert_eq!(log.find("login").as_deref(), Some("login: root"));
        assert_eq!(log.find("login"), None);
    }

    #[test]
    fn a_line_that_was_found_before_its_end_is_not_found_again() {
        let mut log = Log::default();
        log.push(Stream::Stderr, b"login: ");
        assert_eq!(log.find("login").as_deref(), Some("login: "));
        assert_eq!(log.find("login"), None);
        log.push(Stream::Stderr, b"root\nlogin: ");
        assert_eq!(log.find("login").as_deref(), Some("login: "));
    }
}
