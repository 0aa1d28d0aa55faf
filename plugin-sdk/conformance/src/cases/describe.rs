//! What a plugin says of itself.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::method;
use crate::need::Need;
use crate::protocol::plugin;
use factory_proto::handshake::COOKIE_KEY;
use factory_proto::plugin_v1::{DescribeResponse, PluginKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::Code;

const COMMAND_LINE: &str =
    "`PLUGIN describe` on the command line prints the same as JSON, with these field names.";
const CHEAP: &str = "Cheap, without side effects, the same answer every time.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "DE-01",
        "it says what it is",
        plugin("Says what the plugin is and can do."),
        &[],
        run!(answers),
    ),
    Case::new(
        "DE-02",
        "it says the same every time, and in every process",
        plugin(CHEAP),
        &[],
        run!(same_again),
    ),
    Case::new(
        "DE-03",
        "it says the same on the command line",
        plugin(COMMAND_LINE),
        &[],
        run!(same_on_command_line),
    ),
    Case::new("DE-04", "saying so leaves no file", plugin(CHEAP), &[], run!(no_side_effects)),
    Case::new(
        "DE-05",
        "its kind is one",
        plugin("Which delegate service it serves."),
        &[],
        run!(kind),
    ),
    Case::new(
        "DE-06",
        "it serves no other kind",
        plugin("Which services a plugin serves."),
        &[],
        run!(no_other_kind),
    ),
    Case::new(
        "DE-07",
        "its name is one",
        plugin("The name, as its `.info` file has it: lower-case letters, digits and `-`."),
        &[],
        run!(name),
    ),
    Case::new(
        "DE-08",
        "its version is a semantic one",
        plugin("The plugin's own version, as semantic versioning writes it."),
        &[],
        run!(version),
    ),
    Case::new(
        "DE-09",
        "its description is one line",
        plugin("One line for a person."),
        &[],
        run!(description),
    ),
    Case::new(
        "DE-10",
        "its targets have as many parts as its kind",
        plugin("The parts: for an OS `[name, version, arch]`, for a cloud `[target]`."),
        &[],
        run!(target_parts),
    ),
    Case::new(
        "DE-11",
        "the first part of each target is there",
        plugin("The first one is never absent."),
        &[],
        run!(first_part),
    ),
    Case::new(
        "DE-12",
        "it serves something",
        plugin("What it serves: operating systems or cloud targets."),
        &[],
        run!(some_target),
    ),
    Case::new(
        "DE-13",
        "its capabilities are those of its kind",
        plugin("What it can do beyond the minimum."),
        &[],
        run!(capabilities),
    ),
    Case::new(
        "DE-14",
        "its licence is an SPDX expression",
        plugin("SPDX licence expression."),
        &[],
        run!(license),
    ),
    Case::new(
        "DE-15",
        "each warning is a sentence",
        plugin("What a person should know, such as a missing tool. One sentence each."),
        &[],
        run!(warnings),
    ),
    Case::new(
        "DE-16",
        "an OS plugin has no schema of providers",
        plugin("JSON Schema of a provider definition. Cloud plugins only."),
        &[Need::Os],
        run!(no_provider_schema),
    ),
    Case::new(
        "DE-17",
        "the formats that it writes are names",
        plugin("Formats of artifacts it can write."),
        &[],
        run!(formats),
    ),
];

async fn answers(bench: &Bench) -> Verdict {
    bench.described().await.map(drop)
}

async fn same_again(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let first = bench.described().await?;
    for _ in 0..2 {
        let again = session.describe().await?;
        ensure!(*first == again, "first it said {first:?}, then {again:?}");
    }
    Ok(())
}

async fn same_on_command_line(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.without(COOKIE_KEY).argument("describe").start().await?;
    let printed = process.all_output(bench.patience()).await?;
    let printed: Value = serde_json::from_str(&printed)
        .map_err(|error| Stop::broken(format!("it printed no JSON: {error}")))?;
    for (key, over_rpc) in expected(bench.described().await?) {
        let here = printed.get(key).map_or(Value::Null, normal);
        ensure!(
            here == normal(&over_rpc),
            "{key} is {here} on the command line and {} over gRPC",
            normal(&over_rpc)
        );
    }
    Ok(())
}

/// Returns fields whose JSON is the same in every reading of the protocol.
fn expected(it: &DescribeResponse) -> Vec<(&'static str, Value)> {
    let part = |value: &Option<String>| value.as_ref().map_or(json!({}), |v| json!({"value": v}));
    let target = |target: &factory_proto::plugin_v1::PluginTarget| json!({"parts": target.parts.iter().map(|it| part(&it.value)).collect::<Vec<_>>()});
    vec![
        ("name", json!(it.name)),
        ("version", json!(it.version)),
        ("kind", json!(it.kind().as_str_name())),
        ("description", json!(it.description)),
        ("targets", it.targets.iter().map(target).collect()),
        ("capabilities", json!(it.capabilities)),
        ("input_formats", json!(it.input_formats)),
        ("output_formats", json!(it.output_formats)),
        ("parameters_schema_json", json!(it.parameters_schema_json)),
        ("provider_schema_json", json!(it.provider_schema_json)),
        ("credentials_schema_json", json!(it.credentials_schema_json)),
        ("max_concurrent_operations", json!(it.max_concurrent_operations)),
        ("license", json!(it.license)),
    ]
}

/// Makes one form of what may be written in several: a schema as text or as a value, an empty field or none.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Number(number) if number.as_u64() == Some(0) => Value::Null,
        Value::Object(map) if map.get("value").is_some_and(Value::is_null) => json!({}),
        Value::Array(list) => list.iter().map(normal).collect(),
        Value::Object(map) if map.contains_key("parts") => json!({"parts": normal(&map["parts"])}),
        other => other.clone(),
    }
}

async fn no_side_effects(bench: &Bench) -> Verdict {
    let mut process = bench.launch()?.without(COOKIE_KEY).argument("describe").start().await?;
    process.all_output(bench.patience()).await?;
    process.end(bench.patience()).await?;
    let left = process.place().left()?;
    ensure!(left.is_empty(), "it left {}", left.join(", "));
    Ok(())
}

async fn kind(bench: &Bench) -> Verdict {
    let kind = bench.described().await?.kind();
    ensure!(kind != PluginKind::Unspecified, "it is {}", kind.as_str_name());
    let meant = bench.subject().kind().unwrap_or(kind);
    ensure!(
        kind == meant,
        "it is {}, but was said to be {}",
        kind.as_str_name(),
        meant.as_str_name()
    );
    Ok(())
}

async fn no_other_kind(bench: &Bench) -> Verdict {
    let (session, kind) = (bench.session().await?, bench.described().await?.kind());
    let others = method::ALL.into_iter().filter(|it| it.kind() != kind && it.name() != "Reconcile");
    for method in others {
        let call = crate::call::Call { method, header: None, rest: Vec::new() };
        let refusal = session.refusal(&call).await?;
        ensure!(refusal.code() == Code::Unimplemented, "{refusal}");
    }
    Ok(())
}

async fn name(bench: &Bench) -> Verdict {
    let name = &bench.described().await?.name;
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    ensure!(!name.is_empty() && name.bytes().all(plain), "it is {name:?}");
    Ok(())
}

async fn version(bench: &Bench) -> Verdict {
    let version = &bench.described().await?.version;
    ensure!(semver::Version::parse(version).is_ok(), "it is {version:?}");
    Ok(())
}

async fn description(bench: &Bench) -> Verdict {
    let text = &bench.described().await?.description;
    ensure!(!text.contains('\n'), "it is {text:?}");
    Ok(())
}

async fn target_parts(bench: &Bench) -> Verdict {
    let described = bench.described().await?;
    let parts = if described.kind() == PluginKind::Os { 3 } else { 1 };
    let wrong = described.targets.iter().find(|target| target.parts.len() != parts);
    ensure!(wrong.is_none(), "{wrong:?} has not {parts}");
    Ok(())
}

async fn first_part(bench: &Bench) -> Verdict {
    let described = bench.described().await?;
    let absent = |it: &&factory_proto::plugin_v1::PluginTarget| {
        it.parts.first().and_then(|part| part.value.as_deref()).is_none_or(str::is_empty)
    };
    ensure!(!described.targets.iter().any(|it| absent(&it)), "{:?}", described.targets);
    Ok(())
}

async fn some_target(bench: &Bench) -> Verdict {
    ensure!(!bench.described().await?.targets.is_empty(), "there is no target");
    Ok(())
}

async fn capabilities(bench: &Bench) -> Verdict {
    let described = bench.described().await?;
    let unique: BTreeSet<_> = described.capabilities.iter().collect();
    ensure!(
        unique.len() == described.capabilities.len(),
        "{:?} repeats one",
        described.capabilities
    );
    let foreign = method::ALL
        .into_iter()
        .filter(|it| it.name() != "Reconcile" && it.kind() != described.kind());
    for name in foreign.filter_map(method::Method::capability) {
        ensure!(
            !described.capabilities.iter().any(|it| it == name),
            "`{name}` is for the other kind"
        );
    }
    Ok(())
}

async fn license(bench: &Bench) -> Verdict {
    let license = &bench.described().await?.license;
    let valid = license.is_empty() || spdx::Expression::parse(license).is_ok();
    ensure!(valid, "it is {license:?}");
    Ok(())
}

async fn warnings(bench: &Bench) -> Verdict {
    let warnings = &bench.described().await?.warnings;
    let wrong = warnings.iter().find(|it| it.trim().is_empty() || it.contains('\n'));
    ensure!(wrong.is_none(), "{wrong:?}");
    Ok(())
}

async fn no_provider_schema(bench: &Bench) -> Verdict {
    let schema = &bench.described().await?.provider_schema_json;
    ensure!(schema.is_empty(), "it is {schema}");
    Ok(())
}

async fn formats(bench: &Bench) -> Verdict {
    let described = bench.described().await?;
    let all = described.input_formats.iter().chain(&described.output_formats);
    let wrong = all.into_iter().find(|it| it.is_empty() || it.contains(char::is_whitespace));
    ensure!(wrong.is_none(), "{wrong:?} is no name");
    Ok(())
}
