//! The mock plugins: a little work, and everything that a plugin should not do.
//!
//! | parameter | what it does |
//! |---|---|
//! | `mock_misbehave` | a misbehaviour of [`scenario`] or [`hostile`], by name |
//! | `mock_misbehave_in` | only in these methods, separated by commas (`CreateBaseImage`, …); in all otherwise |
//! | `mock_misbehave_at` | only at a named point, such as `create:image`: see the mock cloud |
//! | `mock_misbehave_attempts` | only up to this try of an image |
//! | `mock_garbage` | which rule `garbage` breaks |
//! | `mock_fault`, `mock_reason` | what `fail` says, such as `FAULT_QUOTA` and `DISK_FULL` |
//! | `mock_steps` | how many reports of progress a run makes (5) |
//! | `mock_delay_ms` | how long it waits between them (0) |
//! | `mock_events` | how many lines of log a run (0) or a flood (100 000) writes |
//! | `mock_forks` | how many processes `fork-many` starts (10 000) |
//! | `mock_size` | the size of the body, in bytes; the rest of it is a hole |
//! | `mock_note`, `mock_old` | nothing; the second is deprecated |
//! | `mock_property` | the value of the property `mock_property` |
//! | `mock_password` | a sensitive parameter; only its length is logged |
//! | `mock_echo` | say all secrets that were given, in all forms ([`echo`]); `refuse`: when the request is judged |
//! | `mock_resource` | `true`: announce a resource, create it, and keep it |
//! | `mock_escape` | what `escape` tries: a list, see [`escape`] |
//! | `mock_cloud_content` | what the mock cloud wants in a target image |
//!
//! What goes wrong before there are parameters is chosen by a file beside the executable: see [`start`].

pub mod echo;
pub mod escape;
pub mod hostile;
mod os;
pub mod scenario;
pub mod start;

pub use os::MockOs;

use factory_plugin_sdk::{
    Diagnostic, Failure, Fault, Parameters, ValidateRequest, proto::diagnostic::Severity,
};
use serde_json::{Value, json};

/// Returns the JSON Schema of the parameters above.
pub fn parameters_schema() -> Value {
    let text = |what: &str| json!({"type": "string", "description": what});
    let number = |what: &str| json!({"type": "integer", "minimum": 0, "description": what});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "mock_misbehave": {
                "type": "string", "enum": names(), "description": "a misbehaviour, by name",
            },
            "mock_misbehave_in": text("only in these methods, separated by commas"),
            "mock_misbehave_at": text("only at a named point, such as create:image"),
            "mock_misbehave_attempts": number("only up to this try of an image"),
            "mock_garbage": {
                "type": "string", "enum": hostile::garbage::NAMES, "description": "which rule `garbage` breaks",
            },
            "mock_fault": text("what `fail` says, such as FAULT_QUOTA"),
            "mock_reason": text("what `fail` says, such as DISK_FULL"),
            "mock_steps": number("how many reports of progress a run makes; 5 as a rule"),
            "mock_delay_ms": number("how long it waits between them"),
            "mock_events": number("how many lines of log a run or a flood writes"),
            "mock_forks": number("how many processes `fork-many` starts"),
            "mock_size": number("the size of the body, in bytes"),
            "mock_property": {"description": "the value of the property mock_property"},
            "mock_note": text("nothing; a parameter to be kept"),
            "mock_old": {"type": "string", "deprecated": true, "description": "use mock_note"},
            "mock_password": {
                "type": "string", "x-factory-sensitive": true, "description": "only its length is logged",
            },
            "mock_echo": {
                "type": ["boolean", "string"], "description": "say all secrets that were given; refuse: when judging",
            },
            "mock_resource": {"type": "boolean", "description": "announce a resource, and keep it"},
            "mock_escape": {"type": ["array", "string"], "description": "what `escape` tries"},
            "mock_cloud_content": {
                "type": ["object", "string"], "description": "what the mock cloud wants in a target image",
            },
        },
    })
}

/// Finds parameters that make no sense.
pub fn validate(request: &ValidateRequest) -> Vec<Diagnostic> {
    let name = misbehaviour(&request.parameters);
    let unknown = name.filter(|name| !names().contains(&name.as_str()));
    let diagnostic = |name: String| Diagnostic {
        severity: Severity::Error.into(),
        message: format!("misbehaviour {name} is not known"),
        path: "parameters.mock_misbehave".to_owned(),
        hint: format!("it is one of {}", names().join(", ")),
    };
    unknown.map(diagnostic).into_iter().chain(echoed(request)).collect()
}

/// Refuses a request with all secrets in it, if that is asked for.
fn echoed(request: &ValidateRequest) -> Option<Diagnostic> {
    let told = echo::secrets(&request.parameters)?;
    request.parameters.text("mock_echo").ok()?.filter(|asked| asked == "refuse")?;
    let in_template = request.template.iter().flat_map(echo::in_template);
    let credentials = request.credentials.iter().map(|secret| secret.value.clone());
    let text =
        echo::text(&told.into_iter().chain(in_template).chain(credentials).collect::<Vec<_>>());
    Some(Diagnostic {
        severity: Severity::Error.into(),
        message: format!("refused with {text}"),
        path: text.clone(),
        hint: text,
    })
}

/// Refuses a misbehaviour that is not known, as [`validate`] does.
fn known(parameters: &Parameters) -> Result<(), Failure> {
    match misbehaviour(parameters).filter(|name| !names().contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let message = format!("misbehaviour {name} is not known");
            let failure = Failure::new(Fault::User, "INVALID_PARAMETER", message);
            Err(failure.path("parameters.mock_misbehave"))
        }
    }
}

fn misbehaviour(parameters: &Parameters) -> Option<String> {
    parameters.text("mock_misbehave").ok().flatten()
}

fn names() -> Vec<&'static str> {
    [scenario::NAMES, hostile::NAMES].concat()
}
