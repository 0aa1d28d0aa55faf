package plugin

import pluginv1 "factory.dev/plugin/v1"

// Template is a TDL template, read, checked and complete: OS and OS.Install are always there.
type Template struct {
	// Name is `template/name`.
	Name string
	// Description is `template/description`.
	Description string
	// OS is `template/os`.
	OS OperatingSystem
	// Packages are in document order.
	Packages []Package
	// Repositories are in document order.
	Repositories []Repository
	// Files are in document order.
	Files []File
	// Commands are in the order in which they run.
	Commands []Command
	// Precommands are in the order in which they run.
	Precommands []Command
	// DiskSizeBytes is `template/disk/size`, decimal; may exceed 64 bits. Empty: the plugin's default.
	DiskSizeBytes string
	// XML is the document itself, with `os/rootpw` and `os/key` blanked.
	XML string
}

// OperatingSystem is `template/os`.
type OperatingSystem struct {
	// Name, such as `Debian`.
	Name string
	// Version, such as `12`.
	Version string
	// Arch is one of `i386 x86_64 ppc64 ppc64le aarch64 armv7l s390x`.
	Arch string
	// Install says where it comes from.
	Install Install
	// RootPassword is nil if none was given: the account must be locked then, never given a default.
	RootPassword *Secret
	// ProductKey is `os/key`, nil if there is none.
	ProductKey *Secret
	// KernelParameters is more for the kernel's command line.
	KernelParameters string
	// ICICLEExtraCommand is run for each package; its output goes into the ICICLE.
	ICICLEExtraCommand string
}

// Install is `os/install`: where the operating system comes from.
type Install struct {
	// URL is an installation tree or a package mirror; `apt:host` means the build host's own apt sources. Empty: see ISO.
	URL string
	// ISO is an installation medium.
	ISO string
	// ChecksumAlgorithm is `md5`, `sha1` or `sha256`; empty if there is no checksum.
	ChecksumAlgorithm string
	// ChecksumURL is where a checksum file is (not a digest).
	ChecksumURL string
	// Extras is more content for the medium.
	Extras []Extra
}

// Extra is `install/extras/directory` or `file`.
type Extra struct {
	// Directory says which of the two.
	Directory bool
	// Source is where it comes from.
	Source string
	// Destination is where it goes.
	Destination string
}

// Package is `packages/package`.
type Package struct {
	// Name is the package's name.
	Name string
	// Repository is where it comes from.
	Repository string
	// File is its file.
	File string
	// Arguments is what the installer is given besides.
	Arguments string
}

// Repository is `repositories/repository`.
type Repository struct {
	// Name is the repository's name.
	Name string
	// URL is its URL; for Debian and Ubuntu either with suite and components after it, or alone for a flat one.
	URL string
	// Signed: packages must be signed by a known key.
	Signed bool
	// Persisted: it stays configured in the image.
	Persisted bool
	// SSLVerify says whether its certificate is verified.
	SSLVerify bool
}

// File is a file to write into an image.
type File struct {
	// Name is an absolute path in the image.
	Name string
	// Content is the content.
	Content []byte
}

// Command is a command to run in an image.
type Command struct {
	// Name is its name, for logs.
	Name string
	// Content is a script for `/bin/sh` unless it starts with `#!`.
	Content []byte
}

// templateOf reads a template. What plugins rely on must be there.
func templateOf(template *pluginv1.Template) (*Template, error) {
	switch {
	case template == nil:
		return nil, missing("template")
	case template.Os == nil:
		return nil, missing("template/os")
	case template.Os.Install == nil:
		return nil, missing("template/os/install")
	}
	return &Template{
		Name: template.Name, Description: template.Description, OS: operatingSystemOf(template.Os),
		Packages: each(template.Packages, func(p *pluginv1.Package) Package {
			return Package{p.Name, p.Repository, p.File, p.Arguments}
		}),
		Repositories: each(template.Repositories, func(r *pluginv1.Repository) Repository {
			return Repository{r.Name, r.Url, r.Signed, r.Persisted, r.SslVerify}
		}),
		Files:         each(template.Files, func(f *pluginv1.File) File { return File{f.Name, f.Content} }),
		Commands:      each(template.Commands, commandOf),
		Precommands:   each(template.Precommands, commandOf),
		DiskSizeBytes: template.DiskSizeBytes, XML: template.Xml,
	}, nil
}

func operatingSystemOf(os *pluginv1.OperatingSystem) OperatingSystem {
	install := Install{
		URL: os.Install.GetUrl(), ISO: os.Install.GetIso(),
		ChecksumAlgorithm: os.Install.GetChecksum().GetAlgorithm(), ChecksumURL: os.Install.GetChecksum().GetUrl(),
		Extras: each(os.Install.Extras, func(e *pluginv1.Extra) Extra {
			return Extra{e.Directory, e.Source, e.Destination}
		}),
	}
	return OperatingSystem{
		Name: os.Name, Version: os.Version, Arch: os.Arch, Install: install,
		RootPassword: optionalSecret(os.RootPassword), ProductKey: optionalSecret(os.ProductKey),
		KernelParameters: os.KernelParameters, ICICLEExtraCommand: os.IcicleExtraCommand,
	}
}

func commandOf(command *pluginv1.Command) Command { return Command{command.Name, command.Content} }

func optionalSecret(secret *pluginv1.Secret) *Secret {
	if secret == nil {
		return nil
	}
	hidden := secretOf(secret)
	return &hidden
}

// each converts all of a list.
func each[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, len(from))
	for i, value := range from {
		to[i] = convert(value)
	}
	return to
}
