//! Mutual TLS: the factory, and nobody else.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::client::Client;
use crate::process::Process;
use crate::protocol::plugin;
use crate::wire::tls::{Identity, anonymous, certificate_of};
use crate::wire::{connect, open, refused};
use factory_proto::handshake::Handshake;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P521_SHA512};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

const OTHER: &str = "Each side accepts the certificate of the other and no other one";
const PROOF: &str = "and only from who proves to have its key.";
const ASKED: &str = "`PLUGIN_CLIENT_CERT`, when set, asks for mutual TLS (\"AutoMTLS\"): it is the factory's certificate, as PEM.";
const HARM: &str = "A connection that breaks, stays silent or makes no sense harms no other one.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "TL-01",
        "its handshake names its certificate",
        plugin("CERTIFICATE is the plugin's own, its DER as base64 without padding"),
        &[],
        run!(names_certificate),
    ),
    Case::new("TL-02", "a factory with a P-256 key gets in", plugin(ASKED), &[], run!(p256)),
    Case::new(
        "TL-03",
        "a factory with a P-521 key gets in, as go-plugin's has",
        plugin(ASKED),
        &[],
        run!(p521),
    ),
    Case::new("TL-04", "a stranger is refused", plugin(OTHER), &[], run!(stranger)).fault(),
    Case::new(
        "TL-05",
        "a stranger who shows the factory's certificate is refused",
        plugin(PROOF),
        &[],
        run!(borrowed),
    )
    .fault(),
    Case::new("TL-06", "who shows no certificate is refused", plugin(OTHER), &[], run!(nobody))
        .fault(),
    Case::new("TL-07", "who speaks no TLS is refused", plugin(OTHER), &[], run!(plain)).fault(),
    Case::new(
        "TL-08",
        "who says nothing in the TLS handshake is in nobody's way",
        plugin(HARM),
        &[],
        run!(silent_peer),
    )
    .fault(),
    Case::new(
        "TL-09",
        "what is no certificate ends it",
        plugin("What is no certificate ends the plugin."),
        &[],
        run!(garbage),
    )
    .fault(),
    Case::new(
        "TL-10",
        "without a certificate of the factory there is none of its own",
        plugin("it is empty without TLS."),
        &[],
        run!(no_tls),
    ),
];

/// How long a refusal may take.
const REFUSAL: Duration = Duration::from_secs(5);

struct Started {
    _process: Process,
    handshake: Handshake,
}

async fn started(bench: &Bench, factory: &Identity) -> Result<Started, Stop> {
    let mut process = bench.launch()?.certificate(factory.pem()).start().await?;
    let handshake = process.handshake(bench.patience()).await?;
    Ok(Started { _process: process, handshake })
}

async fn described(
    bench: &Bench,
    started: &Started,
    config: Option<Arc<ClientConfig>>,
    patience: Duration,
) -> Result<(), String> {
    let channel = connect(&started.handshake.address, config, patience).await?;
    let client = Client::new(channel, patience, bench.trace());
    client.describe().await.map(drop).map_err(|refusal| refusal.to_string())
}

async fn names_certificate(bench: &Bench) -> Verdict {
    let started = started(bench, &Identity::new(&PKCS_ECDSA_P256_SHA256)?).await?;
    let certificate = certificate_of(&started.handshake)?;
    ensure!(certificate.first() == Some(&0x30), "field 6 is no DER");
    Ok(())
}

async fn p256(bench: &Bench) -> Verdict {
    gets_in(bench, &Identity::new(&PKCS_ECDSA_P256_SHA256)?).await
}

async fn p521(bench: &Bench) -> Verdict {
    gets_in(bench, &Identity::new(&PKCS_ECDSA_P521_SHA512)?).await
}

async fn gets_in(bench: &Bench, factory: &Identity) -> Verdict {
    let started = started(bench, factory).await?;
    let config = factory.trusting(&started.handshake)?;
    described(bench, &started, Some(config), bench.patience()).await.map_err(|why| refused(&why))
}

/// Starts it for one factory, and lets somebody else in who must not be.
async fn keeps_out(
    bench: &Bench,
    other: impl FnOnce(&Identity, &Handshake) -> Result<Option<Arc<ClientConfig>>, Stop>,
) -> Verdict {
    let factory = Identity::new(&PKCS_ECDSA_P256_SHA256)?;
    let started = started(bench, &factory).await?;
    let config = factory.trusting(&started.handshake)?;
    let theirs = other(&factory, &started.handshake)?;
    ensure!(described(bench, &started, theirs, REFUSAL).await.is_err(), "it answered");
    let ours = described(bench, &started, Some(config), bench.patience()).await;
    ours.map_err(|why| Stop::broken(format!("afterwards the factory was refused, too: {why}")))
}

async fn stranger(bench: &Bench) -> Verdict {
    let stranger = Identity::new(&PKCS_ECDSA_P256_SHA256)?;
    keeps_out(bench, |_, handshake| stranger.trusting(handshake).map(Some)).await
}

async fn borrowed(bench: &Bench) -> Verdict {
    let stranger = Identity::new(&PKCS_ECDSA_P256_SHA256)?;
    keeps_out(bench, |factory, handshake| {
        factory.with_key_of(&stranger).trusting(handshake).map(Some)
    })
    .await
}

async fn nobody(bench: &Bench) -> Verdict {
    keeps_out(bench, |_, handshake| anonymous(handshake).map(Some)).await
}

async fn plain(bench: &Bench) -> Verdict {
    keeps_out(bench, |_, _| Ok(None)).await
}

async fn silent_peer(bench: &Bench) -> Verdict {
    let factory = Identity::new(&PKCS_ECDSA_P256_SHA256)?;
    let started = started(bench, &factory).await?;
    let _silent = open(&started.handshake.address).await?;
    tokio::time::sleep(MOMENT).await;
    let config = factory.trusting(&started.handshake)?;
    described(bench, &started, Some(config), bench.patience()).await.map_err(|why| refused(&why))
}

async fn garbage(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.certificate("this is no certificate").start().await?;
    let status = process.end(bench.patience()).await?;
    ensure!(!status.success(), "it ended with {status}, as if all was well");
    Ok(())
}

async fn no_tls(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.start().await?;
    let handshake = process.handshake(bench.patience()).await?;
    ensure!(handshake.certificate.is_none(), "the handshake names a certificate");
    Ok(())
}
