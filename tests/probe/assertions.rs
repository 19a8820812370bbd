//! What assertions make of outcomes, and probes that cannot be made.

use netns_test::{Probe, ProbeError, prelude::*};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::networks::Path;

#[netns_test]
fn an_expectation_names_the_speaker_and_a_wrong_one_fails(net: Path) {
    net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.by(&net.r) | by::Timeout);
    let other = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.by(&net.b)));
    assert!(other.contains("somebody else said it") && other.contains("said 10.0.0.1"), "{other}");
    let local = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::NetworkUnreachable.local()));
    assert!(local.contains("network unreachable by the node itself"), "{local}");
    let reason = refused(|| net.a.cannot_reach(ping("192.0.2.1"), by::Timeout | by::Refused));
    assert!(reason.contains("expected  timeout, or refused"), "{reason}");
    let reached = refused(|| net.a.cannot_reach(net.b.ping(), by::Anything));
    assert!(reached.contains("a reaches 10.0.1.2"), "{reached}");
    for expected in [by::Reached.into(), by::Timeout | by::Reached] {
        let text = refused(|| net.a.cannot_reach(net.b.ping(), expected));
        assert!(text.starts_with("`cannot_reach` expects why it is not reached"), "{text}");
    }
    let missed = refused(|| net.a.reaches(ping("192.0.2.1")));
    assert!(missed.contains("a cannot reach 192.0.2.1: network unreachable"), "{missed}");
}

#[netns_test]
fn every_address_of_a_target_counts(net: Path) -> Result {
    net.a.remove_route("default via fd00::1")?;
    let report = net.a.probe(net.b.ping()).run()?;
    assert_eq!(report.answers.len(), 2);
    assert_eq!(report.outcome(), Outcome::NetworkUnreachable);
    net.a.reaches(net.b.ping().v4());
    net.a.cannot_reach(net.b.ping().v6(), by::NetworkUnreachable.local());
    let half = refused(|| net.a.cannot_reach(net.b.ping(), by::NetworkUnreachable));
    assert!(half.contains("a reaches 10.0.1.2"), "{half}");
    Ok(())
}

#[netns_test]
fn checks_report_every_wrong_fact(net: Path) {
    let text = refused(|| {
        check_all(|c| {
            c.reaches(&net.a, ping("10.0.1.2"));
            c.reaches(&net.a, ping("192.0.2.1"));
            c.cannot_reach(&net.a, ping("10.0.1.2"), by::Timeout);
        })
    });
    assert!(text.starts_with("2 of 3 checks failed"), "{text}");
    assert!(text.contains("192.0.2.1: network unreachable") && text.contains("a reaches 10.0.1.2"), "{text}");
}

#[netns_test]
fn a_timeout_before_a_neighbour_could_fail_is_no_verdict() -> Result {
    let lab = Topology::builder()
        .node("a", |n| n.interface("eth0", "10.0.0.1/24").without(Departure::ShortNeighbourTimers))
        .node("b", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("a.eth0", "b.eth0")
        .build()?
        .up()?;
    let a = lab.node("a")?;
    a.reaches(lab.node("b")?.ping());
    // Three requests a second apart take a little more than 3 s.
    for time in [Duration::from_millis(50), Duration::from_secs(3)] {
        match a.probe(ping("10.0.0.77").within(time)).run() {
            Err(ProbeError::TooShort { needed, .. }) => assert!(needed > Duration::from_secs(3), "{needed:?}"),
            other => panic!("it is no verdict: {other:?}"),
        }
        a.flush_neighbours()?;
    }
    a.cannot_reach(ping("10.0.0.77"), by::HostUnreachable.local());
    // The same probe asserted is an error too, although "not reached" is all that was asked for.
    let text = refused(|| a.cannot_reach(ping("10.0.0.77").within(Duration::from_millis(50)), by::Anything));
    assert!(text.contains("cannot tell whether 10.0.0.77 is reached"), "{text}");
    Ok(())
}

#[netns_test]
fn a_probe_from_a_removed_node_is_an_error() -> Result {
    let lab = Path::topology().up()?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    a.reaches(b.ping());
    lab.remove_node(&a)?;
    let error = a.probe(ping("10.0.1.2")).run().expect_err("a is gone");
    assert!(error.to_string().contains("node `a` is gone"), "{error}");
    let text = refused(|| a.cannot_reach(ping("10.0.1.2"), by::Anything));
    assert!(text.contains("node `a` is gone"), "{text}");
    // Nor is a node without addresses out of reach of the others: there is nothing to send to.
    let bare = lab.add_node("bare")?;
    let text = refused(|| b.cannot_reach(bare.ping(), by::Anything));
    assert!(text.contains("`bare` has no address to send to"), "{text}");
    Ok(())
}

#[netns_test]
fn a_target_that_is_no_address_is_an_error(net: Path) {
    let text = refused(|| net.a.cannot_reach(tcp("10.0.1.2"), by::Anything));
    let why = "`10.0.1.2` is not an address with a port, such as `192.0.2.1:80` or `[2001:db8::1]:80`";
    assert_eq!(text, format!("cannot tell whether the target is reached\n\n  {why}"));
    let text = refused(|| net.a.reaches(ping("10.0.1.2").named("b").v6()));
    assert_eq!(text, "cannot tell whether b is reached\n\n  no IPv6 address among 10.0.1.2");
}

#[netns_test]
fn what_cannot_be_served_is_told_with_the_node(net: Path) -> Result {
    let _taken = net.b.run(|| std::net::TcpListener::bind("0.0.0.0:80"))?;
    let refused = |traffic| net.b.serve(traffic).map(drop).unwrap_err().to_string();
    assert_eq!(
        refused(tcp(80)),
        "on node `b`: cannot listen for tcp port 80: Address already in use (os error 98)\n  \
         help: a program of this node has that port, or another `serve`: end it first, or take another port"
    );
    let words = refused(icmp());
    assert!(words.starts_with("on node `b`: cannot serve `icmp`: a responder needs TCP or UDP and a port"), "{words}");
    Ok(())
}

#[netns_test]
async fn a_probe_is_awaited_beside_the_server_it_asks(net: Path) -> Result {
    let socket = net.b.spawn(async { tokio::net::UdpSocket::bind("10.0.1.2:7000").await }).await?;
    let serve = async {
        let mut buffer = [0; 100];
        let (length, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
        std::io::Result::Ok(from)
    };
    let probe: Probe = net.a.probe(udp("10.0.1.2:7000"));
    let (from, report) = tokio::join!(serve, probe);
    let report = report?;
    report.clone().expect(by::Reached);
    assert_eq!(report.answer().local, Some(from?));
    Ok(())
}

/// The message of an assertion that has to fail.
pub(crate) fn refused<R>(assertion: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(assertion)) {
        Ok(_) => panic!("the assertion held"),
        Err(panic) => *panic.downcast::<String>().expect("assertions panic with text"),
    }
}
