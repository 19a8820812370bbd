//! Pairs of runs, their medians, and what is told of them.

use std::{
    fmt::{self, Write as _},
    io,
    ops::Range,
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

/// How long ours and the floor took in one turn each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    ours: Duration,
    floor: Duration,
}

/// Runs both in turns, each first every second time, so that whatever else the machine does befalls both: the turns from
/// this one on, ours being first in the even ones.
pub(crate) fn compare(
    turns: Range<usize>,
    mut ours: impl FnMut() -> io::Result<()>,
    mut floor: impl FnMut() -> io::Result<()>,
) -> io::Result<Vec<Pair>> {
    let timed = |run: &mut dyn FnMut() -> io::Result<()>| {
        let begin = Instant::now();
        run().map(|()| begin.elapsed())
    };
    let mut pair = |turn: usize| {
        if turn.is_multiple_of(2) {
            let ours = timed(&mut ours)?;
            Ok(Pair { ours, floor: timed(&mut floor)? })
        } else {
            let floor = timed(&mut floor)?;
            Ok(Pair { ours: timed(&mut ours)?, floor })
        }
    };
    turns.map(&mut pair).collect()
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ours.as_nanos(), self.floor.as_nanos())
    }
}

impl FromStr for Pair {
    type Err = io::Error;

    fn from_str(line: &str) -> io::Result<Self> {
        let nanoseconds = |word: &str| word.parse().ok().map(Duration::from_nanos);
        line.split_once(' ')
            .and_then(|(ours, floor)| Some(Self { ours: nanoseconds(ours)?, floor: nanoseconds(floor)? }))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("`{line}` is no pair of times")))
    }
}

/// What came of a comparison: medians.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    n: usize,
    ours_ms: f64,
    floor_ms: f64,
}

impl Row {
    pub(crate) fn new(name: &'static str, n: usize, pairs: &[Pair]) -> Self {
        let median = |side: fn(&Pair) -> Duration| median(pairs.iter().map(side).collect());
        Self { name, n, ours_ms: median(|pair| pair.ours), floor_ms: median(|pair| pair.floor) }
    }

    fn ratio(&self) -> f64 {
        self.ours_ms / self.floor_ms
    }

    fn json(&self) -> String {
        format!(
            r#"{{"name": "{}", "n": {}, "ours_ms": {:.4}, "floor_ms": {:.4}, "ratio": {:.3}}}"#,
            self.name,
            self.n,
            self.ours_ms,
            self.floor_ms,
            self.ratio()
        )
    }
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2 };
    median.as_secs_f64() * 1e3
}

/// The rows as a table for people.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = format!("{:<16} {:>5} {:>11} {:>11} {:>7}\n", "name", "n", "ours ms", "floor ms", "ratio");
    for row in rows {
        let Row { name, n, ours_ms, floor_ms } = row;
        let _ = writeln!(table, "{name:<16} {n:>5} {ours_ms:>11.3} {floor_ms:>11.3} {:>7.2}", row.ratio());
    }
    table
}

/// Writes the rows for programs.
pub(crate) fn save(rows: &[Row], file: &Path) -> io::Result<()> {
    let rows: Vec<String> = rows.iter().map(Row::json).collect();
    std::fs::write(file, format!("[\n  {}\n]\n", rows.join(",\n  ")))
}
