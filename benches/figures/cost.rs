//! What safety costs: the sandbox against none, in turns within one run; and what the journal writes for an image, by itself, since
//! there is no factory without one.

use super::{BUILD_DEADLINE, milliseconds, show};
use crate::support::client::{Client, assert_complete};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use factoryd::domain::{Image, ImageId, Kind, StepName, StepResult};
use factoryd::store::{Options, StepChange, Store};
use serde_json::json;
use std::time::{Instant, SystemTime};
use tokio::runtime::Runtime;

/// How often each is done.
const STARTS: usize = 20;
const IMAGES: usize = 100;
const BUILDS: usize = 5;
/// With a sandbox and without.
const WAYS: [(&str, &str); 2] = [("with a sandbox", "enforce"), ("without", "off")];

/// Measures, and prints.
pub(super) fn cost(runtime: &Runtime) {
    runtime.block_on(first_images());
    let sandbox = runtime.block_on(images());
    let journal = runtime.block_on(journal());
    println!("{:<44} {:9.2} ms", "journal and sandbox add to a mock image", sandbox + journal);
    builds(journal);
}

/// The first image of a daemon: its plugin is launched for it, which is where a sandbox is made.
async fn first_images() {
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..STARTS {
        for (times, (_, mode)) in times.iter_mut().zip(WAYS) {
            let sandbox = Sandbox::new();
            let daemon = sandbox.daemon_with(&["--sandbox", mode]);
            times.push(image(&mut daemon.connect().await).await);
        }
    }
    compare("the first mock image of a daemon", times, "ms");
}

/// Images of daemons that run, one of each in turns. Answers what the sandbox adds.
async fn images() -> f64 {
    let sandboxes = WAYS.map(|_| Sandbox::new());
    let start =
        |(sandbox, (_, mode)): (&Sandbox, (&str, &str))| sandbox.daemon_with(&["--sandbox", mode]);
    let daemons: Vec<Daemon> = sandboxes.iter().zip(WAYS).map(start).collect();
    let mut clients = Vec::new();
    for daemon in &daemons {
        let mut client = daemon.connect().await;
        image(&mut client).await;
        clients.push(client);
    }
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..IMAGES {
        for (times, client) in times.iter_mut().zip(&mut clients) {
            times.push(image(client).await);
        }
    }
    let [with, without] = compare("a mock image", times, "ms");
    with - without
}

async fn image(client: &mut Client) -> f64 {
    let start = Instant::now();
    let image = client.create_base(&Tdl::mock("cost"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&image.id).await);
    milliseconds(start)
}

/// All that the journal reads and writes while a base image is made, in a store of its own: whether the step is done, that it begins,
/// which try that is, that it is done, and that nothing of it is needed any more. The last is written with the image's end,
/// so that this is rather too much.
async fn journal() -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Options { root: directory.path().to_owned() }).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..IMAGES {
        let id = ImageId::parse(&uuid()).unwrap();
        let image = Image::asked_for(id.clone(), Kind::Base, SystemTime::now());
        store.insert(&image).await.unwrap();
        let step = StepName::CreateBaseImage;
        let start = Instant::now();
        store.step_of(&id, step).await.unwrap();
        store.advance(&id, &[StepChange::Begin(step)], Vec::new()).await.unwrap();
        store.step_of(&id, step).await.unwrap();
        let done = StepChange::Done(step, StepResult::default());
        store.advance(&id, &[done], Vec::new()).await.unwrap();
        store.advance(&id, &[StepChange::Forget], Vec::new()).await.unwrap();
        times.push(milliseconds(start));
    }
    store.close().await;
    show("the journal of a base image", times, "ms")
}

/// A real build with a sandbox and without, in turns.
fn builds(journal: f64) {
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut processor: [Vec<f64>; 2] = Default::default();
    for _ in 0..BUILDS {
        for (index, (_, mode)) in WAYS.iter().enumerate() {
            let sandbox = Sandbox::new();
            let mut factory = sandbox.factory();
            factory.args(["--sandbox", mode, "build"]).arg(sandbox.template(&Tdl::debian("cost")));
            let (start, used) = (Instant::now(), processor_time());
            Ended::of(&factory, BUILD_DEADLINE).succeeded();
            times[index].push(start.elapsed().as_secs_f64());
            processor[index].push(processor_time() - used);
        }
    }
    let [_, without] = compare("a Debian image", times, "s");
    compare("a Debian image, time of processors", processor, "s");
    println!(
        "{:<44} {:9.4} ×",
        "  the journal's share, of without",
        1.0 + journal / 1000.0 / without
    );
}

/// Answers how long processors worked for the children of this process that have ended, in seconds.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let numbers: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    // In hundredths: proc_pid_stat(5), cutime and cstime.
    let ticks = numbers[13..15].iter().map(|number| number.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// Prints both ways and their ratio, and returns their medians.
fn compare(name: &str, times: [Vec<f64>; 2], unit: &str) -> [f64; 2] {
    let [with, without] = times;
    let medians = [(with, WAYS[0].0), (without, WAYS[1].0)]
        .map(|(times, way)| show(&format!("{name}, {way}"), times, unit));
    println!("{:<44} {:9.4} ×", "  ratio", medians[0] / medians[1]);
    medians
}

fn uuid() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().to_owned()
}
