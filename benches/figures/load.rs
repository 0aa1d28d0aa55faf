//! Many clients of the REST API at once: creates and reads over connections that stay, and what that does to the daemon.

use crate::support::factory::Sandbox;
use crate::support::memory::resident;
use crate::support::tdl::Tdl;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 64;
const CREATES: usize = 2_000;
const READS: usize = 20_000;
/// How long the builds may take that are left when the clients are done.
const BUILDS_DEADLINE: Duration = Duration::from_secs(600);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What all connections share.
struct Load {
    address: String,
    body: String,
    next: AtomicUsize,
    ids: Mutex<Vec<String>>,
}

/// How long each request took, in milliseconds, and what went wrong.
#[derive(Default)]
struct Times {
    creates: Vec<f64>,
    shows: Vec<f64>,
    lists: Vec<f64>,
    errors: Vec<String>,
}

/// One client.
struct Connection {
    stream: BufReader<TcpStream>,
    load: Arc<Load>,
    times: Times,
}

/// What a client is told.
struct Answer {
    status: u16,
    /// How many images a list has.
    total: usize,
    body: String,
}

/// Measures with a daemon and mock plugins, and prints. The second round shows what the first left behind: memory that
/// grows with requests or images would grow again.
pub(super) fn load(runtime: &Runtime) {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with_rest();
    let memory = |what| resident(daemon.brood(), what, "factoryd");
    println!("{:<44} {:9.1} MiB", "load: the idle daemon", memory("VmRSS"));
    for (round, images) in [("first", CREATES), ("second", 2 * CREATES)] {
        println!("load: {round} round");
        requests(runtime, daemon.rest(), images);
        println!(
            "{:<44} {:9.1} MiB   peak {:.1}",
            "  the daemon when all is done",
            memory("VmRSS"),
            memory("VmHWM")
        );
        let size = |name: &str| {
            let file = std::fs::metadata(sandbox.store().join(name));
            file.map_or(0.0, |file| file.len() as f64 / 1024.0 / 1024.0)
        };
        let (database, log) = (size("factory.db"), size("factory.db-wal"));
        println!(
            "{:<44} {database:9.1} MiB   and {log:.1} MiB of write-ahead log",
            "  the database"
        );
    }
    daemon.stop().succeeded();
}

/// Makes all requests, waits until there are so many images, and prints how long it took.
fn requests(runtime: &Runtime, address: &str, images: usize) {
    let template = Tdl::mock("load").xml();
    let load = Arc::new(Load {
        address: address.to_owned(),
        body: serde_json::json!({ "base_image": { "template": template } }).to_string(),
        next: AtomicUsize::new(0),
        ids: Mutex::default(),
    });
    let start = Instant::now();
    let times = runtime.block_on(all(&load));
    let took = start.elapsed().as_secs_f64();
    let complete = runtime.block_on(completed(&load, images));
    let built = start.elapsed().as_secs_f64();
    let requests = times.creates.len() + times.shows.len() + times.lists.len();
    println!(
        "{:<44} {:9.0} requests/s   {requests} from {CONNECTIONS} connections, {} errors",
        "  all requests",
        requests as f64 / took,
        times.errors.len()
    );
    times.errors.iter().take(3).for_each(|error| println!("  {error}"));
    quantiles("  creates", times.creates);
    quantiles("  reads of one image", times.shows);
    quantiles("  reads of 100 of a list", times.lists);
    println!("{:<44} {:9.1} images/s   {complete} COMPLETE", "  builds", CREATES as f64 / built);
}

async fn all(load: &Arc<Load>) -> Times {
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        connections.spawn(run(load.clone()));
    }
    let mut all = Times::default();
    for times in connections.join_all().await {
        all.creates.extend(times.creates);
        all.shows.extend(times.shows);
        all.lists.extend(times.lists);
        all.errors.extend(times.errors);
    }
    all
}

/// Takes requests from the common heap until it is empty: after each create, ten reads.
async fn run(load: Arc<Load>) -> Times {
    let mut connection = Connection::open(load).await;
    loop {
        let number = connection.load.next.fetch_add(1, Ordering::Relaxed);
        match number {
            _ if CREATES + READS <= number => return connection.times,
            _ if number.is_multiple_of((CREATES + READS) / CREATES) => connection.create().await,
            _ if number.is_multiple_of(5) => connection.list().await,
            _ => connection.show(number).await,
        }
    }
}

impl Connection {
    async fn open(load: Arc<Load>) -> Self {
        let stream = TcpStream::connect(&load.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), load, times: Times::default() }
    }

    async fn create(&mut self) {
        let start = Instant::now();
        let body = self.load.body.clone();
        let answer = self.ask("POST", "/base_images", &body, 202).await;
        self.times.creates.push(super::milliseconds(start));
        let id = answer.split_once("\"id\":\"").and_then(|(_, rest)| rest.get(..36));
        let mut ids = self.load.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.extend(id.map(str::to_owned));
    }

    /// Reads the newest image or an older one.
    async fn show(&mut self, number: usize) {
        let id = {
            let ids = self.load.ids.lock().unwrap_or_else(PoisonError::into_inner);
            let index =
                if number.is_multiple_of(2) { ids.len() } else { number % ids.len().max(1) };
            ids.get(index.saturating_sub(1)).cloned()
        };
        let Some(id) = id else { return self.list().await };
        let start = Instant::now();
        self.ask("GET", &format!("/base_images/{id}"), "", 200).await;
        self.times.shows.push(super::milliseconds(start));
    }

    async fn list(&mut self) {
        let start = Instant::now();
        self.ask("GET", "/base_images?limit=100", "", 200).await;
        self.times.lists.push(super::milliseconds(start));
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str, expected: u16) -> String {
        let answer = self.say(method, path, body).await;
        if answer.status != expected {
            self.times.errors.push(format!("{method} {path}: {} {}", answer.status, answer.body));
        }
        answer.body
    }

    async fn say(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let head = format!(
            "{method} /imagefactory{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let (mut status, mut total, mut len, mut line) = (0, 0, 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.unwrap();
            let text = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                len = value.parse().unwrap();
            } else if let Some(value) = text.strip_prefix("x-total-count: ") {
                total = value.parse().unwrap();
            } else if text.is_empty() {
                break;
            }
        }
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).await.unwrap();
        Answer { status, total, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// Waits until so many images are built, and returns how many are.
async fn completed(load: &Arc<Load>, images: usize) -> usize {
    let mut connection = Connection::open(load.clone()).await;
    let deadline = Instant::now() + BUILDS_DEADLINE;
    loop {
        let path = "/base_images?limit=1&status=COMPLETE";
        let count = connection.say("GET", path, "").await.total;
        if images <= count || deadline < Instant::now() {
            return count;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn quantiles(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at =
        |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
    println!(
        "{name:<44} {:9.2} ms   p99 {:.2}, most {:.2}, {} times",
        at(0.5),
        at(0.99),
        times.last().copied().unwrap_or_default(),
        times.len()
    );
}
