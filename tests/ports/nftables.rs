//! As the tests of firewall libraries: those that speak nf_tables over netlink themselves, as rustables, and those that
//! hand JSON to `nft`, as the crate nftables, whose tests are ignored and flush the ruleset of whoever runs them.

use std::{
    io::{ErrorKind, Write},
    net::UdpSocket,
    process::{Command, Stdio},
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    nftables::{
        ChainAttribute, ChainMessage, Hook, HookNumber, InetHookNumber, NfTablesMessage, TableAttribute, TableMessage,
    },
    none::ControlMessage,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use netns_test::netns_test;

const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NF_DROP: u32 = 0;

fn open() -> Socket {
    let mut socket = Socket::new(NETLINK_NETFILTER).unwrap();
    socket.bind_auto().unwrap();
    socket.connect(&SocketAddr::new(0, 0)).unwrap();
    socket
}

fn bytes(flags: u16, family: NetfilterProtoFamily, res_id: u16, inner: impl Into<NetfilterMessageInner>) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let message = NetfilterMessage::new(NetfilterHeader::new(family, 0, res_id), inner);
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Sends a batch whose last request is acknowledged, and returns the error that it came to.
fn commit(socket: &Socket, requests: Vec<NfTablesMessage>) -> Result<(), i32> {
    let border = |border| bytes(0, NetfilterProtoFamily::Unspec, NFNL_SUBSYS_NFTABLES, border);
    let mut batch = border(ControlMessage::BatchBegin);
    let last = requests.len() - 1;
    for (index, request) in requests.into_iter().enumerate() {
        let acknowledged = if index == last { NLM_F_ACK } else { 0 };
        batch.extend(bytes(NLM_F_CREATE | acknowledged, NetfilterProtoFamily::Inet, 0, request));
    }
    batch.extend(border(ControlMessage::BatchEnd));
    socket.send(&batch, 0).unwrap();
    match NetlinkMessage::<NetfilterMessage>::deserialize(&socket.recv_from_full().unwrap().0).unwrap().payload {
        NetlinkPayload::Error(answer) => answer.code.map_or(Ok(()), |code| Err(code.get())),
        other => panic!("an acknowledgement, and not {other:?}"),
    }
}

fn tables(socket: &Socket) -> Vec<String> {
    let ask = NfTablesMessage::GetTable(TableMessage { attributes: Vec::new() });
    socket.send(&bytes(NLM_F_DUMP, NetfilterProtoFamily::Unspec, 0, ask), 0).unwrap();
    let mut names = Vec::new();
    loop {
        let answer = socket.recv_from_full().unwrap().0;
        let mut rest = &answer[..];
        while !rest.is_empty() {
            let length = NetlinkBuffer::new_checked(rest).unwrap().length() as usize;
            match NetlinkMessage::<NetfilterMessage>::deserialize(&rest[..length]).unwrap().payload {
                NetlinkPayload::Done(_) => return names,
                NetlinkPayload::InnerMessage(NetfilterMessage {
                    inner: NetfilterMessageInner::NfTables(NfTablesMessage::NewTable(table)),
                    ..
                }) => names.extend(table.attributes.into_iter().filter_map(|attribute| match attribute {
                    TableAttribute::Name(name) => Some(name),
                    _ => None,
                })),
                other => panic!("a table, and not {other:?}"),
            }
            rest = &rest[length.next_multiple_of(4)..];
        }
    }
}

fn table(name: &str) -> TableMessage {
    TableMessage { attributes: vec![TableAttribute::Name(name.to_owned())] }
}

#[netns_test]
fn a_batch_makes_a_table_with_a_chain_or_nothing() {
    let socket = open();
    assert_eq!(tables(&socket), [""; 0], "nobody else has a table here");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = || sender.send_to(b"x", "127.0.0.1:9").map_err(|error| error.kind());
    assert_eq!(send(), Ok(1));

    let chain = ChainMessage {
        attributes: vec![
            ChainAttribute::Table("firewall".to_owned()),
            ChainAttribute::Name("output".to_owned()),
            ChainAttribute::Type("filter".to_owned()),
            ChainAttribute::Hook(vec![Hook::Number(HookNumber::Inet(InetHookNumber::LocalOut)), Hook::Priority(0)]),
            ChainAttribute::Policy(NF_DROP),
        ],
    };
    let without_a_table = vec![NfTablesMessage::NewChain(chain.clone())];
    assert_eq!(commit(&socket, without_a_table), Err(-libc::ENOENT));
    commit(&socket, vec![NfTablesMessage::NewTable(table("firewall")), NfTablesMessage::NewChain(chain)]).unwrap();
    assert_eq!(tables(&socket), ["firewall"]);
    assert_eq!(send(), Err(ErrorKind::PermissionDenied), "the policy drops what this machine sends");

    commit(&socket, vec![NfTablesMessage::DeleteTable(table("firewall"))]).unwrap();
    assert_eq!(tables(&socket), [""; 0]);
    assert_eq!(send(), Ok(1));
}

/// What `nft -j` answers to a list of commands.
fn nft(commands: &serde_json::Value) -> (bool, String) {
    let mut command = Command::new("nft");
    command.args(["-j", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nft is installed");
    child.stdin.take().unwrap().write_all(commands.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
}

#[netns_test]
#[ignore = "needs nft"]
fn a_ruleset_is_flushed_applied_and_listed() {
    let (flushed, words) = nft(&serde_json::json!({ "nftables": [{ "flush": { "ruleset": null } }] }));
    assert!(flushed, "{words}");
    let unknown = serde_json::json!({ "nftables": [{ "delete": { "table": { "family": "ip", "name": "unknown" } } }] });
    let (deleted, words) = nft(&unknown);
    assert!(!deleted && words.contains("No such file or directory"), "{words}");

    let set = serde_json::json!({
        "family": "ip", "table": "nat", "name": "served", "type": "inet_service", "elem": [80, 443],
    });
    let commands = serde_json::json!({ "nftables": [
        { "add": { "table": { "family": "ip", "name": "nat" } } },
        { "add": { "set": set } },
    ] });
    assert_eq!(nft(&commands), (true, String::new()));
    let listed = nft(&serde_json::json!({ "nftables": [{ "list": { "ruleset": null } }] })).1;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let sets: Vec<_> = listed["nftables"].as_array().unwrap().iter().filter_map(|item| item.get("set")).collect();
    assert_eq!(sets.len(), 1, "{listed}");
    assert_eq!(sets[0]["elem"], serde_json::json!([80, 443]), "{listed}");
}
