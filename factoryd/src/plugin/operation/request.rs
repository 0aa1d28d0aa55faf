//! The calls that start an operation, as one type: so that all of them run, re-attach and end in one way.

use crate::delegate::Description;
use crate::plugin::convert::own_parameters;
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::cloud_delegate_client::CloudDelegateClient;
use factory_proto::plugin_v1::operations_client::OperationsClient;
use factory_proto::plugin_v1::os_delegate_client::OsDelegateClient;
use factory_proto::plugin_v1::{
    CreateBaseImageRequest, CreateTargetImageRequest, DeleteFromProviderRequest,
    DidCreateTargetImageRequest, EventBatch, InputImage, OperationHeader,
    PushImageToProviderRequest, ReconcileRequest, ShouldCreateTargetImageRequest,
    SnapshotImageOnProviderRequest, WillCreateTargetImageRequest,
};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

macro_rules! requests {
    ($($method:ident: $request:ident, $client:ident . $call:ident;)*) => {
        /// A call that starts an operation or attaches to it again.
        #[derive(Debug, Clone)]
        pub(in crate::plugin) enum Request {
            $(
                #[doc = concat!("Calls `", stringify!($method), "`.")]
                $method($request),
            )*
        }

        impl Request {
            /// Answers the method's name.
            pub(in crate::plugin) fn method(&self) -> &'static str {
                match self {
                    $(Self::$method(_) => stringify!($method),)*
                }
            }

            fn header(&self) -> Option<&OperationHeader> {
                match self {
                    $(Self::$method(request) => request.header.as_ref(),)*
                }
            }

            fn header_mut(&mut self) -> &mut Option<OperationHeader> {
                match self {
                    $(Self::$method(request) => &mut request.header,)*
                }
            }

            /// Makes the call.
            pub(super) async fn open(self, channel: Channel) -> Result<Streaming<EventBatch>, Status> {
                let answer = match self {
                    $(Self::$method(request) => {
                        $client::new(channel)
                            .max_decoding_message_size(MESSAGE_SIZE_MAX)
                            .max_encoding_message_size(MESSAGE_SIZE_MAX)
                            .$call(request)
                            .await
                    })*
                };
                answer.map(tonic::Response::into_inner)
            }
        }
    };
}

requests! {
    CreateBaseImage: CreateBaseImageRequest, OsDelegateClient.create_base_image;
    CreateTargetImage: CreateTargetImageRequest, OsDelegateClient.create_target_image;
    ShouldCreateTargetImage: ShouldCreateTargetImageRequest, CloudDelegateClient.should_create_target_image;
    WillCreateTargetImage: WillCreateTargetImageRequest, CloudDelegateClient.will_create_target_image;
    DidCreateTargetImage: DidCreateTargetImageRequest, CloudDelegateClient.did_create_target_image;
    PushImageToProvider: PushImageToProviderRequest, CloudDelegateClient.push_image_to_provider;
    SnapshotImageOnProvider: SnapshotImageOnProviderRequest, CloudDelegateClient.snapshot_image_on_provider;
    DeleteFromProvider: DeleteFromProviderRequest, CloudDelegateClient.delete_from_provider;
    Reconcile: ReconcileRequest, OperationsClient.reconcile;
}

impl Request {
    /// Answers the operation to which what is announced belongs: the one that left it over, if that is settled here.
    pub(super) fn announced_in(&self) -> &str {
        match self {
            Self::Reconcile(ReconcileRequest { intents, .. }) => {
                intents.first().map_or("", |open| &open.operation_id)
            }
            other => other.header().map_or("", |header| &header.operation_id),
        }
    }

    /// Answers what of the request names files and directories.
    pub(super) fn places(&mut self) -> (Option<&mut OperationHeader>, Option<&mut InputImage>) {
        match self {
            Self::CreateTargetImage(it) => (it.header.as_mut(), it.base_image.as_mut()),
            Self::ShouldCreateTargetImage(it) => (it.header.as_mut(), it.base_image.as_mut()),
            Self::WillCreateTargetImage(it) => (it.header.as_mut(), it.base_image.as_mut()),
            Self::DidCreateTargetImage(it) => (it.header.as_mut(), it.target_image.as_mut()),
            Self::PushImageToProvider(it) => (it.header.as_mut(), it.target_image.as_mut()),
            Self::DeleteFromProvider(it) => (it.header.as_mut(), it.provider_image.as_mut()),
            _ => (self.header_mut().as_mut(), None),
        }
    }

    /// Answers the request as it is meant for one plugin: with the parameters that it knows.
    pub(super) fn for_plugin(mut self, description: &Description) -> Self {
        if let Some(header) = self.header_mut() {
            let OperationHeader { parameters_json, secret_parameters, .. } = header;
            own_parameters(description, parameters_json, secret_parameters);
        }
        self
    }

    /// Answers the same request, asking for what comes after an event.
    pub(super) fn after(&self, seq: u64) -> Self {
        let mut request = self.clone();
        if let Some(header) = request.header_mut() {
            header.after_seq = seq;
        }
        request
    }
}
