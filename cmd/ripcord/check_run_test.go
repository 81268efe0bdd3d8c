package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ripcord/pkg/config/configtest"
)

// TestCheckRun requires that every check is run and has its own row, including one that cannot run
// here, that only the beginning of a long answer is printed, and that nothing is printed twice.
func TestCheckRun(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "the beginning\n", strings.Repeat("and more\n", 10000))
	}))
	t.Cleanup(page.Close)
	number := filepath.Join(t.TempDir(), "number")
	if err := os.WriteFile(number, []byte("5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := writeConfig(t, configtest.Smallest+fmt.Sprintf(`script_user: root
checks:
  - {name: stranger, command: [/bin/true], user: nobody-here}
  - {name: page, http: {url: '%s'}}
  - {name: unwanted, http: {url: '%[1]s', status: 404}}
  - {name: none, file: {path: %s, weight: 0}}
`, page.URL, number))
	code, stdout, stderr := try(t, "check", "--run", file)
	if code != 1 || !strings.HasSuffix(stderr, "ripcord: 3 of 4 checks failed\n") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	text := strings.Join(strings.Fields(stdout), " ") // long lines are wrapped
	for _, want := range []string{
		"stranger down 0s - runs a command as user nobody-here: there is no user nobody-here",
		" the beginning and more and more ", "status 200 OK, want 404; the beginning ", "…",
		" -254 " + number + " has 5: with weight 0 any number but 0 is a fault",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if strings.Count(text, "fault") != 1 || strings.HasSuffix(text, "fault; 5") || len(text) > 1500 {
		t.Errorf("the output is too long or repeats something: %q", text)
	}
}
