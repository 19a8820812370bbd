//! The side that has the lab: answers what the shell's commands ask, over a socket of the node that the shell is on.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use netns_test_runtime::{
    lab::{Lab, Node},
    probe::{Outcome, any},
};

use netns_test_topology::{Role, Topology};

use crate::scenario::Packets;

/// What ends the answering.
const STOP: &str = "stop";

/// Begins what is said after an answer: why it is none, or ends early; nothing if it is complete.
pub(super) const END: char = '\0';

/// How often a capture looks for what has come.
const TICK: Duration = Duration::from_millis(50);

/// Abstract names belong to a network namespace, so the socket is one of the node.
pub(super) fn listen(node: &Node, name: &str) -> io::Result<UnixListener> {
    let address = SocketAddr::from_abstract_name(name)?;
    node.run(|| UnixListener::bind_addr(&address))
}

pub(super) fn connect(name: &str) -> io::Result<UnixStream> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
}

/// Answers until it is told to stop.
pub(super) fn serve(listener: &UnixListener, lab: &Lab, topology: &Topology) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { break };
            let mut question = String::new();
            if BufReader::new(&stream).read_line(&mut question).is_err() || question.trim() == STOP {
                break;
            }
            let over = &over;
            scope.spawn(move || {
                let mut words = question.split_whitespace();
                let answered = match (words.next(), words.next()) {
                    (Some("matrix"), _) => {
                        (&stream).write_all(matrix(lab, topology).as_bytes()).map_err(|error| error.to_string())
                    }
                    (Some("capture"), place) => {
                        let filter = words.collect::<Vec<_>>().join(" ");
                        capture(lab, topology, place.unwrap_or_default(), &filter, &stream, over)
                    }
                    _ => Err(format!("`{}` is no question", question.trim())),
                };
                // If it cannot be written, whoever asked has gone.
                let _ = write!(&stream, "{END}{}", answered.err().unwrap_or_default());
            });
        }
        over.store(true, Relaxed);
    });
}

pub(super) fn stop(node: &Node, name: &str) {
    // If it cannot be told, it has ended.
    let _ = node.run(|| connect(name).and_then(|mut stream| writeln!(stream, "{STOP}")));
}

/// Who reaches whom by echo requests, on every address; without the switches, which have none.
fn matrix(lab: &Lab, topology: &Topology) -> String {
    let is_switch = |node: &Node| topology.node(node.name()).is_some_and(|node| node.role == Role::Switch);
    let nodes: Vec<Node> = lab.nodes().into_iter().filter(|node| !is_switch(node)).collect();
    let widest = nodes.iter().map(|node| node.name().chars().count()).max().unwrap_or_default().max(9);
    let cell = |from: &Node, to: &Node| {
        if from == to {
            return "-".to_owned();
        }
        match from.probe(to.ping()).run() {
            Ok(report) => match report.outcome() {
                Outcome::Reached { .. } => "ok".to_owned(),
                outcome => outcome.to_string(),
            },
            Err(_) if to.ping().addresses().is_err() => "no address".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let rows: Vec<Vec<String>> = thread::scope(|scope| {
        let rows: Vec<_> = nodes
            .iter()
            .map(|from| scope.spawn(|| nodes.iter().map(|to| cell(from, to)).collect::<Vec<String>>()))
            .collect();
        rows.into_iter().map(|row| row.join().unwrap_or_default()).collect()
    });
    let widths: Vec<usize> = (0..nodes.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([nodes[column].name().chars().count()]).max().unwrap_or_default()
        })
        .collect();
    let line = |head: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: String = cells.zip(&widths).map(|(cell, width)| format!("  {cell:width$}")).collect();
        format!("{head:widest$}{cells}").trim_end().to_owned() + "\n"
    };
    let mut text = line("from \\ to", &mut nodes.iter().map(Node::name));
    for (node, row) in nodes.iter().zip(&rows) {
        text += &line(node.name(), &mut row.iter().map(String::as_str));
    }
    text
}

/// Tells what passes an interface from now on, until whoever asked has gone or everything is over.
fn capture(
    lab: &Lab,
    topology: &Topology,
    place: &str,
    filter: &str,
    mut stream: &UnixStream,
    over: &AtomicBool,
) -> Result<(), String> {
    let words = |error: io::Error| error.to_string();
    let (node, interface) = place.rsplit_once('.').ok_or("write `capture NODE.INTERFACE [TRAFFIC]`")?;
    let wanted = if filter.is_empty() { any() } else { Packets::parse(filter, topology)?.traffic(lab)? };
    let node = lab.node(node).map_err(|error| error.to_string())?;
    let listener = node.interface(interface).and_then(|interface| interface.capture(wanted));
    let listener = listener.map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(TICK)).map_err(words)?;
    let mut told = 0;
    while !over.load(Relaxed) {
        let packets = listener.packets().map_err(|error| error.to_string())?;
        for packet in packets.iter().skip(told) {
            writeln!(stream, "{packet}").map_err(words)?;
        }
        told = packets.len();
        match stream.read(&mut [0]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // It says nothing more, so this is its end.
            _ => break,
        }
    }
    Ok(())
}
