//! The start: the cookie, the versions, the handshake line, the socket.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::process::{Input, Process, bootstrap};
use crate::protocol::plugin;
use factory_proto::handshake::{Address, COOKIE_KEY, Handshake, VERSIONS};
use serde_json::Value;

const PERSON: &str = "Without it a person started the plugin by hand: print a sentence on standard error and exit with 1.";
const UNASKED: &str = "`describe` and `--help` on the command line need no cookie.";
const SHARED: &str = "Several instances may share it, so the socket's name is unique.";

pub(super) const CASES: &[Case] = &[
    Case::new("LA-01", "without the cookie it says a sentence and exits with 1", plugin(PERSON), &[], run!(no_cookie)).fault(),
    Case::new("LA-02", "a wrong cookie is as none", plugin("a wrong value is as none."), &[], run!(wrong_cookie)).fault(),
    Case::new("LA-03", "without the cookie standard output stays empty", plugin("Standard output stays empty then"), &[], run!(silent_without_cookie)).fault(),
    Case::new("LA-04", "its handshake is a line of that form", plugin("The first line on standard output is `1|1|unix|SOCKET|grpc|CERTIFICATE`."), &[], run!(handshake)),
    Case::new("LA-05", "it prints nothing before the handshake", plugin("Nothing may be printed before it."), &[], run!(nothing_before)),
    Case::new("LA-06", "it finds its version in a list in any order", plugin("`PLUGIN_PROTOCOL_VERSIONS` lists the versions the factory speaks, in any order; this package is version 1."), &[], run!(chooses_version)).fault(),
    Case::new("LA-07", "it tells a factory of other versions that it speaks none", plugin("If the plugin speaks none of them, it says its own version all the same, or exits with another status than 0."), &[], run!(no_common_version)).fault(),
    Case::new("LA-08", "its socket is in the directory that it was given", plugin("`PLUGIN_UNIX_SOCKET_DIR` is where the plugin creates its socket."), &[], run!(socket_directory)),
    Case::new("LA-09", "two instances share a directory", plugin(SHARED), &[], run!(two_instances)),
    Case::new("LA-10", "what a killed instance left is in nobody's way", plugin(SHARED), &[], run!(after_a_kill)).fault(),
    Case::new("LA-11", "it waits for a factory that is slow", plugin("The plugin then waits for connections, for as long as it takes."), &[], run!(slow_factory)).fault(),
    Case::new("LA-12", "standard input that ends at once does not end it", plugin("An end without any line means nothing."), &[], run!(empty_input)).fault(),
    Case::new("LA-13", "a bootstrap document with more than it knows is fine", plugin("Unknown fields, events and capabilities are ignored."), &[], run!(larger_bootstrap)).fault(),
    Case::new("LA-14", "`describe` needs no cookie", plugin(UNASKED), &[], run!(describe_alone)),
    Case::new("LA-15", "`--help` needs no cookie", plugin(UNASKED), &[], run!(help_alone)),
    Case::new("LA-16", "its log is JSON or plain text", plugin("Standard error is the plugin's log: one JSON object a line (hclog), or plain text."), &[], run!(log_lines)),
];

async fn by_hand(
    bench: &Bench,
    cookie: Option<&str>,
) -> Result<(Process, std::process::ExitStatus), Stop> {
    let launch = bench.launch()?.without(COOKIE_KEY);
    let launch = cookie.into_iter().fold(launch, |launch, cookie| launch.env(COOKIE_KEY, cookie));
    let mut process = launch.start().await?;
    let status = process.end(bench.patience()).await?;
    Ok((process, status))
}

async fn judge_by_hand(bench: &Bench, cookie: Option<&str>) -> Verdict {
    let (process, status) = by_hand(bench, cookie).await?;
    ensure!(status.code() == Some(1), "it ended with {status}");
    ensure!(!process.stderr().trim().is_empty(), "nothing was written to standard error");
    Ok(())
}

async fn no_cookie(bench: &Bench) -> Verdict {
    judge_by_hand(bench, None).await
}

async fn wrong_cookie(bench: &Bench) -> Verdict {
    judge_by_hand(bench, Some("another")).await
}

async fn silent_without_cookie(bench: &Bench) -> Verdict {
    let (mut process, _) = by_hand(bench, None).await?;
    let line = process.line(bench.patience()).await?;
    ensure!(line.is_none(), "it printed {:?}", line.unwrap_or_default());
    Ok(())
}

async fn handshake(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.start().await?;
    // What comes before it is another case.
    for _ in 0..10 {
        let Some(line) = process.line(bench.patience()).await? else { break };
        if Handshake::looks_like(&line) {
            let handshake = Handshake::parse(&line);
            return handshake.map(drop).map_err(|error| Stop::broken(format!("{line:?}: {error}")));
        }
    }
    Err(Stop::broken(format!("no line like a handshake{}", process.last_words())))
}

async fn nothing_before(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.start().await?;
    let line = process.line(bench.patience()).await?.unwrap_or_default();
    ensure!(Handshake::looks_like(&line), "the first line is {line:?}");
    Ok(())
}

async fn chooses_version(bench: &Bench) -> Verdict {
    for versions in ["1,7", "9,1", "3,1,2"] {
        let mut process = bench.launch()?.env(VERSIONS, versions).start().await?;
        process.handshake(bench.patience()).await?;
    }
    Ok(())
}

async fn no_common_version(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.env(VERSIONS, "7,8").start().await?;
    let Some(line) = process.line(bench.patience()).await? else {
        let status = process.end(bench.patience()).await?;
        ensure!(!status.success(), "it ended with {status}, as if all was well");
        return Ok(());
    };
    let version = line.split('|').nth(1).unwrap_or_default().to_owned();
    ensure!(!["7", "8"].contains(&version.as_str()), "it claims to speak version {version}");
    ensure!(version.parse::<u32>().is_ok(), "the line {line:?} has no version");
    Ok(())
}

async fn socket_directory(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.start().await?;
    let handshake = process.handshake(bench.patience()).await?;
    let Address::Unix(path) = &handshake.address else {
        return Err(Stop::broken(format!("it listens on {:?}", handshake.address)));
    };
    let directory = process.place().sockets();
    ensure!(path.parent() == Some(directory.as_path()), "it listens on {}", path.display());
    Ok(())
}

async fn two_instances(bench: &Bench) -> Verdict {
    let one = bench.session().await?;
    let two = bench.session_of(bench.launch_at(one.process.place())?).await?;
    ensure!(
        one.handshake.address != two.handshake.address,
        "both listen on {:?}",
        one.handshake.address
    );
    one.describe().await?;
    two.describe().await?;
    Ok(())
}

async fn after_a_kill(bench: &Bench) -> Verdict {
    let mut one = bench.session().await?;
    one.process.signal(rustix::process::Signal::KILL);
    one.process.end(bench.patience()).await?;
    let two = bench.session_of(bench.launch_at(one.process.place())?).await?;
    two.describe().await?;
    Ok(())
}

async fn slow_factory(bench: &Bench) -> Verdict {
    let launch = bench.launch()?;
    let process = launch.start().await?;
    tokio::time::sleep(2 * MOMENT).await;
    let session = crate::session::Session::of(process, bench.patience(), bench.trace()).await?;
    session.describe().await?;
    Ok(())
}

async fn empty_input(bench: &Bench) -> Verdict {
    let mut session = bench.session_of(bench.launch()?.input(Input::Empty)).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(session.process.is_alive(), "it ended");
    session.describe().await?;
    Ok(())
}

async fn larger_bootstrap(bench: &Bench) -> Verdict {
    let place = std::sync::Arc::new(crate::place::Place::make()?);
    let mut document: Value = serde_json::from_str(&bootstrap(&place)).unwrap_or_default();
    document["schema_version"] = 2.into();
    document["later"] = serde_json::json!({"more": [1, null]});
    let launch = bench.launch_at(&place)?.input(Input::Line(document.to_string()));
    let mut session = bench.session_of(launch).await?;
    tokio::time::sleep(MOMENT).await;
    ensure!(session.process.is_alive(), "it ended{}", session.process.last_words());
    session.describe().await?;
    Ok(())
}

async fn describe_alone(bench: &Bench) -> Verdict {
    alone(bench, "describe").await
}

async fn help_alone(bench: &Bench) -> Verdict {
    alone(bench, "--help").await
}

async fn alone(bench: &Bench, argument: &str) -> Verdict {
    let mut process = bench.launch()?.without(COOKIE_KEY).argument(argument).start().await?;
    let printed = process.all_output(bench.patience()).await?;
    let status = process.end(bench.patience()).await?;
    ensure!(status.success(), "it ended with {status}{}", process.last_words());
    ensure!(!printed.trim().is_empty(), "nothing was printed");
    Ok(())
}

async fn log_lines(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    let _ = session.stop().await;
    for line in session.process.stderr().lines().filter(|line| line.starts_with('{')) {
        let object: Value = serde_json::from_str(line)
            .map_err(|error| Stop::broken(format!("the line {line:?} is no JSON: {error}")))?;
        let texts = ["@level", "@message"].iter().all(|key| object[key].is_string());
        ensure!(texts, "the line {line:?} has no text `@level` or `@message`");
    }
    Ok(())
}
