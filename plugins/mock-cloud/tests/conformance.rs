//! The protocol, sentence by sentence, of the real executable.

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_protocol() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance.json");
    let executable = env!("CARGO_BIN_EXE_factory-plugin-mock-cloud");
    factory_plugin_conformance::assert_conforms(executable, sample).await;
}
