//! A second factory on the same store: it comes, works, stops, dies, and comes back.

use crate::process::Process;
use crate::site::Site;
use factoryd::reap::Scope;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Lives beside the first factory for as long as things go wrong, if that is the plan.
pub(crate) async fn beside(site: Site) {
    while site.machine.plan().second && !site.machine.is_calm() {
        let pause = site.machine.chance(|chance| chance.below(2000));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if !site.machine.is_calm() {
            live(&site, &site.second()).await;
        }
    }
}

/// Lives until its death.
async fn live(site: &Site, process: &Arc<Process>) {
    let work = async {
        site.machine.note("a second factory begins");
        let (factory, service, _store) = match site.open(process) {
            Ok(opened) => opened,
            Err(error) => return site.machine.note(format!("it can't start: {error}")),
        };
        if let Err(error) = service.recover().await {
            return site.machine.note(format!("it can't start: {error}"));
        }
        let token = CancellationToken::new();
        let mut services = JoinSet::new();
        let ends = token.clone();
        services.spawn(async move { _ = service.run(ends).await });
        services.spawn(factory.reaper(Scope::Everybody).run(token));
        site.story.clone().tell(factory).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = process.gone() => {}
        () = work => process.die("its start"),
    }
}
