package plugin

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/protobuf/proto"
)

func TestASecretShowsInNoFormat(t *testing.T) {
	secret := NewSecret("hunter2")
	holder := struct {
		Shown  Secret
		Given  *Secret
		hidden Secret
	}{secret, &secret, secret}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+verb+verb, secret, &secret, holder)
	}
	asJSON, _ := json.Marshal(holder)
	asXML, _ := xml.Marshal(secret)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "secret", secret, "holder", holder)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "secret", secret, "holder", holder)
	text := shown.String() + string(asJSON) + string(asXML)
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(text, form) {
			t.Fatalf("%s is in %s", form, text)
		}
	}
	if secret.Reveal() != "hunter2" || !(Secret{}).IsEmpty() {
		t.Fatal("it is there for who asks")
	}
}

func TestParametersAreReadFromTextToo(t *testing.T) {
	p, err := newParameters(`{"a":"Yes","b":false,"c":"12","d":12,"e":null,"f":0,"l":[1]}`,
		map[string]*pluginv1.Secret{"key": {Value: "hunter2"}})
	if err != nil {
		t.Fatal(err)
	}
	a, errA := p.Bool("a", false)
	b, errB := p.Bool("b", true)
	f, errF := p.Bool("f", true)
	c, errC := p.Int("c", 0)
	d, errD := p.Text("d", "")
	e, errE := p.Text("e", "fallback")
	for _, err := range []error{errA, errB, errC, errD, errE, errF} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !a || b || f || c != 12 || d != "12" || e != "fallback" || p.Has("e") || !p.Has("key") {
		t.Fatalf("%v %v %v %v %v %v", a, b, f, c, d, e)
	}
	expect(t, p.Names(), []string{"a", "b", "c", "d", "f", "key", "l"})
	var into struct {
		D   int    `json:"d"`
		Key Secret `json:"key"`
	}
	if err := p.Decode(&into); err != nil || into.D != 12 || into.Key.Reveal() != "hunter2" {
		t.Fatal(err, into.D)
	}
}

func TestAParameterOfTheWrongTypeIsAnErrorThatNamesIt(t *testing.T) {
	p, _ := newParameters(`{"a":"perhaps","b":-1,"c":[1]}`, nil)
	_, errA := p.Bool("a", false)
	_, errB := p.Int("b", 0)
	_, errC := p.Text("c", "")
	errD := p.Decode(&struct {
		A int `json:"a"`
	}{})
	for name, err := range map[string]error{"a": errA, "b": errB, "c": errC, "a ": errD} {
		failure, ok := err.(*Failure)
		if !ok || failure.Reason != "INVALID_PARAMETER" || failure.Path != "parameters."+strings.TrimSpace(name) {
			t.Errorf("%s: %#v", name, err)
		}
	}
	if _, err := newParameters("[]", nil); err == nil {
		t.Error("a list is no object")
	}
}

func TestAnInfoFileIsTheBeginningOfADescription(t *testing.T) {
	description := FromInfo("debian", `{
		"type": "OS", "targets": [["Debian", "12", null]], "version": "1.0", "license": "Apache-2.0",
		"maintainer": {"name": "A. Body", "email": "a@example.org", "url": ""}
	}`)
	description.ParametersSchema = json.RawMessage(`{"type": "object"}`)
	description.Needs = &Needs{Network: NetworkAny, Tools: []Tool{{Program: "no-such-tool", DebianPackage: "nothing"}}}
	response := description.response()
	text, err := describeJSON(response)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	found := fmt.Sprint(fields["kind"], fields["maintainer"], fields["parameters_schema_json"], fields["provider_schema_json"],
		fields["needs"].(map[string]any)["network"], fields["targets"], fields["warnings"])
	expected := "PLUGIN_KIND_OSA. Body <a@example.org>map[type:object]NETWORK_ANY" +
		"[map[parts:[map[value:Debian] map[value:12] map[]]]][no-such-tool is missing: install the package nothing]"
	if strings.ReplaceAll(found, " ", "") != strings.ReplaceAll(expected, " ", "") {
		t.Fatal(found)
	}
}

func TestAnInfoFileThatIsNoneIsAMistakeOfTheAuthor(t *testing.T) {
	for text, problem := range map[string]string{
		`[]`:                                    "not a JSON object",
		`{"type":"os"}`:                         "key `targets` is missing",
		`{"type":"pet","targets":[]}`:           "`type` is \"pet\"",
		`{"type":"os","targets":{}}`:            "`targets` is not a list",
		`{"type":"os","targets":[["a"]]}`:       "`targets[0]` is [\"a\"], but must be [name, version",
		`{"type":"cloud","targets":[[null]]}`:   "but must be [target]",
		`{"type":"cloud","targets":[["a", 1]]}`: "but must be [target]",
	} {
		if _, err := parseInfo(text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhereAReaderStandsMakesNoOtherRequestAndWhatIsAskedDoes(t *testing.T) {
	secrets := map[string]*pluginv1.Secret{}
	for _, name := range strings.Split("abcdefgh", "") {
		secrets[name] = &pluginv1.Secret{Value: name}
	}
	header := &pluginv1.OperationHeader{OperationId: "op", SecretParameters: secrets}
	request := &pluginv1.CreateBaseImageRequest{Header: header, Template: &pluginv1.Template{}}
	changed := func(change func(*pluginv1.CreateBaseImageRequest)) bool {
		other := proto.Clone(request).(*pluginv1.CreateBaseImageRequest)
		change(other)
		one, _ := fingerprintOf("CreateBaseImage", request)
		two, _ := fingerprintOf("CreateBaseImage", other)
		return one != two
	}
	if changed(func(r *pluginv1.CreateBaseImageRequest) { r.Header.AfterSeq, r.Header.Traceparent = 7, "00-ab" }) {
		t.Error("that is the same request")
	}
	if !changed(func(r *pluginv1.CreateBaseImageRequest) { r.Header.SecretParameters["a"].Value = "x" }) ||
		!changed(func(r *pluginv1.CreateBaseImageRequest) { r.Template.Name = "other" }) ||
		!changed(func(r *pluginv1.CreateBaseImageRequest) { r.Header.ParametersJson = "{}" }) {
		t.Error("that is another request")
	}
}

func TestATextIsCutBetweenCharacters(t *testing.T) {
	for bytes, expected := range map[int]string{0: "", 1: "", 2: "ä", 3: "ä", 4: "äö", 9: "äö"} {
		if text := cut("äö", bytes); text != expected {
			t.Errorf("%d: %q", bytes, text)
		}
	}
}
