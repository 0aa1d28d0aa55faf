//! Large and slow requests, many at once: what they say of themselves is not what they may take.

use crate::support::factory::{Daemon, Sandbox};
use crate::support::memory::resident;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

const CLIENTS: usize = 64;
const LEN: usize = 10_000_000;
/// What all bodies together may cost at their peak. Without a bound it were more than this for the bytes alone.
const PEAK_MIB_MAX: f64 = 450.0;
/// What may be left of it.
const REST_MIB_MAX: f64 = 200.0;
/// Longer than anyone waits for an answer.
const DEADLINE: Duration = Duration::from_secs(120);

fn head(len: usize) -> String {
    format!(
        "POST /imagefactory/base_images HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {len}\r\nConnection: close\r\n\r\n"
    )
}

/// Says a part of a request, and answers the status of what comes back.
fn say(address: &str, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // The daemon may answer, and close, before it has read everything.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = [0; 12];
    match stream.read_exact(&mut answer) {
        Ok(()) => std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap(),
        Err(error) => panic!("no answer: {error}"),
    }
}

/// Lets all clients say the same at once, and answers what they are told, each status once.
fn at_once(daemon: &Daemon, head: &str, body: &[u8]) -> Vec<u16> {
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| say(daemon.rest(), head, body))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn assert_nothing_was_created(daemon: &Daemon) {
    let mut stream = TcpStream::connect(daemon.rest()).unwrap();
    let request = "GET /imagefactory/base_images?deleted=true HTTP/1.0\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.to_lowercase().contains("x-total-count: 0"), "{answer}");
}

#[test]
fn many_large_bodies_at_once_take_a_bounded_piece_of_memory_and_give_it_back() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with_rest();
    let memory = |line| resident(daemon.brood(), line, "factoryd");
    let idle = memory("VmRSS");
    let mut long = vec![b'x'; LEN];
    long[..9].copy_from_slice(b"{\"junk\":\"");
    long[LEN - 2..].copy_from_slice(b"\"}");
    let numbers = format!("[{}1]", "1,".repeat(LEN / 2 - 2));
    let forms = "a&".repeat(LEN / 2);
    let bodies = [long, vec![b'['; LEN], numbers.into_bytes(), forms.into_bytes()];
    for body in &bodies {
        let statuses = at_once(&daemon, &head(body.len()), body);
        assert!(statuses.iter().all(|status| [400, 503].contains(status)), "{statuses:?}");
        assert!(statuses.contains(&400), "some are served: {statuses:?}");
    }
    let (peak, rest) = (memory("VmHWM") - idle, memory("VmRSS") - idle);
    assert!(peak < PEAK_MIB_MAX, "{peak} MiB at the peak");
    assert!(rest < REST_MIB_MAX, "{rest} MiB are kept");
    assert_nothing_was_created(&daemon);
    daemon.stop().succeeded();
}

#[test]
fn clients_that_announce_much_and_send_nothing_are_sent_away_and_in_nobodys_way() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with_rest();
    thread::scope(|scope| {
        let slow = scope.spawn(|| at_once(&daemon, &head(LEN), b"{"));
        let small = b"{}";
        assert_eq!(say(daemon.rest(), &head(small.len()), small), 400, "small ones are served");
        assert_eq!(slow.join().unwrap(), [408, 503]);
    });
    assert_nothing_was_created(&daemon);
    daemon.stop().succeeded();
}
