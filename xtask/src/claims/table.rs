//! The table of ground truth: Markdown tables whose first column is `id`.

use std::collections::BTreeSet;

/// The columns: id, source, claim, topology, observable, verdict.
const COLUMNS: usize = 6;

/// Every claim of some documents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// The documents, in the order of the table.
    pub(crate) documents: Vec<Document>,
    /// Ids of claims that cannot be modelled; no row counts for them.
    pub(crate) uncounted: BTreeSet<String>,
}

/// The rows of one document that hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// One row: a fact with one or more checks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) ids: Vec<String>,
}

impl Table {
    /// Reads all tables of a Markdown text that have an `id` column; an error names the line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut table = Self { documents: Vec::new(), uncounted: BTreeSet::new() };
        let mut all = BTreeSet::new();
        let mut inside = false;
        for (number, line) in (1..).zip(text.lines()) {
            let Some(cells) = cells(line) else {
                inside = false;
                continue;
            };
            if cells[0] == "id" {
                inside = true;
            }
            if !inside || cells[0] == "id" || cells[0].bytes().all(|byte| matches!(byte, b'-' | b':')) {
                continue;
            }
            table.add(&cells, &mut all).map_err(|error| format!("line {number}: {error}"))?;
        }
        if table.documents.is_empty() {
            return Err("there is no row with a verdict that holds".to_owned());
        }
        Ok(table)
    }

    /// Whether the table has this id, counted or not.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.uncounted.contains(id) || self.ids().any(|known| known == id)
    }

    /// Every id that counts.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().flat_map(|document| &document.rows).flat_map(|row| &row.ids).map(String::as_str)
    }

    fn add(&mut self, cells: &[String], all: &mut BTreeSet<String>) -> Result<(), String> {
        if cells.len() != COLUMNS {
            return Err(format!("{} columns instead of {COLUMNS}", cells.len()));
        }
        let ids = ids(&cells[0])?;
        for id in &ids {
            if !all.insert(id.clone()) {
                return Err(format!("{id} is there already"));
            }
        }
        match cells[COLUMNS - 1].split(':').next().unwrap_or_default().trim() {
            "holds" | "holds with correction" => {
                let name = document(&ids[0]);
                match self.documents.iter_mut().find(|document| document.name == name) {
                    Some(document) => document.rows.push(Row { ids }),
                    None => self.documents.push(Document { name: name.to_owned(), rows: vec![Row { ids }] }),
                }
            }
            "cannot be modelled" => self.uncounted.extend(ids),
            other => return Err(format!("unknown verdict {other:?}")),
        }
        Ok(())
    }
}

/// The document of an id: all but the section and the claim.
pub(crate) fn document(id: &str) -> &str {
    section(id).rsplit_once('-').map_or(id, |(document, _)| document)
}

/// The document and the section of an id: all but the claim.
pub(crate) fn section(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(section, _)| section)
}

/// The cells of a table's line; `\|` does not separate.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.trim().strip_prefix('|')?;
    let line = line.strip_suffix('|').unwrap_or(line);
    let hidden = line.replace("\\|", "\0");
    Some(hidden.split('|').map(|cell| cell.trim().replace('\0', "|")).collect())
}

/// `document-section-c1, c1b` as two ids.
fn ids(cell: &str) -> Result<Vec<String>, String> {
    let (first, more) = match cell.split_once(',') {
        Some((first, more)) => (first.trim(), more.split(',').map(str::trim).collect()),
        None => (cell, Vec::new()),
    };
    let plain = first.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    let (section, claim) = first.rsplit_once('-').unwrap_or_default();
    if !plain || !is_claim(claim) || !section.contains('-') {
        return Err(format!("{first:?} is not of the form document-section-c1"));
    }
    let mut ids = vec![first.to_owned()];
    for claim in more {
        if !is_claim(claim) {
            return Err(format!("{claim:?} after {first} is not of the form c1"));
        }
        ids.push(format!("{section}-{claim}"));
    }
    Ok(ids)
}

fn is_claim(word: &str) -> bool {
    word.strip_prefix('c').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Result<Table, String> {
        Table::parse(&format!(
            "| id | src | claim | topology | observable | verdict |\n|---|---|---|---|---|---|\n{line}"
        ))
    }

    #[test]
    fn rows_are_grouped_by_document_and_ids_are_completed() {
        let table = Table::parse(
            "# Words\n\n| word | what happens |\n|---|---|\n| reply | echo |\n\n\
             | id | src | claim | topology | observable | verdict |\n|---|---|---|---|---|---|\n\
             | a-b-2.1-c1, c1b | S | `x \\| y` | T | o | holds |\n\
             | a-b-2.1-c2 | S | x | T | o | cannot be modelled: DNS |\n\nText.\n\n\
             | id | src | claim | topology | observable | verdict |\n|:---|---|---|---|---|---|\n\
             | d-one-c1 | S | x | T | o | holds with correction: if so |\n\
             | a-b-2.2-c20a | S | x | | o | holds |\n",
        )
        .unwrap();

        let rows = |ids: &[&[&str]]| {
            ids.iter().map(|ids| Row { ids: ids.iter().map(ToString::to_string).collect() }).collect()
        };
        assert_eq!(
            table.documents,
            [
                Document { name: "a-b".into(), rows: rows(&[&["a-b-2.1-c1", "a-b-2.1-c1b"], &["a-b-2.2-c20a"]]) },
                Document { name: "d".into(), rows: rows(&[&["d-one-c1"]]) },
            ]
        );
        assert!(table.knows("a-b-2.1-c2") && table.knows("a-b-2.1-c1b") && !table.knows("a-b-2.1-c3"));
        assert!(!table.ids().any(|id| id == "a-b-2.1-c2"));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_an_error_with_its_line() {
        for (line, words) in [
            ("| a-b-c1 | S | x | T | holds |", "line 3: 5 columns instead of 6"),
            ("| a-b-c1 | S | a | b | T | o | holds |", "line 3: 7 columns instead of 6"),
            ("| a-b-c1 | S | x | T | o | maybe |", "line 3: unknown verdict \"maybe\""),
            ("| a-b-c1 | S | x | T | o | |", "line 3: unknown verdict \"\""),
            ("| a-b-d1 | S | x | T | o | holds |", "line 3: \"a-b-d1\" is not of the form document-section-c1"),
            ("| a-c1 | S | x | T | o | holds |", "line 3: \"a-c1\" is not of the form document-section-c1"),
            ("| a-b c1 | S | x | T | o | holds |", "line 3: \"a-b c1\" is not of the form document-section-c1"),
            ("| a-b-c1, d | S | x | T | o | holds |", "line 3: \"d\" after a-b-c1 is not of the form c1"),
            ("| a-b-c1, c1 | S | x | T | o | holds |", "line 3: a-b-c1 is there already"),
            ("", "there is no row with a verdict that holds"),
        ] {
            assert_eq!(row(line).unwrap_err(), words, "{line}");
        }
    }
}
