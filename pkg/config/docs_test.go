package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestConfigurationsInDocs loads each configuration in the pages. It adds the smallest useful
// instances to a partial one.
func TestConfigurationsInDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			shown := block[1]
			if !strings.Contains(shown, "instances:") {
				instances, _, _ := strings.Cut(configtest.Smallest, "groups:")
				shown += instances
			}
			loaded++
			if _, err := config.Parse(filepath.Base(page), withKey(t, shown)); err != nil {
				t.Errorf("%s shows\n%s\n%v", page, block[1], err)
			}
		}
	}
	if loaded < 8 {
		t.Errorf("found only %d configurations", loaded)
	}
}

// TestGettingStarted checks that the configuration on the page is the smallest useful one, and that
// the page's sed command turns it into that of the other router.
func TestGettingStarted(t *testing.T) {
	text, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	if block := yamlBlock.FindStringSubmatch(string(text)); block == nil || block[1] != configtest.Smallest {
		t.Errorf("the page shows %q", block)
	}
	if !strings.Contains(string(text), "sed -i 's/priority: 150/priority: 100/' "+config.Path) {
		t.Error("the page does not say how to make the other router's configuration")
	}
}

// withKey replaces the path of a router's key file in a text by a key file that exists.
func withKey(t *testing.T, text string) []byte {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(text, "/etc/ripcord/key", key))
}
