//! What an operation of a mock plugin does, well or badly, with nothing but the SDK.
//!
//! | misbehaviour | what it does |
//! |---|---|
//! | `crash` | writes a panic to standard error and aborts the process |
//! | `exit` | exits with status 7 |
//! | `kill` | kills itself with SIGKILL |
//! | `panic` | panics, which the SDK catches |
//! | `hang` | says nothing more, but obeys a cancellation |
//! | `block` | blocks its thread for ever, deaf to cancellation |
//! | `flood` | writes `mock_events` tiny lines of log |
//! | `stderr-flood` | writes 20 MB to standard error |
//! | `fail` | fails with `mock_fault` and `mock_reason` |
//! | `fill` | writes until the disk is full, and says so in the system's words |
//! | `fork` | leaves a process behind that has cut every tie |
//! | `escape` | tries to get out of its sandbox in the ways of `mock_escape`, and fails with how each went |
//! | `fork-tool` | runs a tool that leaves such a process behind, and waits |
//! | `fork-many` | starts `mock_forks` processes, 10 000 as a rule, and fails |
//! | `eat-memory` | takes memory, up to 2 GiB, and fails if it gets all of it |

use crate::echo;
use crate::escape;
use factory_plugin_sdk::tool::Tool;
use factory_plugin_sdk::{
    Failure, Fault, Level, Operation, Parameters, Progress, proto::ResourceIntent,
};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// The misbehaviours above.
pub const NAMES: &[&str] = &[
    "crash",
    "exit",
    "kill",
    "panic",
    "hang",
    "block",
    "flood",
    "stderr-flood",
    "fail",
    "fill",
    "fork",
    "fork-tool",
    "fork-many",
    "eat-memory",
    "escape",
];

const STEPS: u64 = 5;
const FLOOD_EVENTS: u64 = 100_000;
const FORKS: u64 = 10_000;
const PORTION: usize = 16 << 20;
const PORTIONS: usize = 128;
const STDERR_FLOOD_LINES: usize = 200_000;
/// Forks twice, in a session of its own, without any pipe of ours: only its parentage was ever known.
const ESCAPE: &str =
    "setsid sh -c 'sleep 600 & echo $! > \"$1\"' sh \"$0\" </dev/null >/dev/null 2>&1";

/// What an operation is asked to do.
#[derive(Debug)]
pub struct Scenario<'a> {
    operation: &'a Operation,
    misbehaviour: Option<String>,
    point: Option<String>,
    steps: u64,
    delay: Duration,
    events: Option<u64>,
    forks: u64,
    /// What is to be said aloud.
    secrets: Option<Vec<String>>,
}

impl<'a> Scenario<'a> {
    /// Reads it from the operation's parameters.
    ///
    /// # Errors
    /// If one has a wrong type.
    pub fn read(operation: &'a Operation, method: &str) -> Result<Self, Failure> {
        let parameters = operation.parameters();
        crate::known(parameters)?;
        Ok(Self {
            operation,
            misbehaviour: misbehaviour(parameters, method, operation.attempt())?,
            point: parameters.text("mock_misbehave_at")?,
            steps: parameters.number("mock_steps")?.unwrap_or(STEPS),
            delay: Duration::from_millis(parameters.number("mock_delay_ms")?.unwrap_or(0)),
            events: parameters.number("mock_events")?,
            forks: parameters.number("mock_forks")?.unwrap_or(FORKS),
            secrets: echo::secrets(parameters),
        })
    }

    /// Adds secrets that stand elsewhere than in the parameters, to be said aloud if that is asked for.
    pub fn knowing(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        if let Some(known) = &mut self.secrets {
            known.extend(secrets);
        }
        self
    }

    /// Makes the reports, and misbehaves halfway.
    ///
    /// # Errors
    /// As asked for; or if the operation is cancelled.
    pub async fn play(&self) -> Result<(), Failure> {
        self.report_parameters().await?;
        for step in 0..self.steps {
            if step == self.steps / 2 {
                self.misbehave().await?;
            }
            self.report_step(step).await?;
        }
        if self.steps == 0 {
            self.misbehave().await?;
        }
        self.write_lines(self.events.unwrap_or(0)).await?;
        self.operation.progress(Progress::phase("mock").activity("done").percent(100.0)).await
    }

    async fn report_parameters(&self) -> Result<(), Failure> {
        let (operation, parameters) = (self.operation, self.operation.parameters());
        operation.log(Level::Info, "mock", format!("working on {}", operation.image_id())).await?;
        if let Some(password) = parameters.secret("mock_password") {
            let line = format!("a password of {} characters was given", password.chars().count());
            operation.log(Level::Info, "mock", line).await?;
        }
        if let Some(value) = parameters.get("mock_property") {
            operation.property("mock_property", value.clone()).await?;
        }
        if parameters.boolean("mock_resource")? == Some(true) {
            let intent = ResourceIntent {
                intent_id: operation.id().to_owned(),
                kind: "mock".to_owned(),
                description: "a resource that is only talked about".to_owned(),
                locator_json: "{}".to_owned(),
                lasting: true,
            };
            operation.resource(intent).await?.created("mock-resource").await?;
        }
        Ok(())
    }

    async fn report_step(&self, step: u64) -> Result<(), Failure> {
        let percent = 100.0 * step as f64 / self.steps as f64;
        let progress = Progress::phase("mock")
            .activity(format!("step {} of {}", step + 1, self.steps))
            .percent(percent)
            .amount(step, self.steps, "steps");
        self.operation.progress(progress).await?;
        let slept = tokio::time::sleep(self.delay);
        let cancellation = self.operation.cancellation();
        cancellation.run_until_cancelled(slept).await.ok_or_else(Failure::cancelled)
    }

    async fn write_lines(&self, count: u64) -> Result<(), Failure> {
        for number in 0..count {
            self.operation.log(Level::Debug, "mock", number.to_string()).await?;
        }
        Ok(())
    }

    /// Does what `mock_misbehave` says, and nothing else; nothing at all if that is for a named point.
    ///
    /// # Errors
    /// As asked for; or if the operation is cancelled.
    pub async fn misbehave(&self) -> Result<(), Failure> {
        if let Some(secrets) = &self.secrets {
            echo::tell(self.operation, secrets).await?;
        }
        if self.point.is_some() { Ok(()) } else { self.misbehave_now().await }
    }

    /// Does what `mock_misbehave` says, if that is for this point (`mock_misbehave_at`). Says before that it is there.
    ///
    /// # Errors
    /// As asked for; or if the operation is cancelled.
    pub async fn at(&self, point: &str) -> Result<(), Failure> {
        if self.misbehaviour.is_none() || self.point.as_deref() != Some(point) {
            return Ok(());
        }
        self.operation.log(Level::Info, "mock", format!("at {point}")).await?;
        self.misbehave_now().await
    }

    /// Answers what to do at a point that is reached without the operation: a name for [`misbehave_alone`].
    pub fn alone_at(&self, point: &str) -> Option<String> {
        self.misbehaviour.clone().filter(|_| self.point.as_deref() == Some(point))
    }

    async fn misbehave_now(&self) -> Result<(), Failure> {
        match self.misbehaviour.as_deref() {
            Some("crash") => crash(&self.aside()),
            Some("exit") => std::process::exit(7),
            Some("kill") => kill(),
            Some("panic") => panic!("the mock was asked to panic{}", self.aside()),
            Some("hang") => self.hang().await,
            Some("block") => loop {
                std::thread::park();
            },
            Some("flood") => self.write_lines(self.events.unwrap_or(FLOOD_EVENTS)).await,
            Some("stderr-flood") => flood_stderr(),
            Some("fail") => Err(self.failure()?),
            Some("fill") => self.fill(),
            Some("fork") => self.fork().await,
            Some("fork-tool") => self.fork_tool().await,
            Some("fork-many") => fork_many(self.forks),
            Some("eat-memory") => eat_memory(),
            Some("escape") => self.escape().await,
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the secrets that are to be said aloud.
    fn aside(&self) -> String {
        let secrets = self.secrets.as_deref().unwrap_or_default();
        if secrets.is_empty() { String::new() } else { format!(": {}", echo::text(secrets)) }
    }

    async fn hang(&self) -> Result<(), Failure> {
        self.operation.cancellation().cancelled().await;
        Err(Failure::cancelled())
    }

    fn failure(&self) -> Result<Failure, Failure> {
        let parameters = self.operation.parameters();
        let reason = parameters.text("mock_reason")?.unwrap_or_else(|| "MOCK_FAILURE".to_owned());
        let fault = parameters.text("mock_fault")?.unwrap_or_default();
        let fault = Fault::from_str_name(&fault).unwrap_or(Fault::User);
        let message = format!("the mock was asked to fail{}", self.aside());
        Ok(Failure::new(fault, &reason, message)
            .detail(self.aside())
            .hint("leave out the parameter mock_misbehave")
            .path("parameters.mock_misbehave"))
    }

    fn fill(&self) -> Result<(), Failure> {
        let path = self.operation.work_dir().join("filler");
        let full = std::fs::File::create(&path).and_then(|mut file| {
            loop {
                file.write_all(&[1; 64 * 1024])?;
            }
        });
        let Err(error): Result<(), _> = full else { return Ok(()) };
        Err(Failure::new(Fault::Plugin, "MOCK_WRITE", format!("failed to write: {error}")))
    }

    /// Leaves a process that no SDK knows of, and reports its number.
    async fn fork(&self) -> Result<(), Failure> {
        let file = self.operation.work_dir().join("escaped");
        let forked = std::process::Command::new("sh").arg("-c").arg(ESCAPE).arg(&file).status();
        forked.map_err(|error| Failure::new(Fault::Host, "MOCK_FORK", error.to_string()))?;
        self.report_escaped().await
    }

    /// Tries to get out, tells how each try went, and fails with the first thing that it was kept from.
    async fn escape(&self) -> Result<(), Failure> {
        let outcomes = escape::tries(self.operation.parameters())?;
        let property = outcomes.iter().map(|(name, outcome)| {
            let told = outcome.as_ref().map_or_else(ToString::to_string, |()| escape::OUT.into());
            (name.clone(), Value::from(told))
        });
        self.operation.property("mock_escape", property.collect::<Value>()).await?;
        match outcomes.into_iter().find_map(|(name, outcome)| Some((name, outcome.err()?))) {
            None => Ok(()),
            Some((name, error)) => {
                Err(Failure::new(Fault::Plugin, "MOCK_ESCAPE", format!("{name}: {error}")))
            }
        }
    }

    /// Runs a tool that leaves such a process, and that itself stays, until it is stopped.
    async fn fork_tool(&self) -> Result<(), Failure> {
        let file = self.operation.work_dir().join("escaped");
        let script = format!("{ESCAPE}; echo ready; sleep 600");
        let tool = Tool::new("sh").arg("-c").arg(script).arg(&file);
        let report = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.report_escaped().await
        };
        tokio::try_join!(tool.run(self.operation), report).map(drop)
    }

    async fn report_escaped(&self) -> Result<(), Failure> {
        let path = self.operation.work_dir().join("escaped");
        let mut text = String::new();
        // The shell has made the file before it writes to it.
        while !text.ends_with('\n') {
            text = std::fs::read_to_string(&path).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let pid: Value = text.trim().parse::<u64>().unwrap_or_default().into();
        self.operation.property("mock_escaped_pid", pid).await
    }
}

/// Does what can be done badly without an operation: `crash`, `exit`, `kill`, `panic`, `block`, `hang` and `fail`.
///
/// # Errors
/// As asked for.
pub async fn misbehave_alone(name: &str) -> Result<(), Failure> {
    match name {
        "crash" => crash(""),
        "exit" => std::process::exit(7),
        "kill" => kill(),
        "panic" => panic!("the mock was asked to panic"),
        "block" => loop {
            std::thread::park();
        },
        "hang" => std::future::pending().await,
        "fail" => Err(Failure::new(Fault::Transient, "MOCK_FAILURE", "the mock was asked to fail")),
        _ => Ok(()),
    }
}

fn misbehaviour(
    parameters: &Parameters,
    method: &str,
    attempt: u32,
) -> Result<Option<String>, Failure> {
    let methods = parameters.text("mock_misbehave_in")?;
    let here = methods.is_none_or(|methods| methods.split(',').any(|name| name.trim() == method));
    let attempts = parameters.number("mock_misbehave_attempts")?.unwrap_or(u64::MAX);
    let now = u64::from(attempt) <= attempts;
    Ok(parameters.text("mock_misbehave")?.filter(|_| here && now))
}

fn crash(aside: &str) -> Result<(), Failure> {
    eprintln!("panic: the mock was asked to crash{aside}");
    eprintln!("goroutine 1 [running]: as a plugin written in Go would say");
    std::process::abort()
}

fn kill() -> Result<(), Failure> {
    // It does not return, or it does nothing.
    let _ = kill_process(getpid(), Signal::KILL);
    Ok(())
}

fn fork_many(forks: u64) -> Result<(), Failure> {
    for count in 0..forks {
        // Nobody waits for them: that is the misbehaviour.
        let child = std::process::Command::new("sleep").arg("600").spawn();
        child.map_err(|error| {
            Failure::new(Fault::Host, "MOCK_FORK", format!("after {count} processes: {error}"))
        })?;
    }
    Err(Failure::new(Fault::Host, "MOCK_FORK", format!("nobody minds {forks} processes")))
}

fn eat_memory() -> Result<(), Failure> {
    let mut eaten = Vec::new();
    for _ in 0..PORTIONS {
        // Memory counts when it is written to.
        eaten.push(vec![1_u8; PORTION]);
    }
    let sum: usize = eaten.iter().map(Vec::len).sum();
    Err(Failure::new(Fault::Host, "MOCK_MEMORY", format!("nobody minds {sum} bytes")))
}

fn flood_stderr() -> Result<(), Failure> {
    let mut stderr = std::io::stderr().lock();
    for number in 0..STDERR_FLOOD_LINES {
        // If nobody reads, that is somebody else's test.
        let _ = writeln!(stderr, "{number:06} {}", "x".repeat(92));
    }
    Ok(())
}

/// Tells which misbehaviour a request asks for, for what answers it without the SDK.
pub(crate) fn asked_for(parameters_json: &str, method: &str, attempt: u32) -> Option<String> {
    let parameters = Parameters::new(parameters_json, Default::default()).ok()?;
    misbehaviour(&parameters, method, attempt).ok()?
}
