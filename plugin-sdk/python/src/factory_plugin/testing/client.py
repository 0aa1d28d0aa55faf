"""A connection to a plugin, and its calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf import duration_pb2

from factory_plugin import proto
from factory_plugin.launch.handshake import MESSAGE_BYTES_MAX
from factory_plugin.launch.sockets import address
from factory_plugin.testing.requests import Request

_DEADLINE = 60.0
"""How long a short call may take, in seconds: for a machine that is busy."""
_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    # gRPC would send the path of the socket as `:authority`, which other HTTP/2 servers refuse.
    ("grpc.default_authority", "localhost"),
)


class Stream(Protocol):
    """Batches of events, as they come."""

    def __iter__(self) -> Iterator[proto.EventBatch]: ...

    def __next__(self) -> proto.EventBatch: ...

    def cancel(self) -> object:
        """Ends the stream."""


class Client:
    """A connection to a plugin."""

    def __init__(self, socket: Path) -> None:
        """Connects to a socket."""
        self.channel = grpc.insecure_channel(address(socket), _OPTIONS)
        """For a test that says what the harness does not."""

    def stream(self, request: Request) -> Stream:
        """Starts an operation, or attaches to it."""
        call: grpc.UnaryStreamMultiCallable[Any, Any] = self.channel.unary_stream(
            f"/factory.plugin.v1.{request.service}/{request.method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=proto.EventBatch.FromString,
        )
        stream: Stream = call(request.message, wait_for_ready=True)
        return stream

    def describe(self) -> proto.DescribeResponse:
        """Asks the plugin what it is."""
        described: proto.DescribeResponse = self._call(
            "Plugin/Describe", proto.DescribeRequest(), proto.DescribeResponse
        )
        return described

    def validate(self, request: proto.ValidateRequest) -> list[proto.Diagnostic]:
        """Asks the plugin what is wrong with a request."""
        return list(self._call("Plugin/Validate", request, proto.ValidateResponse).diagnostics)

    def operations(self) -> list[proto.OperationStatus]:
        """Lists the operations that the plugin knows."""
        return list(self._call("Operations/List", proto.ListRequest(), proto.ListResponse).operations)

    def cancel(self, id: str, grace: timedelta) -> None:
        """Asks an operation to stop."""
        message = proto.CancelRequest(operation_id=id, grace=duration_pb2.Duration(nanos=0))
        message.grace.FromTimedelta(grace)
        self._call("Operations/Cancel", message, proto.CancelResponse)

    def acknowledge(self, id: str, up_to: int) -> None:
        """Says that events are durable. An operation whose last event was acknowledged before is not known any more."""
        message = proto.AcknowledgeRequest(operation_id=id, up_to_seq=up_to)
        try:
            self._call("Operations/Acknowledge", message, proto.AcknowledgeResponse)
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.NOT_FOUND:
                raise

    def close(self) -> None:
        """Ends the connection."""
        self.channel.close()

    def _call(self, method: str, message: Any, answer: Any) -> Any:
        call: grpc.UnaryUnaryMultiCallable[Any, Any] = self.channel.unary_unary(
            f"/factory.plugin.v1.{method}",
            request_serializer=lambda it: it.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return call(message, timeout=_DEADLINE, wait_for_ready=True)
