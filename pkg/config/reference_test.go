package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
	"ripcord/pkg/config/schema"
	"ripcord/test/golden"
)

// TestReferencePage compares the tables in docs/configuration.md with the tables of keys. With
// -update it writes them.
func TestReferencePage(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n")
	for _, s := range sections(config.Reference()) {
		title := "The file"
		if s.path != "" {
			title = "`" + s.path + "`"
		}
		fmt.Fprintf(&b, "### %s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n", title)
		for _, k := range s.keys {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, escaped(accepts(k.Value)), initial(k), escaped(meaning(k)))
		}
		b.WriteString("\n")
	}
	golden.CheckPart(t, "../../docs/configuration.md", "keys", b.String())
}

// referencePage returns the text of the reference page.
func referencePage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keySection is a section of the page: the keys of one kind of map, and its path, which is empty
// for the file itself.
type keySection struct {
	path string
	keys []schema.KeyDescription
}

// sections returns the sections of a description, each before those of the maps in it.
func sections(d schema.Description) []keySection {
	var all []keySection
	var walk func(d schema.Description, path string)
	walk = func(d schema.Description, path string) {
		if d.Keys == nil {
			return
		}
		here := keySection{path: path}
		here.keys = append(here.keys, d.Keys()...)
		all = append(all, here)
		if path == "groups[]" || path == "static" {
			return // the maps in it have the same keys as in an instance
		}
		for _, k := range here.keys {
			name, v := k.Name, k.Value
			switch {
			case v.Type == schema.TypeList && v.Items.Keys != nil:
				v, name = *v.Items, name+"[]"
			case v.Type == schema.TypeMap && v.Items != nil:
				v, name = *v.Items, name+".NAME"
			}
			if !slices.Contains([]string{"extra_addresses[]", "backup", "fault", "stop", "any"}, name) { // like addresses and active
				walk(v, strings.TrimPrefix(path+"."+name, "."))
			}
		}
	}
	walk(d, "")
	return all
}

func accepts(d schema.Description) string {
	switch {
	case d.Type == schema.TypeList && d.Items.Type == schema.TypeMap && d.Items.Short == nil:
		return "list of maps"
	case d.Type == schema.TypeMap && d.Items != nil:
		return "map of names"
	}
	return d.Accepts()
}

func initial(k schema.KeyDescription) string {
	switch {
	case k.Required:
		return "required"
	case k.Default != "":
		return "`" + k.Default + "`"
	}
	return "none"
}

func meaning(k schema.KeyDescription) string {
	if k.Example == "" {
		return k.Meaning
	}
	return k.Meaning + " Example: `" + k.Example + "`"
}

func escaped(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

// TestEveryKeyHasAMeaning checks that the page describes each key of the file.
func TestEveryKeyHasAMeaning(t *testing.T) {
	seen := 0
	var walk func(path string, d schema.Description)
	walk = func(path string, d schema.Description) {
		if d.Items != nil {
			walk(path+"[]", *d.Items)
		}
		if d.Keys == nil {
			return
		}
		for _, k := range d.Keys() {
			seen++
			if k.Meaning == "" || !strings.HasSuffix(k.Meaning, ".") || k.Value.Type == "" {
				t.Errorf("%s.%s: type %q, meaning %q", path, k.Name, k.Value.Type, k.Meaning)
			}
			if k.Example != "" {
				t.Run(k.Name, func(t *testing.T) { loads(t, path+"."+k.Name, k.Example) })
			}
			walk(path+"."+k.Name, k.Value)
		}
	}
	walk("", config.Reference())
	if seen < 60 {
		t.Errorf("found only %d keys", seen)
	}
}

// loads checks that an example loads without a problem at the place of its key.
func loads(t *testing.T, path, example string) {
	t.Helper()
	instances, _, _ := strings.Cut(configtest.Smallest, "groups:")
	const instance = "instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, %s}]\n"
	text := ""
	switch parent := path[:strings.LastIndex(path, ".")]; parent {
	case "":
		text = instances + example
	case ".control":
		text = instances + "control: {" + example + "}"
	case ".checks[]":
		text = instances + "checks: [{name: x, " + example + "}]"
	case ".checks[].tcp":
		text = instances + "checks: [{name: x, tcp: {" + example + "}}]"
	case ".checks[].http":
		text = instances + "checks: [{name: x, http: {url: \"http://192.0.2.80/\", " + example + "}}]"
	case ".instances[]":
		if !strings.HasPrefix(example, "addresses") {
			example = "addresses: [192.0.2.1/24], " + example
		}
		text = fmt.Sprintf(instance, example)
	case ".instances[].auth":
		return // it names a file of the router
	case ".instances[].rules[]":
		text = fmt.Sprintf(instance, "addresses: [192.0.2.1/24], rules: [{"+example+", table: 100, priority: 500}]")
	case ".instances[].routes[]":
		text = fmt.Sprintf(instance, "addresses: [192.0.2.1/24], routes: [{to: 10.0.0.0/8, "+example+"}]")
	case ".static.routes[]", ".static.rules[]":
		return // like those of instances
	default:
		t.Fatalf("there is an example at %s: say here where it belongs", path)
	}
	if _, err := config.Parse("example", []byte(text)); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
}

// TestExamples checks that each file of docs/examples loads without problems and warnings.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("found %d examples (%v)", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Parse(filepath.Base(file), withKey(t, string(text)))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, w := range c.Warnings {
			t.Errorf("%s: %v", file, w)
		}
	}
}
