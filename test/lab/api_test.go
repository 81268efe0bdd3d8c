package lab

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ripcord/test/openapi"
)

// TestAnswersAreAsDocumented checks that all answers of a running daemon match docs/openapi.yaml,
// with valid and invalid requests.
func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a")
	yaml := "script_user: root\nchecks: [{name: web, tcp: {address: '127.0.0.1:9'}, weight: -5, initial: pass}]\n" +
		router{150, 200 * time.Millisecond, "track: [{check: web}]"}.yaml(s, s.socket("a"))
	a := s.startYAML("a", yaml)
	a.becomes("active", time.Time{}, 5*time.Second)
	at := s.pull("a", inside)
	a.becomes("fault", at, patience)
	document, client := openapi.Load(t), a.client()
	ask := func(method, path, body string, code int) {
		t.Helper()
		request, err := http.NewRequest(method, "http://ripcord"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body == "" {
			request.Body = http.NoBody
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		bare, _, _ := strings.Cut(path, "?")
		if err := document.Check(method+" "+bare, answer); err != nil || answer.StatusCode != code {
			t.Errorf("%s %s: %d, want %d; %v", method, path, answer.StatusCode, code, err)
		}
	}
	for _, path := range []string{"/", "/metrics", "/v1/status", "/v1/status?statistics=0", "/v1/keepalived", "/v1/events", "/v1/events?last=5", "/v1/stories", "/v1/stories?last=1"} {
		ask("GET", path, "", 200)
	}
	ask("POST", "/v1/release", `{"name": "edge", "for": "10m"}`, 200)
	ask("POST", "/v1/resume", `{"name": "edge"}`, 200)
	ask("POST", "/v1/release", `{"name": "nobody"}`, 422)
	ask("POST", "/v1/reload", `{"dry_run": true}`, 200)
	ask("POST", "/v1/reload", "", 200)
	ask("POST", "/v1/fence", `{"name": "edge", "dry_run": true}`, 422)
	ask("POST", "/v1/release", "no order", 400)
	ask("DELETE", "/v1/status", "", 405)
	ask("GET", "/v2/status", "", 404)
}

// TestPromtoolChecksMetrics checks that promtool reports nothing about the metrics of a running
// daemon.
func TestPromtoolChecksMetrics(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing: run `test/setup`, which installs it")
	}
	s := newSite(t, bothSegments, "a")
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", time.Time{}, 5*time.Second)
	a.becomes("fault", s.pull("a", inside), patience)
	answer, err := a.client().Get("http://ripcord/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	check := exec.Command(tool, "check", "metrics")
	check.Stdin = answer.Body
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
