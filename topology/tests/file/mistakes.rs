//! Every `mistakes/NAME.toml` is wrong, and `NAME.txt` is what it is told. `BLESS=1` writes what is told now.

use super::*;

fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/file/mistakes")
}

/// The wrong files, by name.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut paths: Vec<_> = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Compares what is told with a file, or writes it there.
fn compare(file: &str, told: &str, different: &mut Vec<String>) {
    let expected = directory().join(file);
    if std::env::var_os("BLESS").is_some() {
        fs::write(expected, told).unwrap();
    } else if fs::read_to_string(expected).unwrap_or_default() != told {
        different.push(format!("{file}:\n{told}"));
    }
}

#[test]
fn every_mistake_is_told_with_place_cause_and_remedy() {
    let files = files();
    assert!(files.len() >= 40, "there are only {} files", files.len());
    let mut different = Vec::new();
    for (name, text) in files {
        match Topology::from_source(&Source::new(name.as_str(), text)) {
            Ok(_) => panic!("{name} is a good topology"),
            Err(mistakes) => compare(&name.replace(".toml", ".txt"), &format!("{mistakes}\n"), &mut different),
        }
    }
    assert!(different.is_empty(), "told otherwise (see with BLESS=1 and git diff):\n\n{}", different.join("\n"));
}

#[test]
fn every_check_is_seen_to_fire_in_a_file() {
    let wrong = files().into_iter().map(|(name, text)| Topology::from_source(&Source::new(name, text)).unwrap_err());
    let seen: Vec<&str> =
        wrong.flat_map(|mistakes| mistakes.iter().map(|m| m.problem.code()).collect::<Vec<_>>()).collect();
    let checks = Check::ALL.iter().chain(file::CHECKS);
    let unseen = checks.filter(|check| !seen.contains(&check.code)).map(|check| check.name);
    assert_eq!(unseen.collect::<Vec<_>>(), ["duplicate_chain"], "what a file says of one chain is put together");
}

#[cfg(feature = "ariadne")]
#[test]
fn mistakes_are_drawn_with_their_lines() {
    let mut different = Vec::new();
    for name in ["unicode", "subnet_mismatch", "syntax", "missing_key"] {
        let text = fs::read_to_string(directory().join(format!("{name}.toml"))).unwrap();
        let mistakes = Topology::from_source(&Source::new(format!("{name}.toml"), text)).unwrap_err();
        let drawn = mistakes.draw(false);
        assert!(
            !drawn.contains('\u{1b}') && mistakes.draw(true).contains('\u{1b}'),
            "colours are for who asks for them"
        );
        compare(&format!("{name}.drawn"), &drawn, &mut different);
    }
    assert!(different.is_empty(), "drawn otherwise (see with BLESS=1 and git diff):\n\n{}", different.join("\n"));
}
