package plugin

import (
	"encoding/json"

	pluginv1 "factory.dev/plugin/v1"
)

// BaseRequest asks an OS plugin for a base image.
type BaseRequest struct {
	// Template says what to install.
	Template *Template
}

// TargetImageRequest asks an OS plugin for a target image.
type TargetImageRequest struct {
	// Target is the cloud target; empty if there is none.
	Target string
	// BaseImage is the base image.
	BaseImage *Image
	// Template says what to add: packages, and the repositories that they may come from.
	Template *Template
	// CloudContent is what the cloud plugin wants in the image.
	CloudContent CloudContent
}

// TargetRequest tells a cloud plugin about a target image: before (the base image) or after (the target image).
type TargetRequest struct {
	// Target is the cloud target.
	Target string
	// Image is the image.
	Image *Image
	// Template is the template.
	Template *Template
}

// PushRequest asks a cloud plugin to put an image into an account.
type PushRequest struct {
	Account
	// Image is the target image.
	Image *Image
}

// SnapshotRequest asks a cloud plugin to build an image inside an account.
type SnapshotRequest struct {
	Account
	// Template says what to install.
	Template *Template
}

// DeleteRequest asks a cloud plugin to delete an image from an account.
type DeleteRequest struct {
	Account
	// Identifiers is what the provider calls the image.
	Identifiers Identifiers
	// Image is the provider image: properties and parameters.
	Image *Image
}

// ValidateRequest is a request to be judged; what is nil or empty is not judged.
type ValidateRequest struct {
	// Method is what would be called, such as `CreateBaseImage`.
	Method string
	// Template is the template.
	Template *Template
	// Parameters are the parameters.
	Parameters *Parameters
	// Target is the cloud target.
	Target string
	// Provider is the provider.
	Provider string
	// Credentials are the credentials, if they are judged.
	Credentials *Secret
}

// Account is an account of a provider.
type Account struct {
	// Target is the cloud target; empty for an OS plugin that was asked for none.
	Target string
	// Provider is a name or a definition; empty if there is none.
	Provider string
	// Credentials are empty if none were given.
	Credentials Secret
}

// Image is an image that an operation reads.
type Image struct {
	// ID is its id.
	ID string
	// Files are its files, by absolute path. They are read-only.
	Files []Artifact
	// Properties are its properties.
	Properties map[string]any
	// Parameters are those it was built with, without the sensitive ones.
	Parameters *Parameters
	// ICICLE is its ICICLE document, if it has one.
	ICICLE string
	// Target is the target it was made for; empty for a base image.
	Target string
	// Template is the template it was built from; nil if it is not known.
	Template *Template
}

// File returns the image's file of a role, or nil.
func (i *Image) File(role string) *Artifact {
	for index := range i.Files {
		if i.Files[index].Role == role {
			return &i.Files[index]
		}
	}
	return nil
}

// CloudContent is what a cloud needs in a target image: files to write first, commands to run then.
type CloudContent struct {
	// Files are written first.
	Files []File
	// Commands run then, in order.
	Commands []Command
}

// Identifiers is what a provider calls an image.
type Identifiers struct {
	// Image is the image's identifier in the provider, such as an AMI id.
	Image string
	// Account is the account it is in.
	Account string
}

// Diagnostic is one problem with a request.
type Diagnostic struct {
	// Warning: the request will work, perhaps not as meant. Otherwise it can't work.
	Warning bool
	// Message is what is wrong, as in Failure.
	Message string
	// Path is where, as in Failure.
	Path string
	// Hint is what to do about it.
	Hint string
}

// LeftOver is something that may exist outside this machine, and that nobody works with any more.
type LeftOver struct {
	// Token is what it was tagged with.
	Token string
	// OperationID is the operation that announced it.
	OperationID string
	// Name is its name in that operation.
	Name string
	// Kind is what it is.
	Kind string
	// Locator is how to find it again, as it was announced.
	Locator json.RawMessage
	// ID is the provider's identifier; empty if it is not known.
	ID string
	// Adopt says that it is to stay if it exists ([Adopted]); else it is to be deleted.
	Adopt bool
}

// Settled is what became of something that was left over: [Deleted], [NotThere] or [Adopted].
type Settled struct {
	gone bool
	id   string
}

var (
	// Deleted says that it existed and is gone now.
	Deleted = Settled{gone: true}
	// NotThere says that it never existed, or was gone before.
	NotThere = Settled{gone: true}
)

// Adopted says that it exists under an identifier, and stays.
func Adopted(id string) Settled { return Settled{id: id} }

// imageOf reads an image; field is its name in the request.
func imageOf(image *pluginv1.InputImage, field string) (*Image, error) {
	if image == nil {
		return nil, missing(field)
	}
	parameters, err := newParameters(image.ParametersJson, nil)
	if err != nil {
		return nil, err
	}
	properties := map[string]any{}
	if image.PropertiesJson != "" {
		if err := json.Unmarshal([]byte(image.PropertiesJson), &properties); err != nil {
			return nil, invalid(field+".properties_json", "the properties are not a JSON object: %w", err)
		}
	}
	read := &Image{
		ID: image.Id, Files: each(image.Artifacts, artifactOf), Properties: properties, Parameters: parameters,
		ICICLE: image.IcicleXml, Target: image.Target,
	}
	if image.Template != nil {
		// One without a template, or with half of one, can be used all the same.
		read.Template, _ = templateOf(image.Template)
	}
	return read, nil
}

func targetRequestOf(target string, image *pluginv1.InputImage, field string, template *pluginv1.Template) (*TargetRequest, error) {
	read, err := imageOf(image, field)
	if err != nil {
		return nil, err
	}
	known, err := templateOf(template)
	return &TargetRequest{target, read, known}, err
}

func accountOf(target string, account *pluginv1.ProviderAccount) (Account, error) {
	if account == nil {
		return Account{}, missing("account")
	}
	return Account{target, account.Provider, secretOf(account.Credentials)}, nil
}

func contentOf(content *pluginv1.CloudContent) CloudContent {
	return CloudContent{
		Files: each(content.GetFiles(), func(f *pluginv1.ContentFile) File { return File{f.Name, f.Content} }),
		Commands: each(content.GetCommands(), func(c *pluginv1.ContentCommand) Command {
			return Command{c.Name, c.Content}
		}),
	}
}

// proto returns the message that travels.
func (c *CloudContent) proto() *pluginv1.CloudContent {
	if c == nil {
		return &pluginv1.CloudContent{}
	}
	return &pluginv1.CloudContent{
		Files: each(c.Files, func(f File) *pluginv1.ContentFile {
			return &pluginv1.ContentFile{Name: f.Name, Content: f.Content}
		}),
		Commands: each(c.Commands, func(c Command) *pluginv1.ContentCommand {
			return &pluginv1.ContentCommand{Name: c.Name, Content: c.Content}
		}),
	}
}

func validateRequestOf(request *pluginv1.ValidateRequest) (*ValidateRequest, error) {
	parameters, err := newParameters(request.ParametersJson, request.SecretParameters)
	if err != nil {
		return nil, err
	}
	read := &ValidateRequest{
		Method: request.Method, Parameters: parameters, Target: request.Target, Provider: request.Provider,
		Credentials: optionalSecret(request.Credentials),
	}
	if request.Template != nil {
		read.Template, err = templateOf(request.Template)
	}
	return read, err
}
