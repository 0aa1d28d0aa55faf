//! What a plugin says that it needs from its machine.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::protocol::plugin;
use factory_proto::plugin_v1::{Needs, needs::Network};

pub(super) const CASES: &[Case] = &[
    Case::new(
        "NE-01",
        "its devices are device nodes",
        plugin("Device nodes, such as `/dev/kvm`."),
        &[],
        run!(devices),
    ),
    Case::new(
        "NE-02",
        "its reach over the network is one that is known",
        plugin("How far a plugin reaches over the network."),
        &[],
        run!(network),
    ),
    Case::new(
        "NE-03",
        "it lists hosts only where that means something",
        plugin("Hosts it connects to when `network` is NETWORK_HOSTS."),
        &[],
        run!(hosts),
    ),
    Case::new(
        "NE-04",
        "the paths that it reads are absolute",
        plugin("Paths it reads outside its own directories."),
        &[],
        run!(read_paths),
    ),
    Case::new(
        "NE-05",
        "the paths that it writes are absolute",
        plugin("Paths it writes outside its own directories."),
        &[],
        run!(write_paths),
    ),
    Case::new(
        "NE-06",
        "its tools are names of programs",
        plugin("The program's name, as found on PATH."),
        &[],
        run!(tools),
    ),
];

async fn needed(bench: &Bench) -> Result<Needs, Stop> {
    Ok(bench.described().await?.needs.clone().unwrap_or_default())
}

fn judge(texts: &[String], is_right: impl Fn(&str) -> bool) -> Verdict {
    let wrong = texts.iter().find(|text| !is_right(text));
    ensure!(wrong.is_none(), "{}", wrong.cloned().unwrap_or_default());
    Ok(())
}

async fn devices(bench: &Bench) -> Verdict {
    judge(&needed(bench).await?.devices, |path| path.starts_with("/dev/"))
}

async fn network(bench: &Bench) -> Verdict {
    let network = needed(bench).await?.network;
    ensure!(Network::try_from(network).is_ok(), "it is {network}");
    Ok(())
}

async fn hosts(bench: &Bench) -> Verdict {
    let needs = needed(bench).await?;
    let asks = needs.network() == Network::Hosts;
    ensure!(
        asks != needs.hosts.is_empty(),
        "network is {}, hosts are {:?}",
        needs.network().as_str_name(),
        needs.hosts
    );
    Ok(())
}

async fn read_paths(bench: &Bench) -> Verdict {
    judge(&needed(bench).await?.read_paths, |path| path.starts_with('/'))
}

async fn write_paths(bench: &Bench) -> Verdict {
    judge(&needed(bench).await?.write_paths, |path| path.starts_with('/'))
}

async fn tools(bench: &Bench) -> Verdict {
    let programs: Vec<_> =
        needed(bench).await?.tools.into_iter().map(|tool| tool.program).collect();
    judge(&programs, |program| !program.is_empty() && !program.contains(['/', ' ']))
}
