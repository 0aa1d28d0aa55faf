package plugin

import (
	"context"

	pluginv1 "factory.dev/plugin/v1"
)

// cloudService is `CloudDelegate`.
type cloudService struct {
	pluginv1.UnimplementedCloudDelegateServer
	server *Server
}

func (s *cloudService) ShouldCreateTargetImage(request *pluginv1.ShouldCreateTargetImageRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(TargetDecider)
	return s.server.call("ShouldCreateTargetImage", has, request, stream, func() (work, error) {
		read, err := targetRequestOf(request.Target, request.BaseImage, "base_image", request.Template)
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			should, err := plugin.ShouldCreateTargetImage(ctx, read, op)
			return &pluginv1.Completed{
				Result: &pluginv1.Completed_ShouldCreateTargetImage{ShouldCreateTargetImage: should},
			}, err
		}, err
	})
}

func (s *cloudService) WillCreateTargetImage(request *pluginv1.WillCreateTargetImageRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(ContentProvider)
	return s.server.call("WillCreateTargetImage", has, request, stream, func() (work, error) {
		read, err := targetRequestOf(request.Target, request.BaseImage, "base_image", request.Template)
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			content, err := plugin.WillCreateTargetImage(ctx, read, op)
			return &pluginv1.Completed{
				Result: &pluginv1.Completed_CloudContent{CloudContent: content.proto()},
			}, err
		}, err
	})
}

func (s *cloudService) DidCreateTargetImage(request *pluginv1.DidCreateTargetImageRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(TargetFinisher)
	return s.server.call("DidCreateTargetImage", has, request, stream, func() (work, error) {
		read, err := targetRequestOf(request.Target, request.TargetImage, "target_image", request.Template)
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			return nil, plugin.DidCreateTargetImage(ctx, read, op)
		}, err
	})
}

func (s *cloudService) PushImageToProvider(request *pluginv1.PushImageToProviderRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(Pusher)
	return s.server.call("PushImageToProvider", has, request, stream, func() (work, error) {
		account, err := accountOf(request.Target, request.Account)
		if err != nil {
			return nil, err
		}
		image, err := imageOf(request.TargetImage, "target_image")
		return identifying(func(ctx context.Context, op *Operation) (*Identifiers, error) {
			return plugin.PushImageToProvider(ctx, &PushRequest{account, image}, op)
		}), err
	})
}

func (s *cloudService) SnapshotImageOnProvider(request *pluginv1.SnapshotImageOnProviderRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(Snapshotter)
	return s.server.call("SnapshotImageOnProvider", has, request, stream, func() (work, error) {
		account, err := accountOf(request.Target, request.Account)
		if err != nil {
			return nil, err
		}
		template, err := templateOf(request.Template)
		return identifying(func(ctx context.Context, op *Operation) (*Identifiers, error) {
			return plugin.SnapshotImageOnProvider(ctx, &SnapshotRequest{account, template}, op)
		}), err
	})
}

func (s *cloudService) DeleteFromProvider(request *pluginv1.DeleteFromProviderRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(Deleter)
	return s.server.call("DeleteFromProvider", has, request, stream, func() (work, error) {
		account, err := accountOf(request.Target, request.Account)
		if err != nil {
			return nil, err
		}
		image, err := imageOf(request.ProviderImage, "provider_image")
		identifiers := Identifiers{
			Image:   request.Identifiers.GetIdentifierOnProvider(),
			Account: request.Identifiers.GetProviderAccountIdentifier(),
		}
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			return nil, plugin.DeleteFromProvider(ctx, &DeleteRequest{account, identifiers, image}, op)
		}, err
	})
}

// identifying makes a piece of work of a method that returns what the provider calls the image.
func identifying(method func(context.Context, *Operation) (*Identifiers, error)) work {
	return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
		identifiers, err := method(ctx, op)
		if err == nil {
			op.identify(identifiers)
		}
		return nil, err
	}
}
