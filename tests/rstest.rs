//! rstest's cases and fixtures beside a topology: `#[ignore]` on the argument keeps rstest's hands off it.
#![cfg(target_os = "linux")]

use std::net::{TcpListener, TcpStream};

use netns_test::prelude::*;
use rstest::{fixture, rstest};

topology! {
    /// Two nodes on a cable.
    struct Pair {
        node a { eth0: "10.0.0.1/24"; }
        node b { eth0: "10.0.0.2/24"; }

        link a.eth0 -- b.eth0;
    }
}

#[rstest]
#[case::http(80)]
#[case::https(443)]
#[netns_test::test]
fn a_case_and_a_topology(#[ignore] net: Pair, #[case] port: u16) {
    let _listener = net.b.run(|| TcpListener::bind(("10.0.0.2", port))).unwrap();
    net.a.run(|| TcpStream::connect(("10.0.0.2", port))).unwrap();
}

#[fixture]
fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:80").expect("the network is the test's own")
}

#[rstest]
#[netns_test::test]
fn a_fixture_is_made_in_the_sandbox(listener: TcpListener) {
    TcpStream::connect(listener.local_addr().unwrap()).unwrap();
}

#[rstest]
#[netns_test::test(timeout = "10s")]
async fn values_and_an_async_body(#[values(7, 8)] number: u8) -> Result {
    assert_eq!(tokio::spawn(async move { number }).await?, number);
    assert_eq!(std::process::id(), 2);
    Ok(())
}
