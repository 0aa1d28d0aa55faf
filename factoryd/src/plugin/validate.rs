//! Asks a plugin to judge a request before anything is started.

use super::channel::within;
use super::convert::{diagnostic, own_parameters, proposal};
use super::failure::{from_status, is_broken};
use super::hidden;
use super::instance::Instance;
use super::supervisor::Plugin;
use crate::delegate::{Diagnostic, Error, Proposal};
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::ValidateRequest;
use factory_proto::plugin_v1::plugin_client::PluginClient;
use tonic::Code;

/// Asks a plugin to judge a request. One without the capability `validate` finds nothing.
pub(super) async fn validate(
    plugin: &Plugin,
    judged: Proposal<'_>,
) -> Result<Vec<Diagnostic>, Error> {
    let instance = plugin.instance().await?;
    if !instance.description().capabilities.iter().any(|name| name == "validate") {
        return Ok(Vec::new());
    }
    let _hidden = instance.hide(hidden::proposed(&judged));
    let answer = ask(plugin, &instance, judged).await;
    let redactor = instance.redactor();
    match answer {
        Ok(found) => {
            Ok(found.into_iter().map(|it| hidden::clean_diagnostic(&redactor, it)).collect())
        }
        Err(error) => Err(hidden::clean_error(&redactor, error)),
    }
}

async fn ask(
    plugin: &Plugin,
    instance: &Instance,
    judged: Proposal<'_>,
) -> Result<Vec<Diagnostic>, Error> {
    let mut client = PluginClient::new(instance.channel())
        .max_decoding_message_size(MESSAGE_SIZE_MAX)
        .max_encoding_message_size(MESSAGE_SIZE_MAX);
    let mut request = proposal(judged)?;
    let ValidateRequest { parameters_json, secret_parameters, .. } = &mut request;
    own_parameters(instance.description(), parameters_json, secret_parameters);
    let call = client.validate(request);
    match within(instance.timing().validate_timeout, call).await {
        Ok(answer) => Ok(answer.diagnostics.into_iter().map(diagnostic).collect()),
        Err(status) if status.code() == Code::Unimplemented => Ok(Vec::new()),
        // A process that ended says more than the broken call.
        Err(status) if is_broken(&status) && ended(instance).await => {
            Err(instance.ending().await.into())
        }
        Err(status) => Err(from_status(plugin.name(), &status).into()),
    }
}

async fn ended(instance: &Instance) -> bool {
    instance.exited_within(instance.timing().exit_wait).await.is_some()
}
