//! Programs on nodes: started, fed, awaited.
#![cfg(target_os = "linux")]

mod networks;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener},
    path::{Path as FilePath, PathBuf},
    task::{Context, Waker},
};

use netns_test::{Error, Process, prelude::*, process::ProcessError};
use networks::Path;

fn sh(node: &Node, script: &str) -> std::result::Result<Process, Error> {
    node.command("sh").args(["-c", script]).spawn()
}

/// A program that never ends by itself: it waits for input that never comes.
fn waits(node: &Node) -> std::result::Result<Process, Error> {
    node.command("cat").stdin_piped().spawn()
}

// ---- what it is given

#[netns_test]
fn a_command_leaves_its_output_and_its_status(net: Path) -> Result {
    let output =
        net.a.command("sh").args(["-c", "echo $WORD; echo complained >&2; exit 3"]).env("WORD", "said").output()?;
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("said\n", "complained\n"));
    assert_eq!((output.status.code(), output.status.success()), (Some(3), false));
    Ok(())
}

#[netns_test]
fn a_command_has_the_environment_that_it_is_given(net: Path) -> Result {
    let variables = |command: netns_test::Command| -> Result<Vec<String>> {
        let mut lines: Vec<_> = command.output()?.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        Ok(lines)
    };
    let all = variables(net.a.command("env").envs([("ONE", "1"), ("TWO", "2")]).env("ONE", "one").env_remove("TWO"))?;
    assert!(all.contains(&"ONE=one".to_owned()) && !all.iter().any(|line| line.starts_with("TWO=")), "{all:?}");
    assert!(all.iter().any(|line| line.starts_with("PATH=")), "{all:?}");
    let cleared = variables(net.a.command("env").env("GONE", "1").env_clear().env("KEPT", "1"))?;
    assert_eq!(cleared.iter().filter(|line| !line.starts_with("NOTIFY_SOCKET=")).collect::<Vec<_>>(), ["KEPT=1"]);
    Ok(())
}

#[netns_test]
fn a_command_begins_where_the_test_is_unless_it_is_told(net: Path) -> Result {
    let here = std::env::current_dir()?;
    assert_eq!(net.a.command("pwd").output()?.stdout, format!("{}\n", here.display()));
    assert_eq!(net.a.command("pwd").current_dir("/proc").output()?.stdout, "/proc\n");
    // The paths of closures begin there as well.
    assert_eq!(net.r.run(std::env::current_dir)?, here);
    Ok(())
}

#[netns_test]
fn a_command_reads_what_it_is_given(net: Path) -> Result {
    assert_eq!(net.a.command("cat").output()?.stdout, "");
    let long = "more than a pipe holds\n".repeat(10_000);
    assert_eq!(net.a.command("cat").stdin(&long).output()?.stdout, long);
    let cat = net.a.command("cat").stdin_piped().spawn()?;
    let mut pipe = cat.take_stdin().expect("it is a pipe");
    pipe.write_all(b"first\n")?;
    assert_eq!(cat.wait_log("first")?, "first");
    assert!(cat.take_stdin().is_none() && cat.try_wait()?.is_none());
    drop(pipe);
    assert!(cat.wait()?.success());
    Ok(())
}

#[netns_test]
fn a_file_is_seen_on_its_node_alone(net: Path) -> Result {
    let config = FilePath::new("/etc/netns-test-daemon/main.conf");
    let seen = net.a.command("cat").arg(config).file(config, "port = 53\n").output()?;
    assert_eq!(seen.stdout, "port = 53\n", "{}", seen.stderr);
    assert_eq!(net.a.run(|| std::fs::read_to_string(config))?, "port = 53\n");
    assert!(!net.b.run(|| config.exists()) && !config.exists());
    assert!(net.b.command("cat").arg(config).output()?.stderr.contains("No such file"));

    // What was beside it is still there, with what is mounted over it.
    assert_eq!(net.a.run(|| std::fs::read_to_string("/etc/passwd"))?, std::fs::read_to_string("/etc/passwd")?);
    assert_eq!(net.a.run(|| std::fs::read_to_string("/etc/hosts"))?, std::fs::read_to_string("/etc/hosts")?);
    let names = |node: &Node| -> Result<Vec<_>> {
        let mut all: Vec<_> = node
            .run(|| std::fs::read_dir("/etc"))?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<std::io::Result<_>>()?;
        all.sort();
        Ok(all)
    };
    let mut expected = names(&net.b)?;
    expected.push("netns-test-daemon".into());
    expected.sort();
    assert_eq!(names(&net.a)?, expected);

    // It can be changed, by the test and by another command.
    net.a.run(|| std::fs::write(config, "port = 54\n"))?;
    assert_eq!(net.a.command("cat").arg(config).output()?.stdout, "port = 54\n");
    assert_eq!(net.a.command("cat").arg(config).file(config, "port = 55\n").output()?.stdout, "port = 55\n");
    Ok(())
}

#[netns_test]
fn a_file_takes_the_place_of_one_that_is_there(net: Path) -> Result {
    let before = std::fs::read_to_string("/etc/passwd")?;
    let seen = net.a.command("cat").arg("/etc/passwd").file("/etc/passwd", "root:x:0:0::/:/bin/sh\n").output()?;
    assert_eq!(seen.stdout, "root:x:0:0::/:/bin/sh\n");
    assert_eq!(net.b.run(|| std::fs::read_to_string("/etc/passwd"))?, before);
    assert_eq!(std::fs::read_to_string("/etc/passwd")?, before);
    Ok(())
}

#[netns_test]
fn a_script_and_a_key_have_their_modes(net: Path) -> Result {
    let script = "#!/bin/sh\nstat -c %a /run/daemon/key \"$0\"\n";
    let command = net.a.command("/run/daemon/hook").executable_file("/run/daemon/hook", script);
    assert_eq!(command.private_file("/run/daemon/key", "secret").output()?.stdout, "600\n755\n");
    Ok(())
}

#[netns_test]
fn a_file_that_cannot_be_there_is_refused_with_the_reason(net: Path) {
    let refusal =
        |path: &str| net.a.command("true").file(path, "").spawn().expect_err("it cannot be there").to_string();
    assert!(refusal("etc/x").contains("beginning with `/`"), "{}", refusal("etc/x"));
    assert!(refusal("/etc").contains("write the path of a file in it"), "{}", refusal("/etc"));
    let text = refusal("/no-such-directory/x");
    let words = "on node `a`: cannot put a file at `/no-such-directory/x`: No such file or directory (os error 2)\n";
    assert!(text.starts_with(words), "{text}");
    assert!(text.contains("help: nothing can be added to the root directory"), "{text}");
}

#[netns_test]
fn a_program_of_root_is_found_where_root_has_them(net: Path) -> Result {
    let mirrored =
        net.a.command("netns-test-daemon").executable_file("/usr/sbin/netns-test-daemon", "#!/bin/sh\necho $0\n");
    assert_eq!(mirrored.env("PATH", "/usr/bin:/bin").output()?.stdout, "/usr/sbin/netns-test-daemon\n");
    Ok(())
}

#[netns_test]
fn a_program_that_cannot_be_run_is_refused_with_the_reason(net: Path) {
    let refusal = |command: netns_test::Command| command.spawn().expect_err("it cannot be run").to_string();
    let missing = refusal(net.a.command("no-such-program"));
    assert!(missing.starts_with("on node `a`: cannot run `no-such-program`: No such file"), "{missing}");
    assert!(
        missing.contains("help: it is in no directory of PATH, nor in /usr/local/sbin, /usr/sbin, /sbin: install it"),
        "{missing}"
    );
    let path = refusal(net.a.command("./no/such/program"));
    assert!(path.contains("help: there is no such file on the node; relative paths begin in /"), "{path}");
    let directory = refusal(net.a.command("true").current_dir("/no/such"));
    assert!(directory.contains("help: its working directory `/no/such` is no directory"), "{directory}");
    let interpreter = refusal(net.a.command("/run/x").executable_file("/run/x", "#!/no/such/sh\n"));
    assert!(interpreter.contains("help: its interpreter `/no/such/sh` is not there"), "{interpreter}");
    let mode = refusal(net.a.command("/run/y").file("/run/y", "#!/bin/sh\n"));
    assert!(mode.contains("Permission denied") && mode.contains("help: it is no file that can be run"), "{mode}");
}

// ---- when it is ready

/// Answers one client; `serve` is run on a node.
fn serve(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {address}");
    listener.accept()?.0.write_all(b"hello")
}

#[netns_test]
fn a_function_runs_in_a_process_of_its_own_on_a_node(net: Path) -> Result {
    let server = net.b.process(serve, "10.0.1.2:7000".parse()?).spawn()?;
    server.ready(listening(tcp(7000)))?;
    let mut client = net.a.run(|| TcpStream::connect("10.0.1.2:7000"))?;
    let mut greeting = String::new();
    client.read_to_string(&mut greeting)?;
    assert_eq!((greeting.as_str(), server.wait()?.code()), ("hello", Some(0)));
    assert_eq!(server.stdout(), "listening on 10.0.1.2:7000\n");
    assert_eq!(server.stderr(), "");
    Ok(())
}

#[netns_test]
fn a_function_in_a_process_ends_as_a_program_does(net: Path) -> Result {
    let failed = net.b.process(serve, "10.9.9.9:7000".parse()?).output()?;
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stderr.starts_with("Error: Os { code: 99, "), "{}", failed.stderr);
    let panicked = net.b.process(|text: String| panic!("{text}"), "spaces and\nlines".to_owned()).output()?;
    assert_eq!(panicked.status.code(), Some(101));
    assert!(
        panicked.stderr.contains("tests/processes.rs:") && panicked.stderr.contains("spaces and\nlines"),
        "{panicked:?}"
    );
    let id = net.b.process(|_: u8| println!("{} {:?}", std::process::id(), std::env::args().count()), 0).output()?;
    assert!(id.stdout.ends_with(" 1\n") && !id.stdout.starts_with("2 "), "{id:?}");
    // It is on the node, and can use what a test can.
    let probes = |port: u16| drop(netns_test::here().reaches(tcp(format!("10.0.0.2:{port}").as_str())));
    net.a.serve(tcp(80))?;
    let reached = net.b.process(probes, 80).output()?;
    assert!(reached.status.success(), "{reached:?}");
    let refused = net.b.process(probes, 81).output()?;
    assert!(refused.stderr.contains("refused"), "{refused:?}");
    Ok(())
}

#[netns_test]
fn each_way_of_being_ready_is_awaited(net: Path) -> Result {
    let udp_server = net.b.process(
        |address: String| {
            let _socket = UdpSocket::bind(address).expect("it is free");
            std::io::stdin().read_to_string(&mut String::new()).expect("a pipe");
        },
        "10.0.1.2:53".to_owned(),
    );
    let server = udp_server.stdin_piped().spawn()?;
    server.ready(listening(udp(53).to("10.0.1.2")))?;

    let unix_server = net.b.process(
        |path: PathBuf2| {
            let _stream = UnixListener::bind(&path.0).expect("it is free");
            let _datagrams = UnixDatagram::bind(path.0.with_extension("log")).expect("it is free");
            std::io::stdin().read_to_string(&mut String::new()).expect("a pipe");
        },
        PathBuf2("/run/daemon.sock".into()),
    );
    let server = unix_server.stdin_piped().spawn()?;
    server.ready(unix("/run/daemon.sock"))?;
    server.ready(unix("/run/daemon.log"))?;

    let logging = net.b.command("sh").args(["-c", "echo starting; echo the server is ready >&2; exec cat"]);
    let logging = logging.stdin_piped().spawn()?;
    assert_eq!(logging.ready(log("is ready"))?, "the server is ready");

    net.b.add_bridge("tun0")?;
    net.b.interface("tun0")?.down()?;
    let up = std::thread::scope(|scope| {
        let up = scope.spawn(|| net.b.wait_for(interface("tun0")).run());
        net.b.interface("tun0").and_then(|tunnel| tunnel.up()).expect("it is there");
        up.join().expect("no panic")
    })?;
    assert_eq!(up.name(), "tun0");
    Ok(())
}

/// A path as text.
struct PathBuf2(PathBuf);

impl std::fmt::Display for PathBuf2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

impl std::str::FromStr for PathBuf2 {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[netns_test]
fn a_program_that_notifies_is_ready_when_it_says_so(net: Path) -> Result {
    let notifier = |word: String| {
        let socket = UnixDatagram::unbound().expect("a socket");
        let path = std::env::var("NOTIFY_SOCKET").expect("it is set");
        socket.send_to(b"STATUS=loading\n", &path).expect("somebody listens");
        std::io::stdin().read_to_string(&mut String::new()).expect("a pipe");
        socket.send_to(word.as_bytes(), &path).expect("somebody listens");
    };
    let command = net.a.process(notifier, "READY=1\nMAINPID=1".to_owned()).stdin_piped();
    let daemon = command.clone().spawn()?;
    let early = daemon.wait_for(notify()).within(Duration::from_millis(1));
    eventually(Duration::from_secs(10), || match early.clone().run() {
        Err(Error::Process(error)) => error.to_string().contains("its last word was STATUS=loading"),
        other => panic!("{other:?}"),
    });
    drop(daemon.take_stdin());
    daemon.ready(notify())?;
    assert!(daemon.wait()?.success());
    Ok(())
}

#[netns_test]
fn a_program_that_ends_before_it_is_ready_is_an_error_with_its_log(net: Path) -> Result {
    let failing = sh(&net.b, "echo reading; echo cannot bind >&2; exit 7")?;
    let error = failing.ready(listening(tcp(80))).expect_err("it does not listen");
    let text = error.to_string();
    assert!(
        text.starts_with(
            "on node `b`: waited until `sh` listens on tcp port 80, but it ended before, with exit status: 7\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("its last lines:\n    ") && text.contains("    reading") && text.contains("    cannot bind"),
        "{text}"
    );
    let silent = sh(&net.b, "exit 0")?.ready(notify()).expect_err("it said nothing");
    assert!(silent.to_string().contains("with exit status: 0\n  it printed nothing"), "{silent}");
    // What another node listens to is not its port.
    net.a.serve(tcp(80))?;
    assert!(sh(&net.b, "true")?.ready(listening(tcp(80))).is_err());
    Ok(())
}

#[netns_test]
fn a_port_that_is_never_opened_is_an_error_with_those_that_are(net: Path) -> Result {
    net.b.serve(tcp(8080))?;
    let program = waits(&net.b)?;
    let short = |wait: netns_test::process::Wait<_>| wait.within(Duration::from_millis(20)).run();
    let error = short(program.wait_for(listening(tcp(80)))).expect_err("nobody listens").to_string();
    assert!(
        error.starts_with("on node `b`: waited 20ms until `cat` listens on tcp port 80: what the node listens on is "),
        "{error}"
    );
    assert!(error.contains("tcp ") && error.contains(":8080"), "{error}");
    let error = short(net.b.wait_for(listening(udp(53)))).expect_err("nobody listens").to_string();
    assert!(error.starts_with("on node `b`: waited 20ms until node `b` listens on udp port 53: "), "{error}");
    assert!(error.ends_with("\n  help: if it is only slow, give it longer: `wait_for(…).within(…)`"), "{error}");
    Ok(())
}

#[netns_test]
fn a_port_that_is_nearly_the_one_awaited_is_named(net: Path) -> Result {
    let refusal = |awaited| {
        let wait = net.b.wait_for(listening(awaited)).within(Duration::from_millis(20));
        wait.run().expect_err("nobody listens").to_string()
    };
    net.b.serve(udp(53))?;
    let error = refusal(tcp(53));
    assert!(error.ends_with("\n  help: it listens for udp: did you mean `listening(udp(53))`?"), "{error}");
    let _local = net.b.run(|| TcpListener::bind("127.0.0.1:80"))?;
    let error = refusal(tcp(80).to("10.0.1.2"));
    assert!(error.contains("\n  help: it listens on 127.0.0.1 and no other address: "), "{error}");
    Ok(())
}

#[netns_test]
async fn waits_can_be_awaited(net: Path) -> Result {
    let cat = net.b.command("cat").stdin_piped().spawn()?;
    let waiting = tokio::spawn(cat.wait_for(log("word")).into_future());
    cat.take_stdin().expect("a pipe").write_all(b"a word\n")?;
    assert_eq!(waiting.await??, "a word");
    assert!(cat.wait_for(exit()).await?.success());
    let ended = cat.wait_for(notify()).await.expect_err("it has ended");
    assert!(matches!(&ended, Error::Process(error) if matches!(**error, ProcessError::EndedBefore { .. })), "{ended}");
    let late = net.b.wait_for(interface("tun0")).within(Duration::from_millis(5)).await;
    assert!(late.is_err_and(|error| error.to_string().contains("it has `lo`, `eth0`")));
    Ok(())
}

#[netns_test]
fn who_stops_waiting_finds_no_line(net: Path) -> Result {
    let cat = net.b.command("cat").stdin_piped().spawn()?;
    let mut input = cat.take_stdin().expect("a pipe");
    let begun = |text: &str| {
        let mut wait = cat.wait_for(log(text)).into_future();
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        wait
    };
    for round in 0..20 {
        let (early, late) = (format!("early {round}"), format!("late {round}"));
        drop(begun(&early));
        let dropped_after = begun(&late);
        writeln!(input, "{early}\n{late}\nprompt {round}")?;
        cat.wait_log(format!("prompt {round}"))?;
        drop(dropped_after);
        for line in [early, late] {
            assert_eq!(cat.wait_for(log(&line)).run()?, line);
        }
    }
    Ok(())
}

#[netns_test]
fn each_line_of_a_log_is_found_once(net: Path) -> Result {
    // It looks for signals between short sleeps, for as long as it lives. A shell cannot trap a signal that was ignored when it
    // was started, as SIGHUP is below nohup(1).
    let daemon = sh(&net.a, "trap 'echo reloaded' USR1; echo started; while :; do sleep 0.01; done")?;
    daemon.ready(log("started"))?;
    for _ in 0..3 {
        daemon.signal(SIGUSR1)?;
        daemon.wait_log("reloaded")?;
    }
    assert_eq!(daemon.stdout(), "started\nreloaded\nreloaded\nreloaded\n");
    Ok(())
}
