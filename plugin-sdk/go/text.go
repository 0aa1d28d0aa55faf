package plugin

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// valid returns a text that may travel: protobuf refuses messages with texts that are not UTF-8, and tools print anything.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// makeValid does the same for all texts of a message.
func makeValid(message proto.Message) { makeValidAll(message.ProtoReflect()) }

func makeValidAll(message protoreflect.Message) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsList():
			list := value.List()
			for i := range list.Len() {
				if fixed, changed := validValue(field, list.Get(i)); changed {
					list.Set(i, fixed)
				}
			}
		case field.IsMap():
			makeValidMap(field, value.Map())
		default:
			if fixed, changed := validValue(field, value); changed {
				message.Set(field, fixed)
			}
		}
		return true
	})
}

func makeValidMap(field protoreflect.FieldDescriptor, entries protoreflect.Map) {
	entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		fixed, _ := validValue(field.MapValue(), value)
		entries.Clear(key)
		entries.Set(protoreflect.ValueOfString(valid(key.String())).MapKey(), fixed)
		return true
	})
}

func validValue(field protoreflect.FieldDescriptor, value protoreflect.Value) (protoreflect.Value, bool) {
	switch field.Kind() {
	case protoreflect.StringKind:
		if text := value.String(); !utf8.ValidString(text) {
			return protoreflect.ValueOfString(valid(text)), true
		}
	case protoreflect.MessageKind:
		makeValidAll(value.Message())
	}
	return value, false
}

// cut cuts a text to at most so many bytes, between characters.
func cut(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	for 0 < bytes && !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes]
}
