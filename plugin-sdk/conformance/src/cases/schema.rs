//! The schemas of parameters, providers and credentials: whether they are some, and whether they are honest.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::{plugin, secret};
use factory_proto::plugin_v1::DescribeResponse;
use serde_json::Value;

const PARAMETERS: &str = "JSON Schema (2020-12) of the parameters it accepts: an object whose `properties` are the parameters.";
const SENSITIVE: &str = "it takes a string, comes in `secret_parameters`, and is shown nowhere; the schema shows no value of it.";

pub(super) const CASES: &[Case] = &[
    Case::new("SC-01", "its schemas are JSON", plugin(PARAMETERS), &[Need::Schema], run!(is_json)),
    Case::new(
        "SC-02",
        "its schemas are schemas of 2020-12",
        plugin(PARAMETERS),
        &[Need::Schema],
        run!(is_schema),
    ),
    Case::new(
        "SC-03",
        "the schema of parameters is an object's",
        plugin(PARAMETERS),
        &[Need::Schema],
        run!(is_object),
    ),
    Case::new(
        "SC-04",
        "its schemas need nothing from elsewhere",
        plugin("A schema refers to nothing outside itself."),
        &[Need::Schema],
        run!(is_whole),
    ),
    Case::new(
        "SC-05",
        "a mark of a secret is true or false",
        plugin("`\"x-factory-sensitive\": true` at a property makes it a secret"),
        &[Need::Schema],
        run!(marks),
    ),
    Case::new(
        "SC-06",
        "its secrets are texts",
        secret("Text; binary values are base64."),
        &[Need::Sensitive],
        run!(secrets_are_texts),
    ),
    Case::new(
        "SC-07",
        "its schema shows no secret",
        plugin(SENSITIVE),
        &[Need::Sensitive],
        run!(no_values),
    ),
    Case::new(
        "SC-08",
        "its defaults are as its schema asks",
        plugin(PARAMETERS),
        &[Need::Schema],
        run!(defaults),
    ),
    Case::new(
        "SC-09",
        "what it takes is what its schema takes",
        plugin(PARAMETERS),
        &[Need::Schema, Need::Completes],
        run!(honest),
    ),
];

fn schemas(it: &DescribeResponse) -> impl Iterator<Item = (&'static str, &String)> {
    let all = [
        ("parameters_schema_json", &it.parameters_schema_json),
        ("provider_schema_json", &it.provider_schema_json),
        ("credentials_schema_json", &it.credentials_schema_json),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty())
}

fn parsed(name: &str, text: &str) -> Result<Value, Stop> {
    serde_json::from_str(text).map_err(|error| Stop::broken(format!("{name} is no JSON: {error}")))
}

async fn parameters(bench: &Bench) -> Result<Value, Stop> {
    parsed("parameters_schema_json", &bench.described().await?.parameters_schema_json)
}

async fn properties(bench: &Bench) -> Result<Vec<(String, Value)>, Stop> {
    let schema = parameters(bench).await?;
    let map = schema["properties"].as_object().cloned().unwrap_or_default();
    Ok(map.into_iter().collect())
}

async fn is_json(bench: &Bench) -> Verdict {
    schemas(bench.described().await?).try_for_each(|(name, text)| parsed(name, text).map(drop))
}

async fn is_schema(bench: &Bench) -> Verdict {
    for (name, text) in schemas(bench.described().await?) {
        let schema = parsed(name, text)?;
        let wrong = jsonschema::draft202012::meta::validate(&schema).err();
        ensure!(wrong.is_none(), "{name}: {}", wrong.map(|it| it.to_string()).unwrap_or_default());
    }
    Ok(())
}

async fn is_object(bench: &Bench) -> Verdict {
    let schema = parameters(bench).await?;
    ensure!(schema["type"] == "object", "its type is {}", schema["type"]);
    ensure!(schema["properties"].is_object(), "it has no properties");
    Ok(())
}

async fn is_whole(bench: &Bench) -> Verdict {
    for (name, text) in schemas(bench.described().await?) {
        let outside = references(&parsed(name, text)?).into_iter().find(|it| !it.starts_with('#'));
        ensure!(outside.is_none(), "{name} refers to {}", outside.unwrap_or_default());
    }
    Ok(())
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(map.values().flat_map(references)).collect()
        }
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

async fn marks(bench: &Bench) -> Verdict {
    for (name, schema) in properties(bench).await? {
        let mark = schema.get("x-factory-sensitive");
        ensure!(mark.is_none_or(Value::is_boolean), "that of {name} is {mark:?}");
    }
    Ok(())
}

async fn secrets(bench: &Bench) -> Result<Vec<(String, Value)>, Stop> {
    let sensitive = |it: &(String, Value)| it.1["x-factory-sensitive"] == true;
    Ok(properties(bench).await?.into_iter().filter(sensitive).collect())
}

async fn secrets_are_texts(bench: &Bench) -> Verdict {
    for (name, schema) in secrets(bench).await? {
        let takes = match &schema["type"] {
            Value::Array(types) => types.iter().any(|it| it == "string"),
            Value::Null => true,
            one => one == "string",
        };
        ensure!(takes, "{name} is a {}", schema["type"]);
    }
    Ok(())
}

async fn no_values(bench: &Bench) -> Verdict {
    for (name, schema) in secrets(bench).await? {
        let shown = ["default", "examples", "const", "enum"]
            .into_iter()
            .find(|key| schema.get(key).is_some());
        ensure!(shown.is_none(), "{name} has `{}`", shown.unwrap_or_default());
    }
    Ok(())
}

async fn defaults(bench: &Bench) -> Verdict {
    for (name, schema) in properties(bench).await? {
        let Some(default) = schema.get("default") else { continue };
        ensure!(is_valid(&schema, default)?, "the default of {name}, {default}, is not valid");
    }
    Ok(())
}

async fn honest(bench: &Bench) -> Verdict {
    let schema = parameters(bench).await?;
    let session = bench.session().await?;
    let call = bench.call(&session).await?;
    let mut reader = session.start(&call).await?;
    let completed =
        matches!(reader.ended().await?, factory_proto::plugin_v1::event::Kind::Completed(_));
    let given = call.header.unwrap_or_default();
    let mut all: Value = serde_json::from_str(&given.parameters_json).unwrap_or_default();
    for (name, value) in &given.secret_parameters {
        all[name] = Value::String(value.value.clone());
    }
    let taken = is_valid(&schema, &all)?;
    ensure!(taken || !completed, "it completed with parameters that its schema refuses");
    ensure!(taken, "its schema refuses the parameters of its sample");
    Ok(())
}

fn is_valid(schema: &Value, value: &Value) -> Result<bool, Stop> {
    let validator = jsonschema::draft202012::new(schema)
        .map_err(|error| Stop::broken(format!("it is no schema: {error}")))?;
    Ok(validator.is_valid(value))
}
