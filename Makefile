# Everything a new machine needs, from a clean clone:
#
#   make image      builds the example template into a base image, a docker and a kvm target
#   make test       runs every test, with real tools and real guests
#   make simulate   simulates SIM_SEEDS runs of the factory with crashes and faults
#   make torture    kills the daemon and its plugins KILLS times
#   make interrupt  interrupts real builds at POINTS points
#   make fuzz       throws bytes at every parser of foreign text, FUZZ_SECONDS each; wants a nightly toolchain
#
# The first two install the Debian or Ubuntu packages they need (as root or through sudo), or say what to install and stop.

# What building an image takes.
IMAGE_PACKAGES = mmdebstrap uidmap e2fsprogs fdisk dosfstools mtools grub-pc-bin grub-common systemd-boot-efi binutils \
  qemu-utils debian-archive-keyring ca-certificates
# What the tests start besides: guests, containers, a registry.
TEST_PACKAGES = $(IMAGE_PACKAGES) xfsprogs btrfs-progs qemu-system-x86 ovmf podman runc skopeo docker-registry \
  libvirt-clients libxml2-utils minisign python3-requests-oauthlib xz-utils bzip2 zstd systemd mandoc zsh fish python3-venv
# The oldest Go that can fetch the one the Go plugin of the tests asks for.
GO_MIN = 1.21
# The oldest Node that the packages of its plugin support.
NODE_MIN = 18

# Where `make install` puts what, and what it builds for that.
DESTDIR =
PREFIX = /usr
PROFILE = release
# The plugins that are for use; the others are for tests.
PLUGINS = debian docker kvm

TEMPLATE = examples/debian-12.tdl

# What is fuzzed (factoryd/fuzz), and for how long each.
FUZZ_TARGETS = tdl rest_body info oauth_header handshake config
FUZZ_SECONDS = 60

# How many runs are simulated; `make test` makes 2000.
SIM_SEEDS = 100000

# How often the real programs are killed; `make test` kills them 30 times.
KILLS = 1000

# At how many points real builds are interrupted; `make test` does that at 4.
POINTS = 20

SHELL = bash
.SHELLFLAGS = -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL = help
# Where rustup and Go's own installer put their programs.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin

.PHONY: help image test check bench install simulate torture interrupt fuzz image-packages test-packages subordinate-ids rust go go-sdk python node \
  proto

help: ## Shows this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

image: image-packages subordinate-ids rust ## Builds examples/debian-12.tdl into a base image, a docker and a kvm target
	@cargo build --release --locked --workspace --bins
	target/release/factory plugins accept --all >/dev/null
	target/release/factory build $(TEMPLATE) --target docker --target kvm

test: test-packages subordinate-ids rust go-sdk python node ## Runs every test
	@cargo test --workspace --locked

check: rust ## Checks format, lints and documentation
	@cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

bench: test-packages subordinate-ids rust go node python ## Measures: launch, cost per image, memory, a build against the same by hand
	@cargo build --release --locked --workspace --bins
	cargo bench --locked --bench figures

# A run that fails is replayed by SIM_SEED=…, see factoryd/tests/simulation/main.rs.
simulate: rust ## Simulates SIM_SEEDS (100000) runs with crashes, full disks, clock jumps, bad plugins
	@SIM_SEEDS=$(SIM_SEEDS) SIM_BASE=$$(date +%s)000000 cargo test --release --locked -p factoryd --test simulation every_run -- --nocapture

torture: rust ## Kills the daemon and its plugins KILLS (1000) times, and counts what is left
	@cargo build --locked --workspace --bins
	TORTURE_KILLS=$(KILLS) cargo test --locked --test e2e torture:: -- --nocapture

interrupt: test-packages subordinate-ids rust ## Interrupts real builds at POINTS (20) points, and looks for what is left
	@INTERRUPT_POINTS=$(POINTS) cargo test --locked --test e2e interrupted:: -- --nocapture

# What is new goes to fuzz/target/corpus; what is worth keeping, to fuzz/corpus by `cargo fuzz cmin`.
fuzz: rust ## Fuzzes each parser for FUZZ_SECONDS (60)
	@cargo +nightly fuzz --version >/dev/null 2>&1 || {
	  echo "cargo-fuzz is missing: rustup toolchain install nightly && cargo install cargo-fuzz" >&2; exit 1; }
	cd factoryd
	for target in $(FUZZ_TARGETS); do
	  mkdir -p fuzz/target/corpus/$$target
	  cargo +nightly fuzz run $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=65536
	done

install: rust ## Installs into DESTDIR and PREFIX (/usr): programs, plugins, units, completions, manual pages
	@cargo build --profile $(PROFILE) --locked --workspace --bins
	root="$(DESTDIR)$(PREFIX)"
	built=target/$(PROFILE:dev=debug)
	install -D -m 755 -t "$$root/bin" "$$built/factory" "$$built/factoryd"
	ln -sf factory "$$root/bin/imagefactory"
	for plugin in $(PLUGINS); do
	  install -D -m 755 -t "$$root/lib/factory/plugins" "$$built/factory-plugin-$$plugin"
	  install -D -m 644 -t "$$root/lib/factory/plugins" "plugins/$$plugin/$$plugin.info"
	done
	install -D -m 644 -t "$$root/lib/systemd/system" packaging/systemd/*
	sed -i 's|/usr/bin/|$(PREFIX)/bin/|' "$$root/lib/systemd/system/factoryd.service"
	install -D -m 644 -t "$$root/lib/sysusers.d" packaging/sysusers.d/*
	install -D -m 644 -t "$$root/lib/tmpfiles.d" packaging/tmpfiles.d/*
	bash="$$root/share/bash-completion/completions" zsh="$$root/share/zsh/site-functions"
	fish="$$root/share/fish/vendor_completions.d" man="$$root/share/man/man1"
	install -d "$$bash" "$$zsh" "$$fish" "$$man"
	for program in factory factoryd; do
	  "$$built/$$program" completion bash >"$$bash/$$program"
	  "$$built/$$program" completion zsh >"$$zsh/_$$program"
	  "$$built/$$program" completion fish >"$$fish/$$program.fish"
	  "$$built/$$program" man "$$man"
	done

image-packages: PACKAGES = $(IMAGE_PACKAGES)
test-packages: PACKAGES = $(TEST_PACKAGES)
image-packages test-packages:
	@missing=
	installed() { dpkg-query -W -f='$${db:Status-Status}' "$$1" 2>/dev/null | grep -qx installed; }
	# Before Debian 12 and Ubuntu 23.04 the stub was part of another package.
	installed_otherwise() { [ "$$1" = systemd-boot-efi ] && [ -e /usr/lib/systemd/boot/efi/linuxx64.efi.stub ]; }
	for package in $(PACKAGES); do
	  installed "$$package" || installed_otherwise "$$package" || missing="$$missing $$package"
	done
	command -v cc >/dev/null || missing="$$missing build-essential"
	[ -n "$$missing" ] || exit 0
	by_hand() { printf '%s\n  apt-get install --no-install-recommends%s\n' "$$1" "$$missing" >&2; exit 1; }
	command -v apt-get >/dev/null || by_hand "This is not a Debian or Ubuntu. Install what these packages hold:"
	as_root=
	if [ "$$(id -u)" != 0 ]; then
	  command -v sudo >/dev/null || by_hand "Packages are missing. As root, run:"
	  sudo -n true 2>/dev/null || [ -t 0 ] || by_hand "Packages are missing, and sudo asks for a password. As root, run:"
	  as_root="sudo"
	fi
	echo "installing$$missing"
	apt() { $$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$$@"; }
	apt update && apt install -y --no-install-recommends $$missing >/dev/null \
	  || by_hand "apt-get could not install what is missing. Mend it and run:"

# A build runs in a user namespace; an ordinary user needs a range of ids for it.
subordinate-ids:
	@user=$$(id -un) number=$$(id -u)
	[ "$$number" != 0 ] || exit 0
	for file in /etc/subuid /etc/subgid; do
	  grep -qE "^($$user|$$number):" $$file 2>/dev/null && continue
	  echo "$$user has no range of ids in $$file. As root, run:" >&2
	  echo "  usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $$user" >&2
	  exit 1
	done

# The SDK for Go: its format, its code against the contract, and its tests.
go-sdk: go
	@cd plugin-sdk/go
	unformatted=$$(gofmt -l . ../../tests/fixtures/go-plugin)
	[ -z "$$unformatted" ] || { echo "gofmt wants to change:"; echo "$$unformatted"; exit 1; } >&2
	go -C generate run . -check
	for module in . generate ../../tests/fixtures/go-plugin; do go -C $$module vet ./...; done
	go test -race ./...

# The packages of the tests' plugin in JavaScript, in a place of their own.
node: target/node/.installed
target/node/.installed: tests/fixtures/node-plugin/package.json tests/fixtures/node-plugin/package-lock.json
	@found=$$(command -v npm >/dev/null && node --version 2>/dev/null || true)
	if ! printf 'v%s\n' "$(NODE_MIN)" "$${found#v}" | sort -VC; then
	  echo "The JavaScript plugin of the tests needs Node $(NODE_MIN) or newer, and npm: install nodejs and npm" >&2
	  exit 1
	fi
	rm -rf target/node
	install -D -m 644 -t target/node $^ tests/fixtures/node-plugin/.npmrc
	npm ci --prefix target/node --ignore-scripts --silent
	touch $@

# The tests' programs in Python, in a place of their own, with the SDK for plugins in Python and plugins made with it.
python: target/python/.sdk target/python-proto/.installed
target/python/.installed: tests/python/requirements.txt
target/python-proto/.installed: plugin-sdk/python/tools/requirements.txt
target/python/.installed target/python-proto/.installed:
	@rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

PYTHON_PACKAGES = plugin-sdk/python $(addprefix plugin-sdk/python/,examples/nova examples/flood tests/original)
target/python/.sdk: target/python/.installed $(shell find plugin-sdk/python -name '*.py' -o -name '*.info' -o -name pyproject.toml)
	@rm -rf target/python/wheels
	pip="target/python/bin/pip --quiet --disable-pip-version-check"
	for package in $(PYTHON_PACKAGES); do
	  $$pip wheel --no-deps --no-build-isolation --wheel-dir target/python/wheels ./$$package
	done
	$$pip install --no-deps --no-index --force-reinstall target/python/wheels/*.whl
	touch $@

proto: go target/python-proto/.installed ## Makes the generated code of the SDKs for Go and Python from proto/
	@go -C plugin-sdk/go/generate run .
	target/python-proto/bin/python plugin-sdk/python/tools/generate.py

rust:
	@command -v cargo >/dev/null && exit 0
	needed=$$(sed -nE 's/^rust-version = "(.*)"/\1/p' Cargo.toml)
	echo "cargo is missing: install Rust $$needed or newer, for instance with rustup" >&2
	exit 1

go:
	@if command -v go >/dev/null; then
	  found=$$(go env GOVERSION)
	  printf '%s\n' "$(GO_MIN)" "$${found#go}" | sort -VC && exit 0
	  found="Go $${found#go} is too old"
	else
	  found="Go is missing"
	fi
	echo "$$found: the Go plugin of the tests needs $(GO_MIN) or newer. Install golang-go (Debian 13, Ubuntu 24.04 or later)," >&2
	echo "golang-go of bookworm-backports (Debian 12), or Go's own archive into /usr/local/go" >&2
	exit 1
