//! A flat, unsigned apt repository on loopback with one package in it.

use crate::printed;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

/// The package that the repository has.
pub(crate) const PACKAGE: &str = "factory-greeting";

/// Serves the repository for as long as the test process lives, and returns its URL.
pub(crate) fn serve() -> String {
    let directory = tempfile::tempdir().unwrap();
    let package = build(directory.path());
    let index = index(&package);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that hangs up is not this test's business.
            let _ = answer(stream, &index, &package);
        }
    });
    format!("http://{address}/repository")
}

fn build(directory: &Path) -> Vec<u8> {
    let tree = directory.join("tree");
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::create_dir_all(tree.join("usr/share")).unwrap();
    fs::write(tree.join("usr/share/greeting"), "hello from the repository\n").unwrap();
    let control = format!(
        "Package: {PACKAGE}\nVersion: 1.0\nArchitecture: all\nMaintainer: A Test <test@example.org>\n\
         Description: a greeting\n"
    );
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    let file = directory.join("package.deb");
    let (tree, name) = (tree.to_str().unwrap(), file.to_str().unwrap());
    printed("dpkg-deb", &["--root-owner-group", "--build", tree, name]);
    fs::read(file).unwrap()
}

fn index(package: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(package).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!(
        "Package: {PACKAGE}\nVersion: 1.0\nArchitecture: all\nMaintainer: A Test <test@example.org>\n\
         Description: a greeting\nFilename: ./package.deb\nSize: {}\nSHA256: {digest}\n",
        package.len()
    )
    .into_bytes()
}

fn answer(stream: TcpStream, index: &[u8], package: &[u8]) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?).lines();
    let mut stream = stream;
    while let Some(first) = requests.next() {
        let path = first?.split(' ').nth(1).unwrap_or_default().to_owned();
        while requests.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
        let (status, body) = match path.as_str() {
            "/repository/./Packages" | "/repository/Packages" => ("200 OK", index),
            "/repository/./package.deb" | "/repository/package.deb" => ("200 OK", package),
            _ => ("404 Not Found", &b""[..]),
        };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(body)?;
    }
    Ok(())
}
