//! Contents: what comes through, what does not, and what is said of it.

use crate::server::{Reply, Server, client, get, ok, redirect};
use factoryd::outbound::Error;
use std::time::Duration;

const HERE: &str = "127.0.0.1";

fn say(text: &str) -> Reply {
    Reply::Say(text.to_owned())
}

#[tokio::test]
async fn a_content_comes_as_it_is_and_over_redirects() {
    let server = Server::start(vec![
        ("/a", ok("content\n")),
        ("/b", redirect(302, "/a")),
        ("/c", redirect(308, "http://127.0.0.1:{port}/b")),
        ("/empty", ok("")),
        ("/chunks", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
    ])
    .await;
    let client = client(&[HERE], vec![]);
    for (path, content) in
        [("/a", "content\n"), ("/c", "content\n"), ("/empty", ""), ("/chunks", "abcde")]
    {
        assert_eq!(get(&client, &server.url(HERE, path)).await.unwrap(), content, "{path}");
    }
    assert!(
        server.requests()[0].contains("accept-encoding: identity\r\n"),
        "{:?}",
        server.requests()
    );
}

#[tokio::test]
async fn what_is_too_large_too_slow_or_cut_off_is_refused() {
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Server::start(vec![
        ("/announced", Reply::Hang("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".into())),
        ("/endless", Reply::Drip(endless.into(), b"80\r\n................................................................................................................................\r\n", Duration::ZERO)),
        ("/to-the-end", Reply::Drip("HTTP/1.1 200 OK\r\n\r\n".into(), &[b'.'; 100], Duration::ZERO)),
        ("/slow", Reply::Drip(endless.into(), b"1\r\n.\r\n", Duration::from_millis(50))),
        ("/silent", Reply::Hang(String::new())),
        ("/stalls", Reply::Hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".into())),
        ("/cut", say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")),
        ("/cut-chunk", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")),
        ("/closed", say("")),
        ("/noise", say("\0\0\0\0 what\r\n\r\n")),
    ])
    .await;
    let client = client(&[HERE], vec![]);
    for path in ["/announced", "/endless", "/to-the-end"] {
        let error = get(&client, &server.url(HERE, path)).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 1000 }), "{path}: {error}");
    }
    for path in ["/slow", "/silent", "/stalls"] {
        let error = get(&client, &server.url(HERE, path)).await.unwrap_err();
        assert!(matches!(error, Error::TooSlow(_)), "{path}: {error}");
    }
    for path in ["/cut", "/cut-chunk", "/closed", "/noise"] {
        let error = get(&client, &server.url(HERE, path)).await.unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{path}: {error}");
    }
}

#[tokio::test]
async fn only_a_whole_and_plain_answer_counts() {
    let server = Server::start(vec![
        (
            "/gzip",
            say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f.."),
        ),
        ("/part", say("HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx")),
        ("/gone", say("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")),
        ("/broken", say("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")),
        ("/unchanged", say("HTTP/1.1 304 Not Modified\r\n\r\n")),
    ])
    .await;
    let client = client(&[HERE], vec![]);
    let error = get(&client, &server.url(HERE, "/gzip")).await.unwrap_err();
    assert!(matches!(&error, Error::Encoded(encoding) if encoding == "gzip"), "{error}");
    for (path, expected) in
        [("/part", 206), ("/gone", 410), ("/broken", 500), ("/unchanged", 304), ("/none", 404)]
    {
        let error = get(&client, &server.url(HERE, path)).await.unwrap_err();
        assert!(matches!(error, Error::Status(status) if status == expected), "{path}: {error}");
    }
}

#[tokio::test]
async fn every_hop_of_a_redirect_is_judged_anew() {
    let server = Server::start(vec![
        ("/round", redirect(301, "/round")),
        ("/address", redirect(302, "http://127.0.0.1:{port}/secret")),
        ("/decimal", redirect(302, "http://2130706433:{port}/secret")),
        ("/mapped", redirect(302, "http://[::ffff:127.0.0.1]:{port}/secret")),
        ("/metadata", redirect(307, "http://169.254.169.254/latest")),
        ("/name", redirect(302, "http://inside.test:{port}/secret")),
        ("/localhost", redirect(302, "//localhost.:{port}/secret")),
        ("/file", redirect(302, "file:///etc/passwd")),
        ("/ftp", redirect(302, "ftp://server.test/x")),
        ("/nowhere", say("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")),
        ("/secret", ok("secret")),
    ])
    .await;
    let names = vec![("server.test", vec![HERE]), ("inside.test", vec![HERE])];
    let client = client(&["server.test"], names);
    for path in ["/address", "/decimal", "/mapped", "/metadata", "/name", "/localhost"] {
        let error = get(&client, &server.url("server.test", path)).await.unwrap_err();
        assert!(matches!(error, Error::Address { .. }), "{path}: {error}");
    }
    for path in ["/file", "/ftp", "/nowhere"] {
        let error = get(&client, &server.url("server.test", path)).await.unwrap_err();
        assert!(matches!(error, Error::BadRedirect { .. }), "{path}: {error}");
    }
    let error = get(&client, &server.url("server.test", "/round")).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRedirects(3)), "{error}");
    assert!(!server.requests().iter().any(|head| head.contains("/secret")));
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_it_has_now() {
    let server = Server::start(vec![("/", ok("content"))]).await;
    let names = vec![
        ("private.test", vec![HERE]),
        ("metadata.test", vec!["169.254.169.254"]),
        ("mapped.test", vec!["::ffff:127.0.0.1"]),
        ("nat64.test", vec!["64:ff9b::7f00:1"]),
        ("several.test", vec!["10.0.0.1 192.168.0.1 fe80::1"]),
        // First the address that is allowed, then another one.
        ("rebinding.test", vec!["127.0.0.1", "127.0.0.2"]),
    ];
    let refusing = client(&[], names.clone());
    for host in [
        "private.test",
        "metadata.test",
        "mapped.test",
        "nat64.test",
        "several.test",
        "rebinding.test",
    ] {
        let error = get(&refusing, &server.url(host, "/")).await.unwrap_err();
        assert!(
            matches!(&error, Error::Address { host: named } if named == host),
            "{host}: {error}"
        );
    }
    assert_eq!(server.requests().len(), 0, "nothing was connected to");
    let allowing = client(&["127.0.0.1/32"], names);
    let url = server.url("rebinding.test", "/");
    assert_eq!(get(&allowing, &url).await.unwrap(), "content");
    let error = get(&allowing, &url).await.unwrap_err();
    assert!(matches!(error, Error::Address { .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
    let error = get(&allowing, &server.url("unknown.test", "/")).await.unwrap_err();
    assert!(matches!(error, Error::Connection(_)), "{error}");
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let server = Server::start(vec![
        ("/same", redirect(302, "/end")),
        ("/other", redirect(302, "http://other.test:{port}/end")),
        ("/smuggled", redirect(302, "http://evil:pw@server.test:{port}/end")),
        ("/end", ok("content")),
    ])
    .await;
    let names = vec![("server.test", vec![HERE]), ("other.test", vec![HERE])];
    let client = client(&[HERE], names);
    let with = |path: &str| server.url("me:s3cret@server.test", path);
    for path in ["/same", "/other"] {
        assert_eq!(get(&client, &with(path)).await.unwrap(), "content");
    }
    assert_eq!(get(&client, &server.url("server.test", "/smuggled")).await.unwrap(), "content");
    let sent: Vec<bool> = server
        .requests()
        .iter()
        .map(|head| head.contains("authorization: Basic bWU6czNjcmV0"))
        .collect();
    assert_eq!(sent, [true, true, true, false, false, false], "{:?}", server.requests());
    assert!(!server.requests().last().unwrap().contains("authorization"));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused() {
    let key = rcgen::generate_simple_self_signed(vec!["server.test".to_owned()]).unwrap();
    let chain = vec![key.cert.der().clone()];
    let private =
        rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move {
        let (stream, _) = socket.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let client = client(&[HERE], vec![("server.test", vec![HERE])]);
    let error = get(&client, &format!("https://server.test:{port}/")).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(!task.join_next().await.unwrap().unwrap(), "the handshake failed");
}
