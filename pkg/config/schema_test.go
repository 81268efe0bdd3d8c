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

// TestSchemaFile keeps docs/ripcord.schema.json as the key tables have it; -update writes
// it anew.
func TestSchemaFile(t *testing.T) {
	text, err := json.MarshalIndent(documentSchema(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, schemaFile, string(text)+"\n")
}

// object is a JSON object; its keys are written in order.
type object = map[string]any

// documentSchema is the JSON Schema of the whole file.
func documentSchema() object {
	s := schemaOf(Reference(), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "ripcord.yaml"
	s["description"] = "The configuration of ripcord, a VRRP daemon."
	// A key that an instance needs may stand in defaults, and everything in the files
	// that are included.
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

// schemaOf is the JSON Schema of a value. It admits all that the loader admits, and
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

// choices are the words of a choice; those that must not stand in quotes are numbers.
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

// scalarTypes are what YAML may take a text for that the loader takes as it stands.
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

// plainText is a meaning without the marks of the reference page.
func plainText(s string) string {
	return strings.ReplaceAll(pageLink.ReplaceAllString(s, "$1"), "`", "")
}

// compiledSchema reads docs/ripcord.schema.json.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaAdmits: what the loader takes is valid: each example, each file of testdata,
// and each example of a key.
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
		t.Errorf("only %d files were taken by the loader", admitted)
	}
}

// within are the messages of the loader about what a schema can see, wherever it stands.
var within = regexp.MustCompile(`^(unknown key|missing, and it has no default|has no value|needs (a|an|at least one|text|true).*|.* is not (a whole decimal number|a name; .*)|.* is text; write it without quotes|.* has no unit|.* is not a duration|-?[0-9]+ is not between .*|.* is not (true or false|info.*|ipv4.*))$`)

// beyond are those of them that JSON Schema cannot see: an editor takes +3 and 1e2 for
// whole numbers; virtual_mac is true, false or any name; a timeout is no command.
var beyond = regexp.MustCompile(`^(\+3|1e2) is not|virtual_mac: |needs at least one command$`)

// TestSchemaRefuses: of the invalid files of testdata, the schema refuses each key and
// value that a schema can see, where the loader does. What it leaves to the loader is
// listed in testdata/schema.golden.
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
				t.Errorf("%s: %s: %s: the schema does not see it; it refuses %q", file, p.Path, p.Message, slices.Sorted(maps.Keys(refused)))
			}
		}
	}
	if seen < 150 {
		t.Errorf("the schema sees only %d problems", seen)
	}
	golden.Check(t, "testdata/schema.golden", left.String())
}

// TestSchemaLooksElsewhere: what an instance needs may stand in defaults, and everything in
// an included file; without either it is missed.
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

// refusals are the places that a schema refuses, as the loader writes them.
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

// asJSON reads YAML as the loader does, and gives scalars the types of YAML's core
// schema, as an editor sees them; false if it is no YAML.
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
