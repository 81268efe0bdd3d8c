package config_test

import (
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
	"ripcord/test/golden"
	"ripcord/test/manpage"
)

// TestManualPage compares deploy/man/ripcord.yaml.5 with the tables of keys and the text of
// docs/configuration.md. With -update it writes the page.
func TestManualPage(t *testing.T) {
	page := referencePage(t)
	p := manpage.New("ripcord.yaml", 5, "the configuration of ripcord", "go test ./pkg/config -run TestManualPage -update")
	p.Section("Description")
	p.Text(manpage.Part(page, "## How ripcord reads the file"))
	p.Section("Example")
	p.Code(configtest.Smallest)
	p.Section("Keys")
	for _, s := range sections(config.Reference()) {
		title := "The file"
		if s.path != "" {
			title = s.path
		}
		p.Subsection(title)
		for _, k := range s.keys {
			what := accepts(k.Value)
			switch {
			case k.Required:
				what += "; required"
			case k.Default != "":
				what += "; default `" + k.Default + "`"
			}
			p.Item("`"+k.Name+"` ("+what+")", meaning(k))
		}
	}
	p.Section("Several files")
	p.Text(manpage.Part(page, "## Several files"))
	p.Section("Files")
	p.Item("/etc/ripcord/ripcord.yaml", "The configuration.")
	p.Item("/usr/share/doc/ripcord/examples", "Complete set-ups.")
	p.Item("/usr/share/ripcord/ripcord.schema.json", "A JSON Schema of this file, for editors.")
	p.Section("See also")
	p.Text("`ripcord`(8), `ripcord-events`(7)")
	golden.Check(t, "../../deploy/man/ripcord.yaml.5", p.String())
}

// TestManualExample loads the example of the manual page.
func TestManualExample(t *testing.T) {
	if _, err := config.Parse("example", []byte(configtest.Smallest)); err != nil {
		t.Error(err)
	}
}
