//! Programs that a plugin runs, below a guard and without one.
//!
//! A guard is the plugin's own executable started again. So this test has a `main` of its own: it is the plugin, its guard,
//! and the checks.

#![expect(clippy::unwrap_used, reason = "a test without the test attribute")]

use factory_plugin_sdk::harness::{Ended, Harness, Outcome, Request, template};
use factory_plugin_sdk::tool::Tool;
use factory_plugin_sdk::{
    BaseRequest, Description, Failure, Fault, Operation, OsPlugin, async_trait, proto,
};
use proto::event::Kind;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

type Check = fn(Harness) -> Pin<Box<dyn Future<Output = ()>>>;

const CHECKS: &[(&str, Check)] = &[
    ("output becomes log and status 0 is success", |h| Box::pin(output_becomes_log(h))),
    ("input arrives whole", |h| Box::pin(input_arrives_whole(h))),
    ("a program may leave its input unread", |h| Box::pin(input_may_be_unread(h))),
    ("standard output is returned and not logged", |h| Box::pin(output_is_returned(h))),
    ("a failure has the status and the last lines", |h| Box::pin(a_failure_has_the_status(h))),
    ("a signal is named", |h| Box::pin(a_signal_is_named(h))),
    ("a missing program names its package", |h| Box::pin(a_missing_program(h))),
    ("what is no program can't be started", |h| Box::pin(what_is_no_program(h))),
    ("the environment is empty but for what is needed", |h| Box::pin(the_environment(h))),
    ("what stays in the background is killed", |h| Box::pin(the_background_is_killed(h))),
    ("a cancelled program may clean up", |h| Box::pin(a_cancelled_program_may_clean_up(h))),
    ("a program that ignores SIGTERM is killed", |h| Box::pin(a_stubborn_program_is_killed(h))),
    ("a program that is let go is killed", |h| Box::pin(a_program_let_go_is_killed(h))),
    ("a cleaning program runs in a cancelled operation", |h| Box::pin(cleaning_up(h))),
];

fn main() -> ExitCode {
    let guard = std::env::args().nth(1).is_some_and(|argument| argument == "__tool-guard");
    if guard || std::env::var_os("FACTORY_PLUGIN_MAGIC_COOKIE").is_some() {
        return factory_plugin_sdk::serve(Plugin);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, check) in CHECKS {
        runtime.block_on(async {
            check(Harness::process(std::env::current_exe().unwrap()).await).await;
            println!("test {name} ... ok");
            check(Harness::os(Plugin).await).await;
            println!("test {name}, without a guard ... ok");
        });
    }
    ExitCode::SUCCESS
}

/// Runs the shell script in its parameter `script`, in the manner of its parameter `how`.
struct Plugin;

#[async_trait]
impl OsPlugin for Plugin {
    fn describe(&self) -> Description {
        Description::from_info("test", r#"{"type": "os", "targets": [["Test", null, null]]}"#)
    }

    async fn create_base_image(
        &self,
        _request: BaseRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let parameter = |name: &str| operation.parameters().text(name);
        let script = parameter("script")?.unwrap_or_default();
        let tool = Tool::new("sh").arg("-c").arg(&script).grace(Duration::from_millis(500));
        match parameter("how")?.as_deref() {
            Some("input") => tool.input(vec![b'x'; 3_000_000]).run(operation).await,
            Some("output") => {
                let output = tool.output(operation).await?;
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                operation.property("stdout", text).await?;
                operation.property("stderr", output.stderr_tail).await
            }
            Some("program") => {
                Tool::new(script).env("COLOUR", "blue").package("hello").run(operation).await
            }
            Some("let-go") => {
                let running = tool.run(operation);
                let ready = async {
                    while !operation.work_dir().join("pid").exists() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::select! { result = running => result, () = ready => Ok(()) }
            }
            Some("clean-up") => {
                operation.cancellation().cancelled().await;
                tool.clean_up().run(operation).await?;
                Err(Failure::cancelled())
            }
            _ => tool.run(operation).await,
        }
    }
}

fn request(how: &str, script: &str) -> Request {
    let request = Request::base_image(template("Test", "1", "x86_64"));
    request.parameter("how", how).parameter("script", script)
}

async fn run(harness: &Harness, how: &str, script: &str) -> Ended {
    harness.run(request(how, script)).await
}

fn is_alive(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

async fn output_becomes_log(harness: Harness) {
    let ended = run(&harness, "", "echo one; echo; printf '\\033[1mtwo\\033[0m\\r\\n'").await;
    assert_eq!(ended.expect_completed().log(), "sh: one\nsh: two\n");
    let ended = run(&harness, "", "echo three >&2").await;
    assert_eq!(ended.expect_completed().log(), "sh: three\n");
}

async fn input_arrives_whole(harness: Harness) {
    let ended = run(&harness, "input", "wc -c").await;
    assert_eq!(ended.expect_completed().log(), "sh: 3000000\n");
    let ended = run(&harness, "", "wc -c").await;
    assert_eq!(ended.expect_completed().log(), "sh: 0\n", "there is none by default");
}

async fn input_may_be_unread(harness: Harness) {
    let ended = run(&harness, "input", "echo done").await;
    assert_eq!(ended.expect_completed().log(), "sh: done\n");
}

async fn output_is_returned(harness: Harness) {
    let ended = run(&harness, "output", "echo one; echo two >&2; echo three").await;
    let properties = ended.expect_completed().properties();
    assert_eq!(properties["stdout"], "one\nthree\n");
    assert_eq!(properties["stderr"], "two");
    assert_eq!(ended.log(), "sh: two\n");
}

async fn a_failure_has_the_status(harness: Harness) {
    let ended = run(&harness, "", "for n in $(seq 30); do echo line $n; done; exit 3").await;
    let failure = ended.expect_failed();
    assert_eq!(failure.reason, "TOOL_FAILED");
    assert_eq!(failure.message, "sh ended with status 3");
    assert_eq!(failure.metadata["exit_status"], "3");
    assert_eq!(failure.detail.lines().count(), 20);
    assert!(failure.detail.ends_with("line 30"));
}

async fn a_signal_is_named(harness: Harness) {
    let ended = run(&harness, "", "kill -SEGV $$").await;
    assert_eq!(ended.expect_failed().message, "sh was killed by signal 11");
    assert_eq!(ended.expect_failed().metadata["signal"], "11");
}

async fn a_missing_program(harness: Harness) {
    let ended = run(&harness, "program", "no-such-program").await;
    let failure = ended.expect_failed();
    assert_eq!((failure.reason.as_str(), failure.fault()), ("TOOL_MISSING", Fault::Host));
    assert_eq!(failure.message, "program no-such-program is missing on this host");
    assert!(failure.hint.contains("apt-get install hello"));
}

async fn what_is_no_program(harness: Harness) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broken");
    std::fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, executable).unwrap();
    let ended = run(&harness, "program", path.to_str().unwrap()).await;
    let message = &ended.expect_failed().message;
    assert!(message.starts_with("broken could not be started: No such file"), "{message}");
}

async fn the_environment(harness: Harness) {
    let ended = run(&harness, "program", "env").await;
    let log = ended.expect_completed().log();
    let mut names: Vec<_> = log.lines().filter_map(|l| Some(l.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["env: COLOUR", "env: HOME", "env: LANG", "env: PATH"]);
}

async fn the_background_is_killed(harness: Harness) {
    let ended = run(&harness, "", "sleep 600 & echo $! > pid").await;
    assert!(!is_alive(&ended.expect_completed().work_dir().join("pid")));
}

async fn cancelled_when_ready(harness: &Harness, how: &str, script: &str) -> Ended {
    let mut running = harness.start(request(how, script)).await;
    running.until(|kind| matches!(kind, Kind::Log(line) if line.message == "ready")).await;
    running.cancel(Duration::from_secs(30)).await;
    running.end().await
}

async fn a_cancelled_program_may_clean_up(harness: Harness) {
    let script =
        "trap 'echo cleaned > mark; exit 0' TERM; echo $$ > pid; echo ready; sleep 600 & wait";
    let ended = cancelled_when_ready(&harness, "", script).await;
    assert!(matches!(&ended.outcome, Outcome::Cancelled(left) if left.is_empty()));
    assert_eq!(std::fs::read_to_string(ended.work_dir().join("mark")).unwrap(), "cleaned\n");
    assert!(!is_alive(&ended.work_dir().join("pid")));
}

async fn a_stubborn_program_is_killed(harness: Harness) {
    let script = "trap '' TERM; echo $$ > pid; echo ready; while :; do sleep 0.1; done";
    let start = Instant::now();
    let ended = cancelled_when_ready(&harness, "", script).await;
    assert!(matches!(ended.outcome, Outcome::Cancelled(_)));
    assert!(!is_alive(&ended.work_dir().join("pid")));
    assert!(Duration::from_millis(500) < start.elapsed(), "it had its grace");
}

async fn a_program_let_go_is_killed(harness: Harness) {
    let ended = run(&harness, "let-go", "echo $$ > new; mv new pid; sleep 600").await;
    assert!(!is_alive(&ended.expect_completed().work_dir().join("pid")));
}

async fn cleaning_up(harness: Harness) {
    let running = harness.start(request("clean-up", "echo cleaned > mark")).await;
    running.cancel(Duration::from_secs(30)).await;
    let ended = running.end().await;
    assert!(matches!(ended.outcome, Outcome::Cancelled(_)));
    assert!(ended.work_dir().join("mark").exists());
}
