package plugin

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	pluginv1 "factory.dev/plugin/v1"
)

// Parameters are the parameters of a request, read by name and type. Numbers and booleans are read from text too.
type Parameters struct {
	values  map[string]json.RawMessage
	secrets map[string]Secret
}

// newParameters reads them from a JSON object (an empty text is an empty object) and the sensitive ones beside it.
func newParameters(text string, secrets map[string]*pluginv1.Secret) (*Parameters, error) {
	parameters := &Parameters{map[string]json.RawMessage{}, map[string]Secret{}}
	for name, secret := range secrets {
		parameters.secrets[name] = secretOf(secret)
	}
	if text == "" {
		return parameters, nil
	}
	if err := json.Unmarshal([]byte(text), &parameters.values); err != nil {
		failure := Failf(FaultUser, "INVALID_PARAMETERS", "the parameters are not a JSON object: %w", err)
		failure.Path = "parameters"
		return nil, failure
	}
	maps.DeleteFunc(parameters.values, func(_ string, value json.RawMessage) bool {
		return bytes.Equal(value, []byte("null"))
	})
	return parameters, nil
}

// Names returns the names of all parameters, sensitive ones included, in order.
func (p *Parameters) Names() []string {
	names := slices.Collect(maps.Keys(p.values))
	return slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(p.secrets))))
}

// Has tells whether there is a parameter of that name, sensitive or not.
func (p *Parameters) Has(name string) bool {
	_, secret := p.secrets[name]
	return secret || p.values[name] != nil
}

// Secret returns a sensitive parameter; an empty one if it is not there.
func (p *Parameters) Secret(name string) Secret { return p.secrets[name] }

// Text returns a text, or the fallback if it is not there. An error if it is a list or an object.
func (p *Parameters) Text(name, fallback string) (string, error) {
	raw := p.values[name]
	switch {
	case raw == nil:
		return fallback, nil
	case raw[0] == '[' || raw[0] == '{':
		return "", p.wrong(name, "a text")
	}
	return plain(raw), nil
}

// Bool returns a boolean, or the fallback if it is not there; as text `true yes 1 false no 0` in any case. An error if it is
// something else.
func (p *Parameters) Bool(name string, fallback bool) (bool, error) {
	raw := p.values[name]
	if raw == nil {
		return fallback, nil
	}
	switch strings.ToLower(plain(raw)) {
	case "true", "yes", "1":
		return true, nil
	case "false", "no", "0":
		return false, nil
	}
	return false, p.wrong(name, "true or false")
}

// Int returns a whole number that is not negative, or the fallback if it is not there. An error if it is something else.
func (p *Parameters) Int(name string, fallback int64) (int64, error) {
	raw := p.values[name]
	if raw == nil {
		return fallback, nil
	}
	number, err := strconv.ParseInt(plain(raw), 10, 64)
	if err != nil || number < 0 {
		return 0, p.wrong(name, "a whole number")
	}
	return number, nil
}

// Decode reads all parameters into a struct, by its `json` tags. A field for a sensitive one is a [Secret].
func (p *Parameters) Decode(into any) error {
	values := maps.Clone(p.values)
	for name, secret := range p.secrets {
		values[name], _ = json.Marshal(secret.Reveal())
	}
	object, err := json.Marshal(values)
	if err == nil {
		err = json.Unmarshal(object, into)
	}
	if err == nil {
		return nil
	}
	// The error of a value may quote it.
	failure := Failf(FaultUser, "INVALID_PARAMETER", "the parameters are not as expected")
	failure.Path = "parameters"
	if wrong, ok := err.(*json.UnmarshalTypeError); ok {
		failure.Message = "parameter " + wrong.Field + " must be of type " + wrong.Type.String()
		failure.Path += "." + wrong.Field
	}
	return failure
}

func (p *Parameters) wrong(name, expected string) error {
	failure := Failf(FaultUser, "INVALID_PARAMETER", "parameter %s is %s, but must be %s", name, p.values[name], expected)
	failure.Path = "parameters." + name
	return failure
}

// plain returns a value as a person writes it.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
