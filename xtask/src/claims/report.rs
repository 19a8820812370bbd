//! What is covered and what is not, in words.

use std::fmt::Write;

use super::{
    deferred::Deferrals,
    records::Records,
    table::{Row, Table},
};

/// The comparison of the table with the records.
#[derive(Debug)]
pub(crate) struct Report {
    /// Each document with its rows, and a last line `covered N of M`.
    pub(crate) text: String,
    /// Everything for which the comparison fails.
    pub(crate) problems: Vec<String>,
}

/// Compares what the table says with what tests recorded. A row is covered when all its ids are.
pub(crate) fn compare(table: &Table, records: &Records, deferrals: &Deferrals) -> Report {
    let mut report = Report { text: String::new(), problems: Vec::new() };
    for document in &table.documents {
        line(&mut report.text, format_args!("{}", document.name));
        let mut covered = 0;
        for row in &document.rows {
            covered += usize::from(report.row(row, records, deferrals));
        }
        let ids: Vec<_> = document.rows.iter().flat_map(|row| &row.ids).collect();
        let seen = ids.iter().filter(|id| records.has(id)).count();
        line(&mut report.text, format_args!("ids: {seen} of {}", ids.len()));
        line(&mut report.text, format_args!("covered {covered} of {}", document.rows.len()));
    }
    for (id, tests) in records.claims() {
        if !table.knows(id) {
            let paths: Vec<_> = tests.iter().map(|test| &*test.path).collect();
            report.problems.push(format!("{id} is claimed by {}, but the table has no such id", paths.join(" and ")));
        }
    }
    report.problems.extend(deferrals.problems(table, |id| records.has(id)));
    report
}

impl Report {
    /// Adds a row; whether it is covered.
    fn row(&mut self, row: &Row, records: &Records, deferrals: &Deferrals) -> bool {
        let ids = row.ids.join(", ");
        let missing: Vec<&str> = row.ids.iter().map(String::as_str).filter(|id| !records.has(id)).collect();
        if missing.is_empty() {
            line(&mut self.text, format_args!("  covered      {ids}"));
            return true;
        }
        let part =
            if missing.len() < row.ids.len() { format!(" (missing: {})", missing.join(", ")) } else { "".into() };
        let reasons: Option<Vec<&str>> = missing.iter().map(|id| deferrals.reason(id)).collect();
        if let Some(mut reasons) = reasons {
            reasons.dedup();
            line(&mut self.text, format_args!("  deferred     {ids}{part}: {}", reasons.join("; ")));
        } else {
            line(&mut self.text, format_args!("  not covered  {ids}{part}"));
            let waiting = missing.iter().filter(|id| deferrals.reason(id).is_none());
            let waiting: Vec<_> = waiting.map(|id| format!("{id} is neither covered nor deferred")).collect();
            self.problems.extend(waiting);
        }
        false
    }
}

fn line(text: &mut String, words: std::fmt::Arguments) {
    writeln!(text, "{words}").expect("a string takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(claimed: &[&str], deferred: &str) -> Report {
        let table = Table::parse(
            "| id | src | claim | topology | observable | verdict |\n|---|---|---|---|---|---|\n\
             | a-1-c1, c1b | S | x | T | o | holds |\n\
             | a-1-c2 | S | x | T | o | holds with correction |\n\
             | a-1-c3 | S | x | T | o | cannot be modelled: why |\n\
             | b-1-c1 | S | x | T | o | holds |\n",
        )
        .unwrap();
        let mut records = Records::default();
        for id in claimed {
            let line = format!("{{\"test\":\"p::t\",\"passed\":true,\"record\":\"claim {id}\\t1\\t1\"}}");
            records.add("p", &line).unwrap();
        }
        compare(&table, &records, &Deferrals::parse(deferred).unwrap())
    }

    #[test]
    fn everything_covered_is_no_problem() {
        let report = report(&["a-1-c1", "a-1-c1b", "a-1-c2", "b-1-c1"], "");
        assert_eq!(
            report.text,
            "a\n  covered      a-1-c1, a-1-c1b\n  covered      a-1-c2\nids: 3 of 3\ncovered 2 of 2\n\
             b\n  covered      b-1-c1\nids: 1 of 1\ncovered 1 of 1\n"
        );
        assert!(report.problems.is_empty());
    }

    #[test]
    fn a_row_with_one_id_missing_is_not_covered() {
        let report = report(&["a-1-c1", "a-1-c2", "b-1-c1"], "");
        assert!(report.text.contains("  not covered  a-1-c1, a-1-c1b (missing: a-1-c1b)\n"), "{}", report.text);
        assert!(report.text.contains("ids: 2 of 3\ncovered 1 of 2\n"), "{}", report.text);
        assert_eq!(report.problems, ["a-1-c1b is neither covered nor deferred"]);
    }

    #[test]
    fn a_deferral_with_its_reason_excuses_but_does_not_cover() {
        let report = report(&["a-1-c1", "a-1-c2"], "a-1-c1b = 'needs tea'\nb = 'not yet'");
        let deferred = "  deferred     a-1-c1, a-1-c1b (missing: a-1-c1b): needs tea\n";
        assert!(report.text.contains(deferred), "{}", report.text);
        assert!(report.text.ends_with("b\n  deferred     b-1-c1: not yet\nids: 0 of 1\ncovered 0 of 1\n"));
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }

    #[test]
    fn a_deferral_of_one_id_does_not_excuse_the_rest_of_its_row() {
        let report = report(&["a-1-c2", "b-1-c1"], "a-1-c1b = 'needs tea'");
        assert_eq!(report.problems, ["a-1-c1 is neither covered nor deferred"]);
    }

    #[test]
    fn a_stale_deferral_is_a_problem() {
        let all = ["a-1-c1", "a-1-c1b", "a-1-c2", "b-1-c1"];
        assert_eq!(report(&all, "a-1-c2 = 'x'").problems, ["a-1-c2 is deferred, but covered: take it from the list"]);
        assert_eq!(
            report(&all, "b-1 = 'x'").problems,
            ["b-1 is deferred, but its b-1-c1 is covered: list what is left instead"]
        );
        assert_eq!(report(&all, "c = 'x'").problems, ["c is deferred, but no row that counts has that name"]);
        assert_eq!(report(&all, "a-1-c3 = 'x'").problems, ["a-1-c3 is deferred, but no row that counts has that name"]);
    }

    #[test]
    fn a_claim_that_the_table_lacks_is_a_problem() {
        let report = report(&["a-1-c1", "a-1-c1b", "a-1-c2", "a-1-c3", "b-1-c1", "b-1-c2"], "");
        assert_eq!(report.problems, ["b-1-c2 is claimed by p::t, but the table has no such id"]);
    }
}
