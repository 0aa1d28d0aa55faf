//! Says secrets that the plugin was given, wherever a plugin can say something and in all the forms in which that happens:
//! `mock_echo`. A factory lets none of it through.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use factory_plugin_sdk::proto::Template;
use factory_plugin_sdk::{Failure, Level, Operation, Parameters, Progress};
use serde_json::{Value, json};

/// A longer line is read in pieces of this many bytes.
const LINE_LEN_MAX: usize = 64 * 1024;

/// Returns the secrets among parameters, if they are to be said.
pub(crate) fn secrets(parameters: &Parameters) -> Option<Vec<String>> {
    parameters.get("mock_echo")?;
    Some(parameters.secret("mock_password").into_iter().map(str::to_owned).collect())
}

/// Returns the secrets of a template.
pub fn in_template(template: &Template) -> Vec<String> {
    let os = template.os.iter();
    let secrets = os.clone().flat_map(|os| [&os.root_password, &os.product_key]).flatten();
    let secrets = secrets.map(|secret| secret.value.clone());
    let urls = template.repositories.iter().map(|repository| repository.url.clone());
    let install = os.filter_map(|os| match os.install.as_ref()?.source.as_ref()? {
        factory_plugin_sdk::proto::install::Source::Url(url)
        | factory_plugin_sdk::proto::install::Source::Iso(url) => Some(url.clone()),
    });
    secrets.chain(urls).chain(install).collect()
}

/// Returns a secret as tools print it.
pub fn forms(secret: &str) -> Vec<String> {
    let percent = |keep: &[u8], upper: bool| -> String {
        let encode = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
                char::from(byte).to_string()
            }
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        secret.bytes().map(encode).collect()
    };
    let quoted = Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        quoted.clone(),
        Value::from(quoted).to_string(),
        format!("{secret:?}"),
        percent(b"-._~", true),
        percent(b"-._~", false),
        percent(b"-._~ ", true).replace(' ', "+"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        STANDARD.encode(format!("{{\"a\": \"{secret}\"}}")),
        URL_SAFE_NO_PAD.encode(format!("x{secret}")),
    ];
    forms.extend(secret.lines().map(str::to_owned));
    forms
}

/// Returns all forms of some secrets in one text.
pub fn text(secrets: &[String]) -> String {
    secrets.iter().flat_map(|secret| forms(secret)).collect::<Vec<_>>().join(" | ")
}

/// Says them all, in every way.
pub(crate) async fn tell(operation: &Operation, secrets: &[String]) -> Result<(), Failure> {
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        eprintln!("echo {form}");
        eprintln!("{}", json!({"@level": "warn", "@message": form, "@module": form, "k": [form]}));
        println!("echo {form}");
        operation.log(Level::Info, &form, format!("echo {form}")).await?;
        operation.progress(Progress::phase(&form).activity(format!("echo {form}"))).await?;
        operation.property(&format!("echo {form}"), json!({form.clone(): [form]})).await?;
        operation.warning(format!("echo {form}"), &form).await?;
    }
    for secret in secrets {
        eprintln!("{}{secret}", "x".repeat(LINE_LEN_MAX - secret.len() / 2));
    }
    Ok(())
}
