package plugin

import (
	"fmt"
	"io"
	"log/slog"

	pluginv1 "factory.dev/plugin/v1"
)

// hidden is what is shown in place of a secret.
const hidden = "[secret]"

// Secret is a value that must never reach a log, an event, an error, an argument list, an environment or a file that
// outlives the operation. Whatever formats it shows a placeholder; only Reveal answers the value.
type Secret struct {
	// A pointer, so that a format of a struct with an unexported Secret, which can't call methods, shows an address.
	value *string
}

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsEmpty tells whether there is no value, or an empty one.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// Format shows a placeholder, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }

// String returns a placeholder.
func (s Secret) String() string { return hidden }

// GoString returns a placeholder.
func (s Secret) GoString() string { return hidden }

// LogValue returns a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText writes a placeholder, for JSON, XML and their like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText hides a text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

func secretOf(secret *pluginv1.Secret) Secret {
	if secret == nil {
		return Secret{}
	}
	return NewSecret(secret.Value)
}
