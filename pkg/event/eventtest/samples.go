// Package eventtest proves for tests that they know the whole vocabulary of the log.
package eventtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// Complete reads the source of pkg/event in a directory, so that a new event, or a
// new kind of one, cannot be forgotten: each type that has a Name, and each constant
// of a kind, must be among the samples.
func Complete[E interface{ Name() string }](t testing.TB, dir string, samples []E) {
	t.Helper()
	types, kinds := vocabulary(t, dir)
	if len(types) < 10 || len(kinds) < 10 {
		t.Fatalf("found only the types %v and the kinds %v: this reads pkg/event wrongly", types, kinds)
	}
	for _, e := range samples {
		delete(types, reflect.TypeOf(e).Name())
		delete(kinds, e.Name())
	}
	for name := range types {
		t.Errorf("there is no sample of event.%s", name)
	}
	for kind := range kinds {
		t.Errorf("there is no sample of the kind %s", kind)
	}
}

// vocabulary returns the types that have a method Name, and the constants that look
// like a name of the log.
func vocabulary(t testing.TB, dir string) (types, kinds map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	types, kinds = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "Name" && n.Recv != nil {
					types[n.Recv.List[0].Type.(*ast.Ident).Name] = true
				}
			case *ast.ValueSpec:
				kind, ok := n.Type.(*ast.Ident)
				if !ok || !strings.HasSuffix(kind.Name, "Kind") {
					break
				}
				for _, v := range n.Values {
					name, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					kinds[name] = true
				}
			}
			return true
		})
	}
	return types, kinds
}
