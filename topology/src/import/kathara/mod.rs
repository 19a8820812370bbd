//! Labs of [Kathará]: a directory with `lab.conf` and startup scripts.
//!
//! | in the lab | in the topology |
//! |---|---|
//! | a device | a node; it forwards, as Kathará makes every device do |
//! | `pc1[0]="A"`, `pc1[0]="A/02:00:00:00:00:01"` | the interface `eth0`, with that MAC |
//! | a collision domain | a switch, whether two interfaces are on it or any other number |
//! | `pc1.startup`, `shared.startup`, `pc1[exec]` | carried out on the model, in Kathará's order |
//! | `pc1[sysctl]`, `pc1[ipv6]` | the node's settings |
//! | images, memory, files, `lab.dep` | not carried over, and noted |
//! | `lab.ext` | refused: it joins the lab to the engine's host |
//!
//! A collision domain is a switch even between two interfaces, because it is one in Kathará: a device that goes down
//! takes no carrier from the other.
//!
//! Whether devices have IPv6 is, in Kathará, a setting of whoever starts the lab, unless `lab.conf` says
//! `pc1[ipv6]`. Where nothing is said, they have it.
//!
//! [Kathará]: https://www.kathara.org/man-pages/kathara-lab.conf.5.html

mod conf;
mod domains;

use std::{fs, path::Path, sync::Arc};

use super::{
    Imported, Refusals, command,
    lab::Lab,
    load,
    report::{At, Report, Source},
    shell,
};

/// Reads a lab from its directory; `allow` names checks that are switched off, as
/// [`Draft::allow`](crate::Draft::allow) does.
///
/// # Errors
///
/// Everything in its files that cannot be imported.
pub fn read(directory: impl AsRef<Path>, allow: &[&str]) -> Result<Imported, Refusals> {
    let directory = directory.as_ref();
    let mut report = Report::default();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let at = At::line_of(&Source::new(directory.display().to_string(), ""), 1);
            report.refuse(&at, format!("cannot read this directory: {error}"));
            return Err(Refusals(report.refusals));
        }
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut files = Files::default();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if path.is_dir() {
            files.directories.push((name, At::line_of(&Source::new(path.display().to_string(), ""), 1)));
        } else if is_of_lab(&name) {
            files.texts.extend(load(&path, &mut report).map(|source| (name, source)));
        }
    }
    let title = directory.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    lab(files, title, directory, allow, report)
}

/// Reads a lab from the texts of its files, each with its name.
///
/// ```
/// use netns_test_topology::import::kathara;
///
/// let lab = kathara::parse(
///     [
///         ("lab.conf", "pc1[0]=\"A\"\npc2[0]=\"A\"\n"),
///         ("pc1.startup", "ip address add 10.0.0.1/24 dev eth0\n"),
///         ("pc2.startup", "ip address add 10.0.0.2/24 dev eth0\n"),
///     ],
///     &[],
/// )?;
/// assert_eq!(lab.topology.peer("pc1", "eth0").unwrap().to_string(), "A.pc1-eth0");
/// # Ok::<(), netns_test_topology::import::Refusals>(())
/// ```
///
/// # Errors
///
/// Everything in the texts that cannot be imported.
pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, allow: &[&str]) -> Result<Imported, Refusals> {
    let texts = files.into_iter().map(|(name, text)| (name.to_owned(), Source::new(name, text))).collect();
    lab(Files { texts, directories: Vec::new() }, String::new(), Path::new("."), allow, Report::default())
}

/// What the directory of a lab holds.
#[derive(Default)]
struct Files {
    texts: Vec<(String, Arc<Source>)>,
    directories: Vec<(String, At)>,
}

impl Files {
    fn text(&self, name: &str) -> Option<&Arc<Source>> {
        self.texts.iter().find(|(other, _)| other == name).map(|(_, source)| source)
    }
}

fn is_of_lab(name: &str) -> bool {
    matches!(name, "lab.conf" | "lab.dep" | "lab.ext") || name.ends_with(".startup") || name.ends_with(".shutdown")
}

fn lab(
    files: Files,
    title: String,
    directory: &Path,
    allow: &[&str],
    mut report: Report,
) -> Result<Imported, Refusals> {
    let Some(source) = files.text("lab.conf") else {
        let at = At::line_of(&Source::new(directory.join("lab.conf").display().to_string(), ""), 1);
        if report.refusals.is_empty() {
            report
                .refuse(&at, "this lab has no `lab.conf`")
                .set_help("a lab of Kathará is a directory with this file in it");
        }
        return Err(Refusals(report.refusals));
    };
    let mut lab = Lab::new(At::line_of(source, 1));
    let mut devices = conf::read(source, &mut lab, &mut report);
    if lab.name.is_empty() {
        lab.name = title;
    }
    if devices.is_empty() && report.refusals.is_empty() {
        report.refuse(&lab.at, "this lab has no devices").set_help("declare them as `pc1[0]=\"A\"`");
    }
    for device in &mut devices {
        device.make_ports(&mut report);
    }
    for device in &mut devices {
        for name in ["shared.startup".to_owned(), format!("{}.startup", device.machine.name)] {
            let Some(source) = files.text(&name) else { continue };
            let place = |line, column, length| At::new(source, line, column, length);
            let statements = shell::statements(source.text(), place, &mut report);
            command::run_script(&mut device.machine, statements, &mut report);
        }
        for (text, at) in std::mem::take(&mut device.commands) {
            let statements = shell::statements(&text, |_, _, _| at.clone(), &mut report);
            command::run_script(&mut device.machine, statements, &mut report);
        }
        device.check_ipv6(&mut report);
    }
    note_files(&files, &devices, &mut report);
    domains::join(devices, &mut lab, &mut report);
    lab.finish(allow, report)
}

/// What the directory holds beside `lab.conf` and the scripts that were run.
fn note_files(files: &Files, devices: &[conf::Device], report: &mut Report) {
    let is_device = |name: &str| devices.iter().any(|device| device.machine.name == *name);
    for (name, source) in &files.texts {
        let at = At::line_of(source, 1);
        match name.as_str() {
            "lab.conf" | "shared.startup" => {}
            "lab.dep" => report.note(&at, "`lab.dep`", "a network has no programs that start one after another"),
            "lab.ext" => {
                report
                    .refuse(&at, "`lab.ext` joins collision domains to interfaces of the engine's host, which a test does not have")
                    .set_help("remove the file, or declare a device in place of what is outside");
            }
            other => match other.rsplit_once('.') {
                Some((_, "shutdown")) => {
                    report.note(&at, format!("`{name}`"), "a network is taken down whole when its test ends")
                }
                Some((device, _)) if !is_device(device) => {
                    report.note(
                        &at,
                        format!("`{name}`"),
                        "`lab.conf` has no device of that name, and Kathará does not run it",
                    );
                }
                _ => {}
            },
        }
    }
    for (name, at) in &files.directories {
        if is_device(name) || name == "shared" {
            report.note(
                at,
                format!("the directory `{name}`"),
                "a node has no files of its own: give a program its files in the test",
            );
        }
    }
}
