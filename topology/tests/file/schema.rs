//! The JSON Schema for editors: up to date, and of one mind with the reader about shapes.

use jsonschema::Validator;
use serde_json::Value;

use super::*;

fn checked_in() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/topology.schema.json")
}

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(&schema()).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// A TOML text as the JSON that editors compare with a schema; `None` if it is no TOML.
fn json(text: &str) -> Option<Value> {
    fn value(data: &tree::Data) -> Value {
        match data {
            tree::Data::Text { text, .. } => text.as_str().into(),
            tree::Data::Number(number) => (*number).into(),
            tree::Data::Flag(flag) => (*flag).into(),
            tree::Data::List(values) => values.iter().map(|inner| value(&inner.data)).collect(),
            tree::Data::Table(inner) => table(inner),
            // A number with a fraction, or a time: no schema of ours has a place for either.
            _ => 0.5.into(),
        }
    }
    fn table(table: &tree::Table) -> Value {
        table.entries.iter().map(|entry| (entry.key.name.clone(), value(&entry.value.data))).collect()
    }
    let document = Document::parse(&Source::new("", text));
    document.is_well_formed().then(|| table(document.root()))
}

#[test]
fn the_schema_in_the_repository_is_up_to_date() {
    if std::env::var_os("BLESS").is_some() {
        fs::write(checked_in(), schema()).unwrap();
    }
    assert_eq!(fs::read_to_string(checked_in()).unwrap(), schema(), "write it anew with BLESS=1");
}

#[test]
fn every_topology_file_of_the_repository_is_read_and_fits_the_schema() {
    let validator = validator();
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/topologies")).unwrap();
    let mut count = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&path).unwrap();
        if let Err(error) = Topology::from_file(&path) {
            panic!("{error}");
        }
        let errors: Vec<_> = validator.iter_errors(&json(&text).unwrap()).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        count += 1;
    }
    assert!(count >= 5, "there are only {count} files");
}

#[test]
fn the_schema_refuses_what_the_reader_refuses_for_its_shape() {
    let validator = validator();
    let of_shape = ["N0103", "N0104", "N0105"];
    let (mut wrong, mut right) = (0, 0);
    for (name, text) in mistakes::files() {
        let Some(json) = json(&text) else { continue };
        let mistakes = Topology::from_source(&Source::new(name.as_str(), text)).unwrap_err();
        // Some mistakes of these kinds need more than the shape: what a slip was to be, how many members there are.
        let shape = mistakes.iter().any(|mistake| {
            of_shape.contains(&mistake.problem.code())
                && !mistake.problem.message.starts_with("a firewall rule does nothing")
                && !mistake.problem.message.starts_with("all arrays")
        });
        assert_eq!(validator.is_valid(&json), !shape, "{name}: {mistakes}");
        *(if shape { &mut wrong } else { &mut right }) += 1;
    }
    assert!(wrong >= 5 && right >= 20, "{wrong} of a wrong shape, {right} of a right one");
}
