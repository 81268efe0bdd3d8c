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

// TestConfigurationsInDocs loads each configuration that a page shows; one that shows a part
// gets the smallest useful instances.
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

// TestGettingStarted: the page's configuration is the smallest useful one, and what it has
// sed do makes that of the other router.
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

// withKey has a text name a key that exists in place of that of a router.
func withKey(t *testing.T, text string) []byte {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(text, "/etc/ripcord/key", key))
}
