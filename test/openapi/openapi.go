// Package openapi compares answers of the control API with docs/openapi.yaml, for the tests
// of the API and of the daemon.
package openapi

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is docs/openapi.yaml.
type Document struct {
	root     map[string]any
	compiler *jsonschema.Compiler
}

const location = "file:///openapi.yaml"

// Load reads the document.
func Load(t testing.TB) *Document {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	file := filepath.Join(filepath.Dir(here), "..", "..", "docs", "openapi.yaml")
	if _, err := os.Stat(file); err != nil { // -trimpath: tests run in the directory of their package
		file = filepath.Join("..", "..", "docs", "openapi.yaml")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &Document{root.(map[string]any), jsonschema.NewCompiler()}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(location, root); err != nil {
		t.Fatal(err)
	}
	return d
}

// Operations lists the requests that the document has, as "GET /v1/status".
func (d *Document) Operations() (all []string) {
	for path, item := range d.root["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// Parameters lists the names of what the query of a request may have.
func (d *Document) Parameters(operation string) (names []string) {
	of, _ := d.operation(operation)
	list, _ := of["parameters"].([]any)
	for _, p := range list {
		names = append(names, p.(map[string]any)["name"].(string))
	}
	return names
}

func (d *Document) operation(name string) (map[string]any, bool) {
	method, path, _ := strings.Cut(name, " ")
	item, _ := d.root["paths"].(map[string]any)[path].(map[string]any)
	of, ok := item[strings.ToLower(method)].(map[string]any)
	return of, ok
}

// Check returns how an answer to a request differs from what the document says; nil: in
// nothing. HEAD is not looked at.
func (d *Document) Check(operation string, answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	at, response := "#/components/responses/Error", d.at("components", "responses", "Error") // of a request that is in no path
	if of, ok := d.operation(operation); ok {
		code := strconv.Itoa(answer.StatusCode)
		responses := of["responses"].(map[string]any)
		if responses[code] == nil {
			code = "default"
		}
		method, path, _ := strings.Cut(operation, " ")
		at = "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/" + strings.ToLower(method) + "/responses/" + code
		if response, ok = responses[code].(map[string]any); !ok {
			return fmt.Errorf("%s answers %d, which is not in the document", operation, answer.StatusCode)
		}
	}
	if ref, ok := response["$ref"].(string); ok {
		at, response = ref, d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	content, _ := response["content"].(map[string]any)
	if err != nil || content[kind] == nil {
		return fmt.Errorf("%s answers %d of type %q, which is not in the document", operation, answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	schema, err := d.compiler.Compile(location + at + "/content/" + strings.ReplaceAll(kind, "/", "~1") + "/schema")
	if err != nil {
		return err
	}
	return validate(schema, kind, body)
}

// validate compares a body with its schema.
func validate(schema *jsonschema.Schema, kind string, body []byte) error {
	switch kind {
	case "application/json":
		return validateJSON(schema, body)
	case "application/x-ndjson":
		for line := range bytes.Lines(body) {
			if err := validateJSON(schema, line); err != nil {
				return err
			}
		}
		return nil
	}
	return schema.Validate(string(body))
}

func validateJSON(schema *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return schema.Validate(value)
}

func (d *Document) at(path ...string) map[string]any {
	at := d.root
	for _, name := range path {
		at, _ = at[name].(map[string]any)
	}
	return at
}

// Unseen lists the properties of the schemas that no answer had: those that a document has
// and the API does not. seen are the bodies of answers.
func (d *Document) Unseen(seen ...[]byte) (names []string) {
	for schema, s := range d.at("components", "schemas") {
		properties, _ := s.(map[string]any)["properties"].(map[string]any)
		for name := range properties {
			if !slices.ContainsFunc(seen, func(body []byte) bool { return bytes.Contains(body, []byte(`"`+name+`":`)) }) {
				names = append(names, schema+"."+name)
			}
		}
	}
	slices.Sort(names)
	return names
}
