"""The services of the contract, as handlers for a gRPC server. Made from the descriptors, so they can't differ from the `.proto`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from factory_plugin import proto, request
from factory_plugin.delegate import CloudPlugin, OSPlugin, Plugin, ValidateRequest, capabilities
from factory_plugin.failure import Failure, Unimplemented, details, of_exception
from factory_plugin.operations import Operations, Refused
from factory_plugin.parameters import Parameters
from factory_plugin.record import Record
from factory_plugin.server import calls
from factory_plugin.template import secret_of
from factory_plugin.tool import find

BATCH_INTERVAL = 0.1
"""The shortest time between two batches, unless one is full or urgent, in seconds."""

Handler = Callable[[Any, grpc.ServicerContext], Any]
T = TypeVar("T")


class Server:
    """A plugin, its description and its operations, ready to be served."""

    def __init__(self, plugin: Plugin) -> None:
        """Asks the plugin what it is. Raises `TypeError` if it is neither an `OSPlugin` nor a `CloudPlugin`, or another one than its
        `.info` file says."""
        self._plugin = plugin
        self.description = _description(plugin)
        """The answer to `Describe`."""
        self.operations = Operations(self.description.max_concurrent_operations)
        """The operations that the plugin knows."""

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Answers all services of the contract that the plugin serves."""
        delegate, file, own = ("OSDelegate", proto.OS_FILE, calls.OS_CALLS)
        if isinstance(self._plugin, CloudPlugin):
            delegate, file, own = ("CloudDelegate", proto.CLOUD_FILE, calls.CLOUD_CALLS)
        return [
            _service(proto.PLUGIN_FILE, "Plugin", {"Describe": self._describe, "Validate": self._validate}),
            _service(
                proto.OPERATIONS_FILE,
                "Operations",
                {
                    "Cancel": self._cancel,
                    "List": self._list,
                    "Acknowledge": self._acknowledge,
                    "Reconcile": self._operation("Reconcile", calls.reconcile_intents),
                },
            ),
            _service(file, delegate, {name: self._operation(name, call) for name, call in own.items()}),
        ]

    def _describe(self, message: proto.DescribeRequest, context: grpc.ServicerContext) -> proto.DescribeResponse:
        return self.description

    def _validate(self, message: proto.ValidateRequest, context: grpc.ServicerContext) -> proto.ValidateResponse:
        try:
            found = self._plugin.validate(_validate_request(message))
        except Unimplemented as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except Failure as failure:
            _refuse(context, Refused(grpc.StatusCode.INVALID_ARGUMENT, failure))
        except Exception as error:
            _refuse(context, Refused(grpc.StatusCode.INTERNAL, of_exception(error)))
        diagnostics = [
            proto.Diagnostic(
                severity=proto.Diagnostic.Severity.Name(it.severity),
                message=it.message,
                path=it.path,
                hint=it.hint,
            )
            for it in found
        ]
        return proto.ValidateResponse(diagnostics=diagnostics)

    def _cancel(self, message: proto.CancelRequest, context: grpc.ServicerContext) -> proto.CancelResponse:
        grace = max(message.grace.ToTimedelta().total_seconds(), 0.0)
        _or_refuse(context, lambda: self.operations.cancel(message.operation_id, grace))
        return proto.CancelResponse()

    def _list(self, message: proto.ListRequest, context: grpc.ServicerContext) -> proto.ListResponse:
        return proto.ListResponse(operations=self.operations.known())

    def _acknowledge(
        self, message: proto.AcknowledgeRequest, context: grpc.ServicerContext
    ) -> proto.AcknowledgeResponse:
        _or_refuse(context, lambda: self.operations.acknowledge(message.operation_id, message.up_to_seq))
        return proto.AcknowledgeResponse()

    def _operation(self, name: str, call: calls.Call) -> Handler:
        """Answers a handler that starts an operation, or attaches to it, and streams its events."""
        capability = calls.NEEDED_CAPABILITY.get(name)

        def handle(message: Any, context: grpc.ServicerContext) -> Iterator[bytes]:
            if capability is not None and capability not in self.description.capabilities:
                why = f"the plugin does not declare the capability `{capability}`"
                context.abort(grpc.StatusCode.UNIMPLEMENTED, why)
            record = _or_refuse(
                context,
                lambda: self.operations.call(name, message, lambda made: call(self._plugin, message, made)),
            )
            yield from _events(record, message.header.after_seq, context)
            if record.refusal is not None and context.is_active():
                context.abort(grpc.StatusCode.UNIMPLEMENTED, str(record.refusal))

        return handle


def _events(record: Record, cursor: int, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Streams encoded batches of the events after `cursor`. That a stream breaks off changes nothing for the operation."""
    context.add_callback(record.wake)
    not_before = 0.0
    while True:
        batch = record.wait_for_batch(cursor, not_before, lambda: not context.is_active())
        if batch is None:
            return
        encoded, cursor = batch
        yield encoded
        not_before = time.monotonic() + BATCH_INTERVAL


def _service(file: FileDescriptor, name: str, handlers: dict[str, Handler]) -> grpc.GenericRpcHandler:
    service = file.services_by_name[name]
    made = {method.name: _handler(method, handlers[method.name]) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, made)


def _handler(method: MethodDescriptor, handle: Handler) -> grpc.RpcMethodHandler[Any, Any]:
    read = message_factory.GetMessageClass(method.input_type).FromString
    if method.server_streaming:
        # Batches are encoded already.
        return grpc.unary_stream_rpc_method_handler(handle, request_deserializer=read)
    write = message_factory.GetMessageClass(method.output_type).SerializeToString
    return grpc.unary_unary_rpc_method_handler(handle, request_deserializer=read, response_serializer=write)


def _or_refuse(context: grpc.ServicerContext, call: Callable[[], T]) -> T:
    try:
        return call()
    except Refused as refused:
        _refuse(context, refused)


def _refuse(context: grpc.ServicerContext, refused: Refused) -> NoReturn:
    if refused.failure is not None:
        code: int = refused.code.value[0]
        context.set_trailing_metadata(details(refused.failure, code))
    context.abort(refused.code, str(refused))


def _description(plugin: Plugin) -> proto.DescribeResponse:
    """Asks a plugin what it is, and adds what the SDK sees: its capabilities, and programs that this machine lacks."""
    message = plugin.describe().message
    kinds = ((OSPlugin, proto.PluginKind.PLUGIN_KIND_OS), (CloudPlugin, proto.PluginKind.PLUGIN_KIND_CLOUD))
    kind = next((kind for base, kind in kinds if isinstance(plugin, base)), None)
    if kind is None or kind != message.kind:
        says = proto.PluginKind.Name(message.kind)
        raise TypeError(f"{type(plugin).__name__} is no plugin of the kind that its .info file says, {says}")
    message.capabilities[:] = capabilities(plugin)
    missing = (tool for tool in message.needs.tools if find(tool.program) is None)
    message.warnings.extend(f"{tool.program} is missing: install the package {tool.debian_package}" for tool in missing)
    return message


def _validate_request(message: proto.ValidateRequest) -> ValidateRequest:
    secrets = {name: secret_of(value) for name, value in message.secret_parameters.items()}
    return ValidateRequest(
        method=message.method,
        template=request.template(message) if message.HasField("template") else None,
        parameters=Parameters.read(message.parameters_json, secrets),
        target=message.target or None,
        provider=message.provider or None,
        credentials=secret_of(message.credentials) if message.HasField("credentials") else None,
    )
