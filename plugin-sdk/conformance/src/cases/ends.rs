//! Every way in which a plugin ends, and what it leaves.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::plugin;
use crate::session::Session;
use rustix::process::Signal;

const SHUTDOWN: &str = "`plugin.GRPCController/Shutdown` asks the plugin to end: it exits with 0, also while operations run.";
const GONE: &str = "its end means that the factory is gone, and the plugin stops.";
const NOTHING: &str =
    "A plugin that has ended leaves no process, no socket and no temporary file behind.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "EN-01",
        "it ends when it is asked to, with 0",
        plugin(SHUTDOWN),
        &[],
        run!(shutdown),
    ),
    Case::new(
        "EN-02",
        "it ends when it is asked to while an operation runs",
        plugin(SHUTDOWN),
        &[Need::Long],
        run!(shutdown_busy),
    ),
    Case::new("EN-03", "it ends when its factory is gone", plugin(GONE), &[], run!(factory_gone))
        .fault(),
    Case::new(
        "EN-04",
        "it ends when its factory is killed in the middle of an operation",
        plugin(GONE),
        &[Need::Long],
        run!(factory_killed),
    )
    .fault(),
    Case::new("EN-05", "SIGTERM ends it", plugin("SIGTERM ends it, too."), &[], run!(sigterm)),
    Case::new(
        "EN-06",
        "SIGINT does not end it",
        plugin(
            "SIGINT does not: it is for the factory, which may share a terminal with the plugin.",
        ),
        &[],
        run!(sigint),
    )
    .fault(),
    Case::new(
        "EN-07",
        "no socket and no temporary file is left",
        plugin(NOTHING),
        &[],
        run!(no_files),
    ),
    Case::new("EN-08", "no process is left", plugin(NOTHING), &[], run!(no_processes)),
    Case::new(
        "EN-09",
        "nothing is left of an operation that was cut short",
        plugin(NOTHING),
        &[Need::Long],
        run!(nothing_of_an_operation),
    )
    .fault(),
];

async fn ended_well(session: &mut Session) -> Verdict {
    let status = session.stop().await?;
    ensure!(status.success(), "it ended with {status}{}", session.process.last_words());
    Ok(())
}

async fn shutdown(bench: &Bench) -> Verdict {
    ended_well(&mut bench.session().await?).await
}

async fn shutdown_busy(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    let _running = bench.long(&session).await?;
    ended_well(&mut session).await
}

async fn factory_gone(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    session.describe().await?;
    session.process.close_input();
    session.process.end(bench.patience()).await.map(drop)
}

async fn factory_killed(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    drop(bench.long(&session).await?);
    session.process.close_input();
    session.process.end(bench.patience()).await?;
    judge_processes(bench, &session).await
}

async fn sigterm(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    session.describe().await?;
    session.process.signal(Signal::TERM);
    session.process.end(bench.patience()).await.map(drop)
}

async fn sigint(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    session.describe().await?;
    session.process.signal(Signal::INT);
    tokio::time::sleep(MOMENT).await;
    ensure!(session.process.is_alive(), "it ended");
    session.describe().await?;
    Ok(())
}

async fn no_files(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    session.describe().await?;
    session.stop().await?;
    judge_files(&session)
}

async fn no_processes(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    session.describe().await?;
    session.stop().await?;
    judge_processes(bench, &session).await
}

async fn nothing_of_an_operation(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    drop(bench.long(&session).await?);
    session.stop().await?;
    judge_processes(bench, &session).await?;
    judge_files(&session)
}

fn judge_files(session: &Session) -> Verdict {
    let left = session.place().left()?;
    if left.is_empty() { Ok(()) } else { Err(Stop::broken(format!("it left {}", left.join(", ")))) }
}

async fn judge_processes(bench: &Bench, session: &Session) -> Verdict {
    let left = session.process.left_processes(bench.patience()).await;
    ensure!(left.is_empty(), "it left {}", left.join(", "));
    Ok(())
}
