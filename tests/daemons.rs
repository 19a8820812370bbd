//! Daemons as Debian ships them, run by an ordinary user, each started by its readiness.
#![cfg(target_os = "linux")]

use std::net::{IpAddr, ToSocketAddrs};

use netns_test::{Output, Process, prelude::*};

const PATIENCE: Duration = Duration::from_secs(30);

/// Sets what udhcpc has learned, and says so.
const LEASE_HOOK: &str = "#!/bin/sh
[ \"$1\" = bound ] || exit 0
busybox ip addr add $ip/$mask dev $interface
busybox ip route add default via $router
echo leased $ip
";

const DNSMASQ: &str = "
# The sandbox of an ordinary user has one user, so that dnsmasq stays who it is.
no-daemon
no-resolv
interface=eth0
bind-interfaces
dhcp-range=10.0.0.100,10.0.0.150,255.255.255.0,1h
dhcp-option=option:router,10.0.0.1
dhcp-leasefile=/run/dnsmasq.leases
address=/www.example/203.0.113.9
log-facility=-
";

#[netns_test]
#[ignore = "needs dnsmasq and udhcpc"]
fn a_client_gets_a_lease_and_resolves_a_name_by_dnsmasq() -> Result {
    let lab = Topology::builder()
        .node("server", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("client", |n| n.interface("eth0", ()).nameserver("10.0.0.1"))
        .link("server.eth0", "client.eth0")
        .build()?
        .up()?;
    let (server, client) = (lab.node("server")?, lab.node("client")?);
    let dns = server.command("dnsmasq").arg("--conf-file=/etc/dnsmasq-test.conf");
    let dns = dns.file("/etc/dnsmasq-test.conf", DNSMASQ).spawn()?;
    dns.ready(listening(udp(53)))?;
    dns.ready(listening(udp(67)))?;

    let dhcp = client.command("udhcpc").args(["-f", "-q", "-n", "-i", "eth0", "-s", "/run/lease-hook"]);
    let dhcp = dhcp.executable_file("/run/lease-hook", LEASE_HOOK).spawn()?;
    let leased: IpAddr = dhcp.wait_for(log("leased ")).within(PATIENCE).run()?["leased ".len()..].parse()?;
    assert!(dhcp.wait()?.success());
    assert_eq!(client.interface("eth0")?.addr(), leased);
    assert!(server.run(|| std::fs::read_to_string("/run/dnsmasq.leases"))?.contains(&leased.to_string()));
    client.reaches(server.ping());

    let found = client.run(|| ("www.example", 80).to_socket_addrs())?.next();
    assert_eq!(found, Some("203.0.113.9:80".parse()?));
    assert!(client.run(|| ("no.example", 80).to_socket_addrs()).is_err());
    dns.terminate()?;
    Ok(())
}

/// Without other users, and without the processes that would become them.
const NGINX: &str = "
daemon off;
user root;
master_process off;
pid /run/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /run/nginx-1;
    proxy_temp_path /run/nginx-2;
    fastcgi_temp_path /run/nginx-3;
    uwsgi_temp_path /run/nginx-4;
    scgi_temp_path /run/nginx-5;
    server {
        listen 80;
        location / { return 200 \"hello $remote_addr\"; }
    }
}
";

#[netns_test]
#[ignore = "needs nginx and curl"]
fn curl_fetches_from_nginx_through_the_port_that_a_gateway_forwards() -> Result {
    let lab = Topology::builder()
        .node("client", |n| n.interface("eth0", "203.0.113.9/24"))
        .node("gateway", |n| {
            n.interface("wan", "203.0.113.1/24")
                .interface("lan", "10.0.0.1/24")
                .forward()
                .masquerade("wan")
                .forward_tcp("wan", 8080, "10.0.0.2:80")
        })
        .node("server", |n| n.interface("eth0", "10.0.0.2/24").route("default via 10.0.0.1"))
        .link("client.eth0", "gateway.wan")
        .link("gateway.lan", "server.eth0")
        .build()?
        .up()?;
    let (client, server) = (lab.node("client")?, lab.node("server")?);
    let web = server.command("nginx").args(["-e", "stderr", "-c", "/etc/nginx-test.conf"]);
    let web = web.file("/etc/nginx-test.conf", NGINX).spawn()?;
    web.ready(listening(tcp(80)))?;

    let fetch = |from: &Node, url: &str| from.command("curl").args(["-sS", "--max-time", "5", url]).output();
    let fetched = fetch(&client, "http://203.0.113.1:8080/")?;
    assert_eq!((fetched.stdout.as_str(), fetched.status.success()), ("hello 203.0.113.9", true), "{}", fetched.stderr);
    let directly = fetch(&client, "http://10.0.0.2/")?;
    assert_eq!(directly.status.code(), Some(7), "{}", directly.stderr);
    // In the other direction the gateway hides who asks.
    let wire = lab.node("client")?.interface("eth0")?.capture(tcp(80))?;
    fetch(&server, "http://203.0.113.9/")?;
    wire.saw(tcp(80).from("203.0.113.1"));
    assert_eq!(web.terminate()?.code(), Some(0));
    Ok(())
}

#[netns_test]
#[ignore = "needs nginx"]
fn nginx_that_becomes_another_user_is_explained() -> Result {
    let node = netns_test::here();
    let config = NGINX.replace("user root;\nmaster_process off;", "user www-data;");
    let web = node.command("nginx").args(["-e", "stderr", "-c", "/etc/nginx-test.conf"]);
    let web = web.file("/etc/nginx-test.conf", config).spawn()?;
    let map = std::fs::read_to_string("/proc/self/uid_map")?;
    if map.split_whitespace().nth(2) != Some("1") {
        // Root's sandbox has all users.
        web.ready(listening(tcp(80)))?;
        return Ok(());
    }
    let error = web.ready(listening(tcp(80))).expect_err("it cannot").to_string();
    assert!(error.contains("chown(\"/run/nginx-1\", 33) failed (22: Invalid argument)"), "{error}");
    assert!(error.contains("help: this sandbox has one user and one group, root"), "{error}");
    Ok(())
}

/// Runs `ssh-keygen` for a key without a password, and returns both parts.
fn key(node: &Node) -> Result<(String, String)> {
    let made = node.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", "/run/key"]).output()?;
    assert!(made.status.success(), "{}", made.stderr);
    let read = |path: &str| node.run(|| std::fs::read_to_string(path));
    Ok((read("/run/key")?, read("/run/key.pub")?))
}

#[netns_test(ids = "subordinate")]
#[ignore = "needs sshd and ssh, and for an ordinary user newuidmap with ranges in /etc/subuid and /etc/subgid"]
fn sshd_that_separates_its_privileges_runs_with_subordinate_ids() -> Result {
    let lab = Topology::builder()
        .node("client", |n| n.interface("eth0", "10.0.0.1/24"))
        .node("server", |n| n.interface("eth0", "10.0.0.2/24"))
        .link("client.eth0", "server.eth0")
        .build()?
        .up()?;
    let (client, server) = (lab.node("client")?, lab.node("server")?);
    let (host_key, _) = key(&server)?;
    let (_, user_key) = key(&client)?;
    let config = "UsePAM no\nStrictModes no\nPermitRootLogin yes\nAuthorizedKeysFile /run/ssh-test/keys\n";
    let sshd = server.command("/usr/sbin/sshd").args(["-D", "-e", "-f", "/run/ssh-test/config"]);
    let sshd = sshd.args(["-h", "/run/ssh-test/host-key"]).private_file("/run/ssh-test/host-key", host_key);
    let sshd =
        sshd.file("/run/ssh-test/config", config).file("/run/ssh-test/keys", user_key).file("/run/sshd/.keep", "");
    // It lets in nobody whose account is locked, as root's often is.
    let users = "root:x:0:0::/:/bin/sh\nsshd:x:100:100::/run/sshd:/bin/false\nnobody:x:65534:65534::/:/bin/false\n";
    let sshd = sshd.file("/etc/passwd", users).private_file("/etc/shadow", "root:*:20000:0:99999:7:::\n");
    let sshd = sshd.spawn()?;
    sshd.ready(listening(tcp(22)))?;

    let options = ["-i", "/run/key", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
    let ssh = client.command("ssh").args(["-F", "/dev/null", "-o", "BatchMode=yes"]).args(options);
    let Output { status, stdout, stderr, .. } =
        ssh.args(["root@10.0.0.2", "cat /proc/sys/kernel/hostname"]).output()?;
    assert!(status.success(), "{stderr}");
    assert_eq!(stdout, "server\n");
    Ok(())
}

/// Starts BIRD with OSPF on every interface; its control socket has the same path on every router.
fn bird(router: &Node, id: &str) -> Result<Process> {
    let config = format!(
        "log stderr all;
         router id {id};
         protocol device {{ scan time 1; }}
         protocol direct {{ ipv4; interface \"*\"; }}
         protocol kernel {{ ipv4 {{ export all; }}; }}
         protocol ospf v2 {{
             ipv4 {{ export all; }};
             area 0 {{ interface \"*\" {{ type ptp; hello 1; dead count 4; }}; }};
         }}\n"
    );
    let bird = router.command("bird").args(["-f", "-c", "/etc/bird-test.conf", "-s", "/run/bird/bird.ctl"]);
    let bird = bird.file("/etc/bird-test.conf", config).file("/run/bird/.keep", "").spawn()?;
    bird.ready(unix("/run/bird/bird.ctl"))?;
    Ok(bird)
}

#[netns_test]
#[ignore = "needs bird"]
fn a_route_is_learned_over_three_routers_by_bird() -> Result {
    let lab = Topology::builder()
        .node("r1", |n| n.interface("lan", "192.0.2.1/24").interface("right", "10.0.0.1/24").forward())
        .node("r2", |n| n.interface("left", "10.0.0.2/24").interface("right", "10.0.1.2/24").forward())
        .node("r3", |n| n.interface("left", "10.0.1.3/24").forward())
        .node("host", |n| n.interface("eth0", "192.0.2.9/24").route("default via 192.0.2.1"))
        .link("host.eth0", "r1.lan")
        .link("r1.right", "r2.left")
        .link("r2.right", "r3.left")
        .build()?
        .up()?;
    let (r2, r3) = (lab.node("r2")?, lab.node("r3")?);
    r3.cannot_reach(ping("192.0.2.9"), by::NetworkUnreachable);
    let routers = [(lab.node("r1")?, "10.0.0.1"), (r2.clone(), "10.0.0.2"), (r3.clone(), "10.0.1.3")];
    let daemons: Vec<_> = routers.iter().map(|(router, id)| bird(router, id)).collect::<Result<_>>()?;

    eventually(PATIENCE, || r3.probe(ping("192.0.2.9")));
    // Each answers at its own socket.
    let status = |node: &Node| node.command("birdc").args(["-s", "/run/bird/bird.ctl", "show", "status"]).output();
    assert!(status(&r2)?.stdout.contains("Router ID is 10.0.0.2"));
    assert!(status(&r3)?.stdout.contains("Router ID is 10.0.1.3"));

    // One that ends in an orderly way takes its routes with it.
    daemons[2].terminate()?;
    r3.cannot_reach(ping("192.0.2.9"), by::NetworkUnreachable);
    Ok(())
}
