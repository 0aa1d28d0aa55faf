package plugin

import (
	"context"
	"errors"
	"runtime/debug"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pluginService is `Plugin`: what the plugin is, and whether a request makes sense to it.
type pluginService struct {
	pluginv1.UnimplementedPluginServer
	server *Server
}

func (s *pluginService) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return s.server.description, nil
}

func (s *pluginService) Validate(ctx context.Context, request *pluginv1.ValidateRequest) (*pluginv1.ValidateResponse, error) {
	read, err := validateRequestOf(request)
	var failure *Failure
	if errors.As(err, &failure) {
		return nil, failure.status(codes.InvalidArgument)
	}
	response := &pluginv1.ValidateResponse{}
	validator, has := s.server.plugin.(Validator)
	if !has {
		return response, nil
	}
	found, err := judge(ctx, validator, read)
	response.Diagnostics = each(found, diagnosticProto)
	makeValid(response)
	return response, err
}

// judge has a plugin judge a request. A panic is this call's error, and ends nothing else.
func judge(ctx context.Context, validator Validator, request *ValidateRequest) (found []Diagnostic, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			logger.Error("Validate panicked", "panic", panicked, "stack", string(debug.Stack()))
			err = status.Errorf(codes.Internal, "the plugin panicked: %v", panicked)
		}
	}()
	return validator.Validate(ctx, request), nil
}

func diagnosticProto(it Diagnostic) *pluginv1.Diagnostic {
	severity := pluginv1.Diagnostic_SEVERITY_ERROR
	if it.Warning {
		severity = pluginv1.Diagnostic_SEVERITY_WARNING
	}
	return &pluginv1.Diagnostic{Severity: severity, Message: it.Message, Path: it.Path, Hint: it.Hint}
}

// operationsService is `Operations`: steering what is under way.
type operationsService struct {
	pluginv1.UnimplementedOperationsServer
	server *Server
}

func (s *operationsService) Cancel(_ context.Context, request *pluginv1.CancelRequest) (*pluginv1.CancelResponse, error) {
	err := s.server.operations.cancel(request.OperationId, max(0, request.Grace.AsDuration()))
	return &pluginv1.CancelResponse{}, err
}

func (s *operationsService) List(context.Context, *pluginv1.ListRequest) (*pluginv1.ListResponse, error) {
	return &pluginv1.ListResponse{Operations: s.server.operations.list()}, nil
}

func (s *operationsService) Acknowledge(
	_ context.Context, request *pluginv1.AcknowledgeRequest,
) (*pluginv1.AcknowledgeResponse, error) {
	err := s.server.operations.acknowledge(request.OperationId, request.UpToSeq)
	return &pluginv1.AcknowledgeResponse{}, err
}

func (s *operationsService) Reconcile(request *pluginv1.ReconcileRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(Reconciler)
	return s.server.call("Reconcile", has, request, stream, func() (work, error) {
		return reconcileWork(plugin, request)
	})
}

// osService is `OSDelegate`.
type osService struct {
	pluginv1.UnimplementedOSDelegateServer
	server *Server
}

func (s *osService) CreateBaseImage(request *pluginv1.CreateBaseImageRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(OS)
	return s.server.call("CreateBaseImage", has, request, stream, func() (work, error) {
		template, err := templateOf(request.Template)
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			return nil, plugin.CreateBaseImage(ctx, &BaseRequest{template}, op)
		}, err
	})
}

func (s *osService) CreateTargetImage(request *pluginv1.CreateTargetImageRequest, stream eventStream) error {
	plugin, has := s.server.plugin.(TargetCustomizer)
	return s.server.call("CreateTargetImage", has, request, stream, func() (work, error) {
		read, err := targetRequestOf(request.Target, request.BaseImage, "base_image", request.Template)
		if err != nil {
			return nil, err
		}
		content := contentOf(request.CloudContent)
		return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
			request := &TargetImageRequest{read.Target, read.Image, read.Template, content}
			return nil, plugin.CreateTargetImage(ctx, request, op)
		}, nil
	})
}
