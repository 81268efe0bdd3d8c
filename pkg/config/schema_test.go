package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	refusal "github.com/santhosh-tekuri/jsonschema/v6/kind"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/yaml"
	"ripcord/pkg/tree"
	"ripcord/test/golden"
)

const schemaFile = "../../docs/ripcord.schema.json"

// TestSchemaFile compares docs/ripcord.schema.json with the tables of keys. With -update it writes
// the file.
func TestSchemaFile(t *testing.T) {
	text, err := json.MarshalIndent(documentSchema(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, schemaFile, string(text)+"\n")
}

// object is a JSON object, whose keys are written in order.
type object = map[string]any

// documentSchema returns the JSON Schema of the whole file.
func documentSchema() object {
	s := schemaOf(Reference(), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "ripcord.yaml"
	s["description"] = "The configuration of ripcord, a VRRP daemon."
	// The required keys of an instance may be in defaults, and everything may be in an included
	// file.
	var late []any
	unless := func(elsewhere []any, required object) {
		late = append(late, object{"if": object{"not": object{"anyOf": elsewhere}}, "then": required})
	}
	included := object{"required": []string{"include"}}
	delete(s, "required")
	for _, k := range documentKeys.Describe() {
		if k.Required {
			unless([]any{included}, object{"required": []string{k.Name}})
		}
	}
	instance := s["properties"].(object)["instances"].(object)["items"].(object)
	delete(instance, "required")
	for _, k := range instanceKeys.Describe() {
		if k.Required {
			said := object{"required": []string{"defaults"}, "properties": object{"defaults": object{"required": []string{k.Name}}}}
			needed := object{"items": object{"required": []string{k.Name}}}
			unless([]any{included, said}, object{"properties": object{"instances": needed}})
		}
	}
	s["allOf"] = late
	properties := s["properties"].(object)
	properties["defaults"] = schemaOf(schema.MapOf(instanceKeys), properties["defaults"].(object)["description"].(string))
	delete(properties["defaults"].(object), "required")
	return s
}

var durationPattern = `^[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$`

// schemaOf returns the JSON Schema of a value. It admits everything that the loader admits, and
// refuses as much of the rest as a schema can.
func schemaOf(d schema.Description, about string) object {
	s := object{}
	switch d.Type {
	case schema.TypeNumber:
		s["type"], s["minimum"], s["maximum"] = "integer", d.From, d.Upto
		if len(d.Words) > 0 {
			s = object{"anyOf": []any{s, object{"enum": d.Words}}}
		}
		if d.Pattern != "" {
			s = object{"anyOf": []any{s, object{"type": "string", "pattern": d.Pattern}}}
		}
	case schema.TypeDuration:
		text := object{"type": "string", "pattern": durationPattern}
		s = text
		if d.From <= 0 {
			s = object{"anyOf": []any{text, object{"const": 0}}}
		}
	case schema.TypeBoolean:
		s["type"] = "boolean"
	case schema.TypeChoice:
		s["enum"] = choices(d)
	case schema.TypeList:
		s["type"], s["items"] = "array", schemaOf(*d.Items, "")
		if d.Least > 0 {
			s["minItems"] = d.Least
		}
	case schema.TypeMap:
		s = mapSchema(d)
	default:
		s["type"] = scalarTypes(d)
		if d.Pattern != "" {
			s["pattern"] = d.Pattern
		}
	}
	if d.Short != nil {
		s = object{"if": object{"type": s["type"]}, "then": s, "else": schemaOf(*d.Short, "")}
	}
	if about != "" {
		s["description"] = about
	}
	return s
}

// choices returns the words of a choice; those that must not be quoted become numbers.
func choices(d schema.Description) []any {
	var all []any
	for _, w := range d.Words {
		n, err := strconv.Atoi(w)
		if d.Plain && err == nil {
			all = append(all, n)
		} else {
			all = append(all, w)
		}
	}
	return all
}

// scalarTypes returns the types that YAML may give to a text that the loader accepts unquoted.
func scalarTypes(d schema.Description) []string {
	types := []string{"string"}
	for _, other := range []struct{ name, sample string }{{"number", "1.5"}, {"number", strings.Repeat("1", 64)}, {"boolean", "true"}} {
		if regexp.MustCompile(d.Pattern).MatchString(other.sample) && !slices.Contains(types, other.name) {
			types = append(types, other.name)
		}
	}
	return types
}

func mapSchema(d schema.Description) object {
	s := object{"type": "object"}
	if d.Least > 0 {
		s["minProperties"] = d.Least
	}
	if d.Pattern != "" {
		s["propertyNames"] = object{"pattern": d.Pattern}
	}
	if d.Keys == nil { // names of any kind
		if d.Items != nil {
			s["additionalProperties"] = schemaOf(*d.Items, "")
		}
		return s
	}
	properties, needed := object{}, []string{}
	for _, k := range d.Keys() {
		about := plainText(k.Meaning)
		if k.Default != "" {
			about += " Default: " + k.Default + "."
		}
		properties[k.Name] = schemaOf(k.Value, about)
		if k.Required {
			needed = append(needed, k.Name)
		}
	}
	s["properties"], s["additionalProperties"] = properties, false
	if len(needed) > 0 {
		s["required"] = needed
	}
	return s
}

var pageLink = regexp.MustCompile(`\[([^]]*)\]\(([^)]*)\)`)

// plainText returns a description without the markup of the reference page.
func plainText(s string) string {
	return strings.ReplaceAll(pageLink.ReplaceAllString(s, "$1"), "`", "")
}

// compiledSchema compiles docs/ripcord.schema.json.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaAdmits checks that the schema admits what the loader accepts: each example, each file
// of testdata, and each example of a key.
func TestSchemaAdmits(t *testing.T) {
	compiled, admitted := compiledSchema(t), 0
	files, _ := filepath.Glob("../../docs/examples/*.yaml")
	more, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, ok := asJSON(text)
		_, err = Parse(file, text)
		problems, _ := errors.AsType[problem.Problems](err)
		if slices.ContainsFunc(problems, func(p problem.Problem) bool { return !strings.Contains(p.Message, "key cannot be read") }) {
			continue
		}
		admitted++
		if err := compiled.Validate(document); !ok || err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if admitted < 25 {
		t.Errorf("the loader accepted only %d files", admitted)
	}
}

// within matches the messages of the loader about problems that a schema can detect.
var within = regexp.MustCompile(`^(unknown key|missing, and it has no default|has no value|needs (a|an|at least one|text|true).*|.* is not (a whole decimal number|a name; .*)|.* is text; write it without quotes|.* has no unit|.* is not a duration|-?[0-9]+ is not between .*|.* is not (true or false|info.*|ipv4.*))$`)

// beyond matches those of them that JSON Schema cannot detect: an editor accepts +3 and 1e2 as
// whole numbers, virtual_mac is true, false or any name, and a timeout is no command.
var beyond = regexp.MustCompile(`^(\+3|1e2) is not|virtual_mac: |needs at least one command$`)

// TestSchemaRefuses checks that the schema refuses each key and value of the invalid files of
// testdata that a schema can detect. testdata/schema.golden lists what it leaves to the loader.
func TestSchemaRefuses(t *testing.T) {
	compiled := compiledSchema(t)
	files, _ := filepath.Glob("testdata/*.yaml")
	var left strings.Builder
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, ok := asJSON(text)
		_, err = Parse(filepath.Base(file), text)
		problems, _ := errors.AsType[problem.Problems](err)
		if !ok || len(problems) == 0 {
			continue
		}
		refused := refusals(compiled.Validate(document))
		for _, p := range problems {
			if refused[p.Path] {
				seen++
				continue
			}
			fmt.Fprintf(&left, "%s: %s: %s\n", p.File, p.Path, p.Message)
			if within.MatchString(p.Message) && !beyond.MatchString(p.Message) && !beyond.MatchString(p.Path+": ") {
				t.Errorf("%s: %s: %s: the schema does not detect it; it refuses %q", file, p.Path, p.Message, slices.Sorted(maps.Keys(refused)))
			}
		}
	}
	if seen < 150 {
		t.Errorf("the schema detects only %d problems", seen)
	}
	golden.Check(t, "testdata/schema.golden", left.String())
}

// TestSchemaLooksElsewhere checks that required keys may be in defaults and anything in an included
// file, and that a required key is missed if there are neither.
func TestSchemaLooksElsewhere(t *testing.T) {
	compiled := compiledSchema(t)
	for text, want := range map[string]string{
		"instances: [{name: a, interface: eth0}]":                                 "instances[0].vrid",
		"{defaults: {vrid: 51}, instances: [{name: a}]}":                          "instances[0].interface",
		"{defaults: {vrid: 51, interface: eth0}, instances: [{name: a}]}":         "",
		"{include: [conf.d/*.yaml], instances: [{name: a}]}":                      "",
		"{log: {level: info}}":                                                    "instances",
		"{include: [conf.d/*.yaml], log: {level: info}}":                          "",
		"{include: [conf.d/*.yaml], instances: [{name: a, unicast: {ttl: 255}}]}": "instances[0].unicast.peers",
	} {
		document, ok := asJSON([]byte(text))
		refused := refusals(compiled.Validate(document))
		if !ok || (want == "") != (len(refused) == 0) || want != "" && !refused[want] {
			t.Errorf("%s: refuses %v, want %q", text, refused, want)
		}
	}
}

// refusals returns the paths that a schema refuses, in the loader's form.
func refusals(err error) map[string]bool {
	all := map[string]bool{}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		at := ""
		for _, step := range e.InstanceLocation {
			if _, err := strconv.Atoi(step); err == nil && at != "" && !strings.HasSuffix(at, ".keys") {
				at += "[" + step + "]"
			} else {
				at = problem.Join(at, step)
			}
		}
		switch k := e.ErrorKind.(type) {
		case *refusal.AdditionalProperties:
			for _, name := range k.Properties {
				all[problem.Join(at, name)] = true
			}
		case *refusal.Required:
			for _, name := range k.Missing {
				all[problem.Join(at, name)] = true
			}
		default:
			if len(e.Causes) == 0 || at != "" {
				all[at] = true
			}
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	if e, ok := err.(*jsonschema.ValidationError); ok {
		walk(e)
	}
	return all
}

// asJSON reads YAML as the loader does, and gives scalars the types of YAML's core schema, as an
// editor does. It returns false if the text is not YAML.
func asJSON(text []byte) (document any, ok bool) {
	report := problem.Of("x", text)
	root := yaml.NewParser(report).Parse(0, text)
	if root == nil || slices.ContainsFunc(report.Problems(), func(p problem.Problem) bool { return p.Path == "" }) {
		return nil, false
	}
	return typed(root), true
}

var (
	coreInteger = regexp.MustCompile(`^[-+]?[0-9]+$`)
	coreFloat   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// typed returns a node with the types of YAML's core schema.
func typed(n *tree.Node) any {
	switch n.Kind {
	case tree.List:
		all := []any{}
		for _, item := range n.Items {
			all = append(all, typed(item))
		}
		return all
	case tree.Map:
		all := object{}
		for _, e := range n.Entries {
			all[e.Key] = typed(e.Value)
		}
		return all
	case tree.Scalar:
		switch {
		case n.Quoted:
			return n.Text
		case n.Text == "true" || n.Text == "false":
			return n.Text == "true"
		case coreInteger.MatchString(n.Text), coreFloat.MatchString(n.Text):
			return json.Number(strings.TrimLeft(n.Text, "+"))
		}
		return n.Text
	}
	return nil
}
