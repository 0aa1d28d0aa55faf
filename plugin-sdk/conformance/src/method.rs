//! The methods that are operations.

use factory_proto::plugin_v1::PluginKind;

/// A method that is an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// `OSDelegate.CreateBaseImage`
    CreateBaseImage,
    /// `OSDelegate.CreateTargetImage`
    CreateTargetImage,
    /// `CloudDelegate.ShouldCreateTargetImage`
    ShouldCreateTargetImage,
    /// `CloudDelegate.WillCreateTargetImage`
    WillCreateTargetImage,
    /// `CloudDelegate.DidCreateTargetImage`
    DidCreateTargetImage,
    /// `CloudDelegate.PushImageToProvider`
    PushImageToProvider,
    /// `CloudDelegate.SnapshotImageOnProvider`
    SnapshotImageOnProvider,
    /// `CloudDelegate.DeleteFromProvider`
    DeleteFromProvider,
    /// `Operations.Reconcile`
    Reconcile,
}

/// All of them, in the order in which an image meets them.
pub(crate) const ALL: [Method; 9] = [
    Method::CreateBaseImage,
    Method::CreateTargetImage,
    Method::ShouldCreateTargetImage,
    Method::WillCreateTargetImage,
    Method::DidCreateTargetImage,
    Method::PushImageToProvider,
    Method::SnapshotImageOnProvider,
    Method::DeleteFromProvider,
    Method::Reconcile,
];

impl Method {
    /// Returns its name, as the protocol has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateBaseImage => "CreateBaseImage",
            Self::CreateTargetImage => "CreateTargetImage",
            Self::ShouldCreateTargetImage => "ShouldCreateTargetImage",
            Self::WillCreateTargetImage => "WillCreateTargetImage",
            Self::DidCreateTargetImage => "DidCreateTargetImage",
            Self::PushImageToProvider => "PushImageToProvider",
            Self::SnapshotImageOnProvider => "SnapshotImageOnProvider",
            Self::DeleteFromProvider => "DeleteFromProvider",
            Self::Reconcile => "Reconcile",
        }
    }

    /// Returns its path in gRPC.
    pub fn path(self) -> String {
        let service = match self.kind() {
            _ if self == Self::Reconcile => "Operations",
            PluginKind::Os => "OSDelegate",
            PluginKind::Cloud | PluginKind::Unspecified => "CloudDelegate",
        };
        format!("/factory.plugin.v1.{service}/{}", self.name())
    }

    /// Returns the kind of the plugins that serve it. `Reconcile` is for every kind; it is asked of cloud plugins here.
    pub fn kind(self) -> PluginKind {
        match self {
            Self::CreateBaseImage | Self::CreateTargetImage => PluginKind::Os,
            _ => PluginKind::Cloud,
        }
    }

    /// Returns the capability that a plugin declares to serve it; `None` if it needs none.
    pub fn capability(self) -> Option<&'static str> {
        match self {
            Self::CreateTargetImage => Some("target-customization"),
            Self::PushImageToProvider => Some("push"),
            Self::SnapshotImageOnProvider => Some("snapshot"),
            Self::DeleteFromProvider => Some("delete"),
            Self::Reconcile => Some("reconcile"),
            _ => None,
        }
    }

    /// Tells whether a plugin may leave it out though it needs no capability.
    pub fn is_optional(self) -> bool {
        matches!(
            self,
            Self::ShouldCreateTargetImage
                | Self::WillCreateTargetImage
                | Self::DidCreateTargetImage
        )
    }

    /// Finds a method by its name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|method| method.name() == name)
    }

    /// Returns what is made: the kind of the image.
    pub(crate) fn image_kind(self) -> &'static str {
        match self {
            Self::CreateBaseImage => "base",
            Self::PushImageToProvider
            | Self::SnapshotImageOnProvider
            | Self::DeleteFromProvider
            | Self::Reconcile => "provider",
            _ => "target",
        }
    }
}
