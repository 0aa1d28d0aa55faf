"""A plugin as the program that it is: handshake, TLS, standard streams, log, and its end."""

from __future__ import annotations

import base64
import datetime
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from factory_plugin._proto.goplugin.plugin_pb2 import StdioData
from factory_plugin.launch import handshake, host
from factory_plugin.launch.sockets import PATH_BYTES_MAX
from factory_plugin.stdout import COOKIE_KEY, COOKIE_VALUE
from factory_plugin.testing import Harness, base_image, template
from factory_plugin.testing.client import Client

PLUGIN = [sys.executable, str(Path(__file__).with_name("plugin_program.py"))]
DEADLINE = 60.0
BOOTSTRAP = '{"schema_version":1,"instance_id":"i","runtime_dir":"/r","log_level":"debug","host_capabilities":[]}\n'


class Process:
    """A plugin's process, started as a factory does."""

    def __init__(self, directory: Path, **environment: str) -> None:
        variables = {
            COOKIE_KEY: COOKIE_VALUE,
            handshake.VERSIONS: "1",
            handshake.SOCKET_DIR: str(directory),
        }
        self.child = subprocess.Popen(
            PLUGIN,
            env=os.environ | variables | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.child.stdout is not None and self.child.stdin is not None and self.child.stderr is not None
        self.stdin, self.stdout, self.stderr = self.child.stdin, self.child.stdout, self.child.stderr
        self.line = self.stdout.readline()
        self.fields = self.line.strip().split("|")

    @property
    def socket(self) -> Path:
        return Path(self.fields[3])

    def end(self) -> tuple[int, str]:
        """Waits for its end; answers its exit code and what it wrote to standard error."""
        stderr = self.child.communicate(timeout=DEADLINE)[1]
        return self.child.returncode, stderr


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Ends what a test starts."""
    started: list[Process] = []
    yield started
    for process in started:
        process.child.kill()
        process.child.communicate()


@pytest.fixture
def plugin(processes: list[Process], tmp_path: Path) -> Process:
    """A plugin's process, without TLS."""
    processes.append(Process(tmp_path))
    return processes[0]


def test_the_first_line_is_the_handshake_whatever_the_plugin_prints_before(plugin: Process, tmp_path: Path) -> None:
    assert [*plugin.fields[:3], *plugin.fields[4:]] == ["1", "1", "unix", "grpc", ""]
    assert plugin.socket.parent == tmp_path and plugin.socket.name.startswith(f"plugin-{plugin.child.pid}-")
    assert plugin.socket.stat().st_mode & 0o077 == 0


def test_what_is_printed_travels_over_grpc_and_not_over_standard_output(plugin: Process) -> None:
    client = Client(plugin.socket)
    printed = client.channel.unary_stream("/plugin.GRPCStdio/StreamStdio", bytes, StdioData.FromString)(b"")
    request = base_image(template(), {"print": "from Python", "echo": "from a program"})
    request.message.header.work_dir = str(plugin.socket.parent)
    assert [batch for batch in client.stream(request)]
    text = ""
    while "from Python\n" not in text or "from a program\n" not in text:
        text += next(printed).data.decode()
    plugin.child.terminate()
    client.close()
    assert plugin.stdout.read() == ""
    assert "printed while it was imported\n" in text + plugin.stderr.read()


def test_it_serves_the_services_of_go_plugin(plugin: Process) -> None:
    client = Client(plugin.socket)
    answered = client.channel.unary_unary("/grpc.health.v1.Health/Check", bytes, bytes)(b"\x0a\x06plugin")
    assert answered == b"\x08\x01"
    try:
        client.channel.unary_unary("/plugin.GRPCController/Shutdown", bytes, bytes)(b"")
    except grpc.RpcError as error:
        # The answer may never arrive.
        assert isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAVAILABLE
    assert plugin.end()[0] == 0
    assert list(plugin.socket.parent.iterdir()) == []
    client.close()


@pytest.mark.parametrize("how", ["stdin", "SIGTERM"])
def test_it_ends_with_its_operations_cancelled(plugin: Process, how: str) -> None:
    plugin.stdin.write(BOOTSTRAP)
    plugin.stdin.flush()
    plugin.child.send_signal(signal.SIGINT)
    client = Client(plugin.socket)
    request = base_image(template(), {"seconds": 60})
    request.message.header.work_dir = str(plugin.socket.parent)
    stream = client.stream(request)
    next(stream)
    if how == "stdin":
        plugin.stdin.close()
        # `communicate` would write to it.
        plugin.child.stdin = None
    else:
        plugin.child.terminate()
    events = [event for batch in stream for event in batch.events]
    assert events[-1].WhichOneof("kind") == "cancelled"
    assert plugin.end()[0] == 0
    client.close()


def test_it_ends_by_a_deadline_though_code_is_deaf_and_nobody_reads(plugin: Process) -> None:
    client = Client(plugin.socket)
    request = base_image(template(), {"deaf": True})
    request.message.header.work_dir = str(plugin.socket.parent)
    next(client.stream(request))
    plugin.child.terminate()
    code, stderr = plugin.end()
    assert code == 0 and "operation did not end in time" not in stderr
    client.close()


def test_its_log_is_lines_of_json_of_the_level_that_the_factory_wants(plugin: Process) -> None:
    plugin.stdin.write(BOOTSTRAP)
    plugin.stdin.flush()
    client = Client(plugin.socket)
    request = base_image(template(), {"log": "loud\nand clear"})
    request.message.header.work_dir = str(plugin.socket.parent)
    lines = [event.log for batch in client.stream(request) for event in batch.events if event.HasField("log")]
    assert [(it.source, it.message) for it in lines] == [("program", "loud"), ("program", "and clear")]
    client.close()
    plugin.child.terminate()
    written = [json.loads(line) for line in plugin.end()[1].splitlines() if line.startswith("{")]
    line = next(it for it in written if it["@message"] == "loud\nand clear")
    assert (line["@level"], line["@module"], line["size"]) == ("warn", "program", 7)
    assert datetime.datetime.strptime(line["@timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")


def test_an_end_of_standard_input_without_a_document_means_that_nobody_uses_it(tmp_path: Path) -> None:
    with open(os.devnull, "rb") as nothing:
        assert not host.outlived_by_us(nothing)
    document = tmp_path / "document"
    for text in (BOOTSTRAP, "what is this?\n"):
        document.write_text(text + "more\n")
        with open(document, "rb") as stdin:
            assert host.outlived_by_us(stdin)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PLUGIN, *arguments], env=os.environ | environment, capture_output=True, text=True, timeout=DEADLINE
    )


def test_a_person_is_answered_and_not_served() -> None:
    described = run("describe")
    said = json.loads(described.stdout.split("\n", 1)[1])
    assert (said["name"], said["capabilities"], described.returncode) == ("program", [], 0)
    with Harness(PLUGIN) as harness:
        assert harness.describe().name == "program"
        assert harness.describe().sdk == said["sdk"]
    alone = run()
    assert alone.returncode == 1 and "is a plugin of the image factory" in alone.stderr
    assert run(**{COOKIE_KEY: "wrong"}).returncode == 1
    assert "describe" in run("--help").stdout
    assert run("--version").stdout.endswith("program 1.0\n")
    assert run("nonsense").returncode == 2


def test_a_socket_that_can_not_be_is_an_error_that_says_why(tmp_path: Path) -> None:
    long = tmp_path / ("x" * PATH_BYTES_MAX)
    long.mkdir()
    failed = run(**{COOKIE_KEY: COOKIE_VALUE, handshake.SOCKET_DIR: str(long)})
    assert failed.returncode == 1 and f"is longer than {PATH_BYTES_MAX} bytes" in failed.stderr


class Identity:
    """A host's certificate and key."""

    def __init__(self, curve: ec.EllipticCurve, directory: Path) -> None:
        key = ec.generate_private_key(curve)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = made.public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.chain = directory / f"{curve.name}-{made.serial_number}.pem"
        self.chain.write_bytes(private + self.pem.encode())

    def settings(self, handshake_field: str, path: Path) -> bytes:
        """Connects as this host, and answers the head of the first HTTP/2 frame."""
        der = base64.b64decode(handshake_field + "=" * (-len(handshake_field) % 4))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=der)
        context.load_cert_chain(self.chain)
        context.set_alpn_protocols(["h2"])
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(DEADLINE)
            plain.connect(str(path))
            with context.wrap_socket(plain, server_hostname="localhost") as stream:
                assert stream.selected_alpn_protocol() == "h2"
                stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                return stream.recv(9)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda it: it.name)
def test_mutual_tls_lets_in_the_host_and_nobody_else(
    processes: list[Process], tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    host, stranger = Identity(curve, tmp_path), Identity(curve, tmp_path)
    sockets = tmp_path / "s"
    sockets.mkdir()
    plugin = Process(sockets, **{handshake.CLIENT_CERT: host.pem})
    processes.append(plugin)
    certificate = plugin.fields[5]
    assert 50 < len(certificate) and "=" not in certificate
    settings_frame = 4
    assert host.settings(certificate, plugin.socket)[3] == settings_frame
    with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
        assert stranger.settings(certificate, plugin.socket)[3] != settings_frame
    plugin.child.terminate()
    assert plugin.end()[0] == 0


def test_a_certificate_that_is_none_is_an_error_that_says_so(tmp_path: Path) -> None:
    environment = {COOKIE_KEY: COOKIE_VALUE, handshake.CLIENT_CERT: "none"}
    failed = run(**environment, **{handshake.SOCKET_DIR: str(tmp_path)})
    assert failed.returncode == 1 and "serving broke off" in failed.stderr
    assert list(tmp_path.iterdir()) == []
