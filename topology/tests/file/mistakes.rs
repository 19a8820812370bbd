//! Every `mistakes/NAME.toml` is wrong, and `NAME.txt` is what it is told. `BLESS=1` writes what is told now.

use super::*;

#[test]
fn every_mistake_is_told_with_place_cause_and_remedy() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/file/mistakes");
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 10, "there are only {} files in {}", files.len(), directory.display());
    let mut different = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let told = match Topology::from_source(&Source::new(name, text)) {
            Ok(_) => panic!("{name} is a good topology"),
            Err(mistakes) => format!("{mistakes}\n"),
        };
        let expected = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(expected, told).unwrap();
        } else if fs::read_to_string(expected).unwrap_or_default() != told {
            different.push(told);
        }
    }
    assert!(different.is_empty(), "told otherwise (see with BLESS=1 and git diff):\n\n{}", different.join("\n"));
}
