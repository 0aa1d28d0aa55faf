//! What must hold for a case to make sense: the plugin's kind and capabilities, and what its sample says.

use crate::method::Method;
use crate::subject::Subject;
use factory_proto::plugin_v1::{DescribeResponse, PluginKind};

/// Something that must hold for a case to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It installs operating systems.
    Os,
    /// It is for a cloud.
    Cloud,
    /// It declares the capability.
    Has(&'static str),
    /// It does not declare the capability.
    Lacks(&'static str),
    /// It says how many operations it can run at once, and that is few enough to try.
    Limit,
    /// Its parameters have a schema.
    Schema,
    /// Some of its parameters are secrets.
    Sensitive,
    /// Its sample has a quick operation.
    Operation,
    /// Its sample's operation completes.
    Completes,
    /// Its sample allows this method.
    Runs(Method),
    /// Its sample has an operation that lasts.
    Long,
    /// Its sample has an operation with many events.
    Many,
    /// Its sample has an operation that fails.
    Fails,
    /// Its sample has parameters that make no sense.
    Wrong,
}

/// The most operations that a case starts to find a limit.
pub(crate) const LIMIT_MAX: u32 = 16;

impl Need {
    /// Says why it does not hold for a plugin; `None` if it does.
    pub(crate) fn missing(self, subject: &Subject, described: &DescribeResponse) -> Option<String> {
        let sample = subject.sample();
        let from_sample = |there: bool, what: &str| {
            (!there).then(|| match sample {
                Some(_) => format!("the sample has no {what}"),
                None => {
                    "no sample says which operation is quick and harmless (see --request)".into()
                }
            })
        };
        let has = |name: &str| described.capabilities.iter().any(|declared| declared == name);
        let unless = |holds: bool, why: String| (!holds).then_some(why);
        match self {
            Self::Os => unless(described.kind() == PluginKind::Os, "it is no OS plugin".into()),
            Self::Cloud => {
                unless(described.kind() == PluginKind::Cloud, "it is no cloud plugin".into())
            }
            Self::Has(name) => unless(has(name), format!("it does not declare `{name}`")),
            Self::Lacks(name) => unless(!has(name), format!("it declares `{name}`")),
            Self::Limit => limit(described.max_concurrent_operations),
            Self::Schema => unless(
                !described.parameters_schema_json.is_empty(),
                "it takes any parameters".into(),
            ),
            Self::Sensitive => {
                unless(!subject.sensitive(described).is_empty(), "no parameter is sensitive".into())
            }
            Self::Operation => from_sample(sample.is_some(), "operation"),
            Self::Completes => {
                from_sample(sample.is_some_and(|s| s.completes()), "operation that completes")
            }
            Self::Runs(method) => from_sample(
                sample.is_some_and(|s| s.allows(method)),
                &format!("operation {}", method.name()),
            ),
            Self::Long => from_sample(sample.is_some_and(|s| s.long.is_some()), "`long` operation"),
            Self::Many => from_sample(sample.is_some_and(|s| s.many.is_some()), "`many` events"),
            Self::Fails => from_sample(sample.is_some_and(|s| s.fails.is_some()), "`fails`"),
            Self::Wrong => {
                from_sample(sample.is_some_and(|s| s.wrong.is_some()), "`wrong` parameters")
            }
        }
    }
}

fn limit(operations: u32) -> Option<String> {
    match operations {
        0 => Some("it sets no limit".to_owned()),
        1..=LIMIT_MAX => None,
        many => Some(format!("{many} operations at once are too many to try")),
    }
}
