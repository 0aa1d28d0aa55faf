package plugin

import "context"

// OS is a plugin that installs operating systems.
type OS interface {
	// Describe says what the plugin is. No side effects, no waiting. It is called once.
	Describe() Description
	// CreateBaseImage installs an operating system and announces its files.
	CreateBaseImage(ctx context.Context, request *BaseRequest, op *Operation) error
}

// Cloud is a plugin for a cloud or hypervisor. What it can do it says by the other interfaces that it has.
type Cloud interface {
	// Describe says what the plugin is. No side effects, no waiting. It is called once.
	Describe() Description
}

// TargetCustomizer is an [OS] that makes target images. It has the capability `target-customization`.
type TargetCustomizer interface {
	// CreateTargetImage applies cloud content to a base image and announces what changed.
	CreateTargetImage(ctx context.Context, request *TargetImageRequest, op *Operation) error
}

// TargetDecider is a [Cloud] that does not always need a target image. Without it the answer is yes.
type TargetDecider interface {
	// ShouldCreateTargetImage says whether the OS plugin and the rest of the sequence are needed.
	ShouldCreateTargetImage(ctx context.Context, request *TargetRequest, op *Operation) (bool, error)
}

// ContentProvider is a [Cloud] that needs something inside its images.
type ContentProvider interface {
	// WillCreateTargetImage says what the cloud needs inside the image.
	WillCreateTargetImage(ctx context.Context, request *TargetRequest, op *Operation) (*CloudContent, error)
}

// TargetFinisher is a [Cloud] that has images in a form of its own. Without it the image stays as the OS plugin left it.
type TargetFinisher interface {
	// DidCreateTargetImage makes the target's files from the customised image, and announces them.
	DidCreateTargetImage(ctx context.Context, request *TargetRequest, op *Operation) error
}

// Pusher is a [Cloud] that puts images into accounts. It has the capability `push`.
type Pusher interface {
	// PushImageToProvider puts a target image into an account, and returns what the provider calls it.
	PushImageToProvider(ctx context.Context, request *PushRequest, op *Operation) (*Identifiers, error)
}

// Snapshotter is a [Cloud] that builds images inside accounts. It has the capability `snapshot`.
type Snapshotter interface {
	// SnapshotImageOnProvider builds an image from a running instance, and returns what the provider calls it.
	SnapshotImageOnProvider(ctx context.Context, request *SnapshotRequest, op *Operation) (*Identifiers, error)
}

// Deleter is a [Cloud] that deletes images from accounts. It has the capability `delete`.
type Deleter interface {
	// DeleteFromProvider deletes an image from an account. One that is gone already is success.
	DeleteFromProvider(ctx context.Context, request *DeleteRequest, op *Operation) error
}

// Reconciler is an [OS] or a [Cloud] that creates things outside this machine ([Operation.Create]). It has the capability
// `reconcile`.
type Reconciler interface {
	// Reconcile settles something that another operation left over: a crash, or a deletion that failed. It is called for one
	// thing after the other, newest first, and again later for those that fail.
	//
	// What is gone already, or never was, is no error ([NotThere]). What can't be told from others' things must not be
	// touched: that is one.
	Reconcile(ctx context.Context, leftOver *LeftOver, account *Account, op *Operation) (Settled, error)
}

// Validator is an [OS] or a [Cloud] that judges requests. It has the capability `validate`.
type Validator interface {
	// Validate finds every problem with a request, not only the first. It must not wait for long.
	Validate(ctx context.Context, request *ValidateRequest) []Diagnostic
}
