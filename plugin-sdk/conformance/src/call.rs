//! A request that starts an operation. Its header is its first field in every method, so that the two are kept apart: what
//! is changed in one is not looked at in the other.

use crate::method::Method;
use factory_proto::plugin_v1::OperationHeader;
use prost::Message;
use serde_json::{Map, Value};

/// A request that starts an operation.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The field `header`; `None` leaves it out.
    pub(crate) header: Option<OperationHeader>,
    /// The other fields, encoded.
    pub(crate) rest: Vec<u8>,
}

/// The part of every request that is its header.
#[derive(Clone, PartialEq, Message)]
struct Headed {
    #[prost(message, optional, tag = "1")]
    header: Option<OperationHeader>,
}

impl Call {
    /// Returns the operation's id.
    pub(crate) fn id(&self) -> &str {
        self.header.as_ref().map_or("", |header| &header.operation_id)
    }

    /// Changes the operation's id.
    pub(crate) fn named(mut self, id: &str) -> Self {
        self.header_mut().operation_id = id.to_owned();
        self
    }

    /// Asks for events after a number only.
    pub(crate) fn after(mut self, seq: u64) -> Self {
        self.header_mut().after_seq = seq;
        self
    }

    /// Adds parameters, in place of those with the same names.
    pub(crate) fn with(mut self, parameters: &Map<String, Value>) -> Self {
        let header = self.header_mut();
        let mut all: Map<String, Value> =
            serde_json::from_str(&header.parameters_json).unwrap_or_default();
        all.extend(parameters.clone());
        header.parameters_json = Value::Object(all).to_string();
        self
    }

    /// Adds bytes to the end of the request.
    pub(crate) fn appended(mut self, bytes: &[u8]) -> Self {
        self.rest.extend_from_slice(bytes);
        self
    }

    /// Leaves out everything but the header.
    pub(crate) fn bare(mut self) -> Self {
        self.rest.clear();
        self
    }

    /// Leaves out the header.
    pub(crate) fn headless(mut self) -> Self {
        self.header = None;
        self
    }

    /// Returns the header, to change it.
    pub(crate) fn header_mut(&mut self) -> &mut OperationHeader {
        self.header.get_or_insert_default()
    }

    /// Encodes it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Headed { header: self.header.clone() }.encode_to_vec();
        bytes.extend_from_slice(&self.rest);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1::{CreateBaseImageRequest, Template};

    #[test]
    fn a_header_and_a_rest_are_a_request() {
        let template = Template { name: "t".to_owned(), ..Default::default() };
        let rest = CreateBaseImageRequest { header: None, template: Some(template.clone()) };
        let call =
            Call { method: Method::CreateBaseImage, header: None, rest: rest.encode_to_vec() };
        let call = call.named("one").after(3);
        let request = CreateBaseImageRequest::decode(call.bytes().as_slice()).unwrap();
        let header = request.header.unwrap();
        assert_eq!((header.operation_id.as_str(), header.after_seq), ("one", 3));
        assert_eq!(request.template, Some(template));
    }
}
