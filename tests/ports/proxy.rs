//! As the tests of proxies: reverse proxies on the ports of the web, SOCKS servers as fast-socks5, and transparent ones,
//! whose option `IP_TRANSPARENT` socket2 has an ignored test for, and pingora none because it needs privileged CI.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use netns_test::netns_test;
use rtnetlink::{
    RouteMessageBuilder, new_connection,
    packet_route::{
        route::{RouteScope, RouteType},
        rule::RuleAction,
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// A web server of one line; it tells whom it takes its client for.
async fn origin(listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((mut stream, from)) = listener.accept().await {
            let mut lines = BufReader::new(&mut stream).lines();
            let mut first = lines.next_line().await.unwrap().unwrap();
            while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
            if first.starts_with("GET") {
                first = from.ip().to_string();
            }
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{first}", first.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
}

async fn get(mut stream: TcpStream) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

/// A client with an address of its own choice.
async fn connect(from: &str, to: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0))?;
    socket.connect(to.parse().unwrap()).await
}

#[netns_test]
async fn a_reverse_proxy_tells_the_server_who_the_client_is() -> io::Result<()> {
    origin(TcpListener::bind("127.0.0.1:8080").await?).await;
    let proxy = TcpListener::bind("0.0.0.0:80").await?;
    tokio::spawn(async move {
        while let Ok((mut client, from)) = proxy.accept().await {
            let mut server = TcpStream::connect("127.0.0.1:8080").await.unwrap();
            let to = client.local_addr().unwrap();
            // Version 1 of haproxy's PROXY protocol.
            let line = format!("PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port());
            server.write_all(line.as_bytes()).await.unwrap();
            copy_bidirectional(&mut client, &mut server).await.unwrap();
        }
    });

    let client = connect("127.0.0.7", "127.0.0.1:80").await?;
    let port = client.local_addr()?.port();
    assert_eq!(get(client).await?, format!("PROXY TCP4 127.0.0.7 127.0.0.1 {port} 80"));
    Ok(())
}

/// One connection of RFC 1928, by address, without authentication.
async fn socks5(mut client: TcpStream) -> io::Result<()> {
    let mut greeting = [0; 3];
    client.read_exact(&mut greeting).await?;
    assert_eq!(greeting, [5, 1, 0]);
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 10];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..4], [5, 1, 0, 1]);
    let address = Ipv4Addr::new(request[4], request[5], request[6], request[7]);
    match TcpStream::connect((address, u16::from_be_bytes([request[8], request[9]]))).await {
        Ok(mut server) => {
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
        Err(error) => {
            let code = match error.kind() {
                io::ErrorKind::NetworkUnreachable => 3,
                io::ErrorKind::ConnectionRefused => 5,
                _ => 1,
            };
            client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await
        }
    }
}

#[netns_test]
async fn a_socks_server_connects_and_tells_failures_apart() -> io::Result<()> {
    origin(TcpListener::bind("127.0.0.9:443").await?).await;
    let proxy = TcpListener::bind("127.0.0.1:1080").await?;
    tokio::spawn(async move {
        while let Ok((client, _)) = proxy.accept().await {
            tokio::spawn(socks5(client));
        }
    });
    let through = async |address: [u8; 4], port: u16| -> io::Result<(u8, TcpStream)> {
        let mut stream = TcpStream::connect("127.0.0.1:1080").await?;
        stream.write_all(&[5, 1, 0]).await?;
        stream.read_exact(&mut [0; 2]).await?;
        let [a, b, c, d] = address;
        let [high, low] = port.to_be_bytes();
        stream.write_all(&[5, 1, 0, 1, a, b, c, d, high, low]).await?;
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).await?;
        Ok((answer[1], stream))
    };

    let (code, stream) = through([127, 0, 0, 9], 443).await?;
    assert_eq!((code, get(stream).await?.as_str()), (0, "127.0.0.1"));
    assert_eq!(through([127, 0, 0, 9], 444).await?.0, 5, "refused");
    assert_eq!(through([203, 0, 113, 9], 443).await?.0, 3, "no machine has a way to there");
    Ok(())
}

#[netns_test]
async fn a_transparent_proxy_takes_what_is_for_others_and_keeps_the_clients_address() -> io::Result<()> {
    // Everything is local, as the manual of TPROXY has it for what it has marked.
    let (connection, handle, _) = new_connection()?;
    tokio::spawn(connection);
    let everything = RouteMessageBuilder::<Ipv4Addr>::new()
        .kind(RouteType::Local)
        .scope(RouteScope::Host)
        .output_interface(1)
        .table_id(100);
    handle.route().add(everything.build()).execute().await.unwrap();
    handle.rule().add().v4().table_id(100).action(RuleAction::ToTable).execute().await.unwrap();

    let transparent = |address: &str| -> io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        socket2::SockRef::from(&socket).set_ip_transparent_v4(true)?;
        socket.bind(address.parse().unwrap())?;
        Ok(socket)
    };
    let proxy = transparent("0.0.0.0:80")?.listen(8)?;
    origin(TcpListener::bind("127.0.0.1:8080").await?).await;
    tokio::spawn(async move {
        while let Ok((mut client, from)) = proxy.accept().await {
            assert_eq!(client.local_addr().unwrap(), "203.0.113.80:80".parse().unwrap(), "whom it was for");
            let spoofed = transparent(&format!("{}:0", from.ip())).unwrap();
            let mut server = spoofed.connect("127.0.0.1:8080".parse().unwrap()).await.unwrap();
            copy_bidirectional(&mut client, &mut server).await.unwrap();
        }
    });

    let client = transparent("198.51.100.7:0")?.connect("203.0.113.80:80".parse().unwrap()).await?;
    assert_eq!(get(client).await?, "198.51.100.7");
    Ok(())
}
