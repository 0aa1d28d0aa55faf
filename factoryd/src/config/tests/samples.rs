//! Values for every setting; the tests of the program use them too.

/// For each setting: what a file says, and what is typed; the first must differ from the default and from the second.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("log", "\"debug\"", "trace"),
    ("store", "\"/tmp/stored\"", "/tmp/typed"),
    ("plugins", "[\"/usr\"]", "/etc"),
    ("require_root_password", "true", "false"),
    ("target_content", "\"/tmp/written\"", "/tmp/typed"),
    ("core_dumps", "true", "false"),
    ("reattach", "\"/tmp/written\"", "/tmp/typed"),
    ("secrets.directory", "\"/tmp/written\"", "/tmp/typed"),
    ("sandbox.trust", "\"locked\"", "first-use"),
    ("sandbox.mode", "\"warn\"", "off"),
    ("sandbox.plugins", "[\"x=warn\"]", "x=off"),
    ("sandbox.allow", "[\"x=/srv\"]", "x=/opt"),
    ("sandbox.without", "[\"x=files\"]", "x=signals"),
    ("sandbox.require", "[\"landlock\"]", "seccomp"),
    (
        "packages.trusted_keys",
        "[\"RWQBAgMEBQYHCGRlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKD\"]",
        "RWQLDA0ODxAREjIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BR",
    ),
    ("packages.unsigned", "[\"archive\"]", "registry"),
    ("packages.mirrors", "[\"r.example.org=m.corp\"]", "r.example.org=oci:/srv"),
    ("packages.air_gap", "true", "false"),
    ("packages.plain_http", "[\"m.corp:71\"]", "m.corp:72"),
    ("packages.registry_auth", "\"/tmp/written\"", "/tmp/typed"),
    ("packages.registry_ca", "\"/tmp/written\"", "/tmp/typed"),
    ("jobs.concurrent_builds", "71", "72"),
    ("jobs.waiting_max", "71", "72"),
    ("jobs.disk_free_min", "\"71MiB\"", "72MiB"),
    ("jobs.disk_estimate", "\"71MiB\"", "72MiB"),
    ("jobs.disk_overcommit", "71", "72"),
    ("jobs.cancel_grace", "\"41s\"", "42s"),
    ("jobs.drain_deadline", "\"41s\"", "42s"),
    ("jobs.retries", "71", "72"),
    ("limits.memory", "\"71MiB\"", "72GiB"),
    ("limits.processes", "71", "72"),
    ("limits.cpu", "\"71%\"", "none"),
    ("limits.io_weight", "71", "72"),
    ("retention.keep_last", "71", "72"),
    ("retention.older_than", "\"41s\"", "42s"),
    ("retention.name", "\"written\"", "typed"),
    ("retention.tag", "\"written\"", "typed"),
    ("grpc.listen", "\"127.0.0.1:71\"", "127.0.0.1:72"),
    ("rest.listen", "\"127.0.0.1:71\"", "127.0.0.1:72"),
    ("access.anonymous", "\"viewer\"", "admin"),
    ("access.oauth_clients", "\"/tmp/written\"", "/tmp/typed"),
    ("access.plain_text", "true", "false"),
    ("tls.certificate", "\"/tmp/written\"", "/tmp/typed"),
    ("tls.key", "\"/tmp/written\"", "/tmp/typed"),
    ("tls.self_signed", "true", "false"),
    ("tls.client_ca", "\"/tmp/written\"", "/tmp/typed"),
    ("outbound.allow", "[\"10.0.0.0/8\"]", "mirror.corp"),
    ("outbound.content_dirs", "[\"/usr\"]", "/etc"),
    ("callbacks.secret", "\"/tmp/written\"", "/tmp/typed"),
    ("callbacks.credentials", "\"/tmp/written\"", "/tmp/typed"),
    ("rest.connections_max", "71", "72"),
    ("rest.header_deadline", "\"41s\"", "42s"),
];

/// Answers what a file says and what is typed for a setting.
pub(crate) fn sample(key: &str) -> (&'static str, &'static str) {
    let found = SAMPLES.iter().find(|(name, ..)| *name == key);
    let (_, written, typed) =
        found.unwrap_or_else(|| panic!("add a sample of `{key}` to tests::SAMPLES"));
    (written, typed)
}

/// What else the same table of a file must hold for a setting to make sense, as the rest of its key and the value.
pub(crate) fn company(key: &str) -> &'static [(&'static str, &'static str)] {
    match key {
        "tls.certificate" => &[("key", "\"/tmp/key\"")],
        "tls.key" => &[("certificate", "\"/tmp/certificate\"")],
        "tls.client_ca" => &[("self_signed", "true")],
        _ => &[],
    }
}
