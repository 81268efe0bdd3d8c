package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/test/openapi"
)

// obeying executes every order, except for one name.
type obeying struct{}

func (obeying) Release(name string, length time.Duration) (*Released, error) {
	if name == "unknown" {
		return nil, errors.New("there is no group unknown")
	}
	until := began.Add(length)
	return &Released{Name: name, Released: true, Until: &until}, nil
}
func (obeying) Resume(name string) (*Released, error) {
	return &Released{Name: name, Unchanged: true}, nil
}
func (obeying) Reload(_ context.Context, dryRun bool) (*Reloaded, error) {
	return &Reloaded{File: "f", DryRun: dryRun, Added: []string{"a"}, Changed: []string{"b"}, Removed: []string{}, Values: []string{"b: priority 90 (was 100)"}, Notes: []string{"log.level changed"}}, nil
}
func (obeying) Handover(context.Context) (*HandedOver, error) {
	return &HandedOver{[]string{"edge"}}, nil
}
func (obeying) Fence(_ context.Context, name string) (*Fence, error) {
	return &Fence{Name: name, Command: []string{"/bin/off"}, User: "root", Timeout: "10s", OnFailure: "hold", Conditions: []Condition{{"it was heard", true}}, Holding: "runs"}, nil
}

// scripted is a router on which every instance has all commands.
type scripted struct{ router }

func (scripted) Setups() map[string]Setup {
	all := router{}.Setups()
	for _, g := range pulled().groups {
		for _, m := range g.Members {
			s := all[m.Instance.Name]
			s.Active, s.Backup, s.Fault, s.Stop = []string{"a"}, []string{"b"}, []string{"f"}, []string{"s"}
			all[m.Instance.Name] = s
		}
	}
	return all
}

// whole is an API that offers everything, over a source with everything that a document can
// contain. The lines are those of the router whose cable was pulled.
func whole(t *testing.T) Config {
	t.Helper()
	log, err := os.ReadFile(filepath.Join("..", "story", "testdata", "right.log"))
	if err != nil {
		t.Fatal(err)
	}
	source := pulled()
	alone := source.groups[0].Members[0]
	alone.LastStanding, alone.Watch.Active = true, alone.ActiveAddress
	source.groups[0].Members[0], source.groups[0].Holding = alone, "a fence runs"
	source.groups[0].Wait = vrrp.WaitStatus{Reason: event.HoldPreemptDelay, Until: began}
	source.groups[0].Members[0].Faults[0].Err, source.groups[0].Members[0].Faults[0].Until = "no cable", began
	in := *alone.Instance
	in.Auth.Type, in.Track = 1, []vrrp.Tracker{{Name: "eth2"}}
	source.groups[0].Members[0].Instance = &in
	source.links[1].Unchanged = true
	source.links[0].Device, source.links[0].Master = "enp1s0", "br0 (bridge)"
	return Config{
		Version: "0.1.0", Host: "gw1", Since: began, Source: scripted{source}, Orders: obeying{}, Metrics: metrics,
		Events: newKept(strings.Split(strings.TrimSpace(string(log)), "\n")...), port: &port{failure: "the port is taken"},
	}
}

// TestOpenAPI requires that each answer, also to a wrong request, matches docs/openapi.yaml, and
// that everything in that document occurs in an answer.
func TestOpenAPI(t *testing.T) {
	document, seen := openapi.Load(t), [][]byte{}
	c := whole(t)
	bare := handler(Config{Source: router{}})
	for _, r := range []struct {
		by                 http.Handler
		method, path, body string
		code               int
	}{
		{handler(c), "GET", "/", "", 200},
		{handler(c), "GET", "/metrics", "", 200},
		{bare, "GET", "/metrics", "", 501},
		{handler(c), "GET", "/v1/status", "", 200},
		{handler(c), "GET", "/v1/status?statistics=0", "", 200},
		{handler(c), "GET", "/v1/status?x=0", "", 400},
		{bare, "GET", "/v1/status", "", 200},
		{handler(c), "GET", "/v1/keepalived", "", 200},
		{handler(c), "GET", "/v1/events", "", 200},
		{handler(c), "GET", "/v1/events?last=3&since=87600h", "", 200},
		{handler(c), "GET", "/v1/events?follow=2", "", 400},
		{bare, "GET", "/v1/events", "", 501},
		{handler(c), "GET", "/v1/stories", "", 200},
		{handler(c), "GET", "/v1/stories?last=1", "", 200},
		{handler(c), "GET", "/v1/stories?last=x", "", 400},
		{bare, "GET", "/v1/stories", "", 501},
		{handler(c), "POST", "/v1/release", `{"name": "edge", "for": "10m"}`, 200},
		{handler(c), "POST", "/v1/release", `{"name": "unknown"}`, 422},
		{handler(c), "POST", "/v1/release", `{"nome": "edge"}`, 400},
		{handler(c), "POST", "/v1/release", `{"name": "edge"} `, 200},
		{handler(c), "POST", "/v1/release", `{"name": "edge"}{"name": "edge"}`, 400},
		{handler(c), "POST", "/v1/release", `{"name": "edge"} x`, 400},
		{handler(c), "POST", "/v1/release", `{"name": "edge"}` + strings.Repeat(" ", maxBody), 413},
		{handler(c), "POST", "/v1/resume", `{"name": "` + strings.Repeat("x", maxBody) + `"}`, 413},
		{bare, "POST", "/v1/release", `{"name": "edge"}`, 501},
		{reader(c), "POST", "/v1/release", `{"name": "edge"}`, 403},
		{handler(c), "GET", "/v1/release", "", 405},
		{handler(c), "POST", "/v1/resume", `{"name": "edge"}`, 200},
		{handler(c), "POST", "/v1/handover", "", 200}, {reader(c), "POST", "/v1/handover", "", 403},
		{reader(c), "POST", "/v1/resume", `{"name": "edge"}`, 403},
		{handler(c), "POST", "/v1/reload", `{"dry_run": true}`, 200},
		{handler(c), "POST", "/v1/reload", "", 200},
		{reader(c), "POST", "/v1/reload", "", 403},
		{handler(c), "POST", "/v1/fence", `{"name": "edge", "dry_run": true}`, 200},
		{handler(c), "POST", "/v1/fence", `{"name": "edge"}`, 422},
		{reader(c), "POST", "/v1/fence", "", 403},
		{handler(c), "POST", "/", "", 405},
		{handler(c), "GET", "/v2", "", 404},
	} {
		w := httptest.NewRecorder()
		r.by.ServeHTTP(w, httptest.NewRequest(r.method, r.path, strings.NewReader(r.body)))
		answer := w.Result()
		body, _ := io.ReadAll(answer.Body)
		seen, answer.Body = append(seen, body, []byte(r.body)), io.NopCloser(bytes.NewReader(body))
		path, _, _ := strings.Cut(r.path, "?")
		if err := document.Check(r.method+" "+path, answer); err != nil || answer.StatusCode != r.code {
			t.Errorf("%s %s: %d, want %d; %v", r.method, r.path, answer.StatusCode, r.code, err)
		}
	}
	seen = append(seen, []byte(`"left_out":`)) // TestLongStory has it
	if unseen := document.Unseen(seen...); len(unseen) > 0 {
		t.Errorf("docs/openapi.yaml has what no answer contains: %s", strings.Join(unseen, ", "))
	}
}

// TestBadBodies requires that the answer to a body that is not an order says what is wrong and
// shows an order for that request.
func TestBadBodies(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{ReloadPath, `[]`, `the body is not an order, as {"dry_run": true}: it is not a JSON object: array was sent`},
		{ReloadPath, `{"for": 5}`, `the body is not an order, as {"dry_run": true}: for must be a string: number was sent`},
		{HandoverPath, `"now"`, `the body is not an order, as {}: it is not a JSON object: string was sent`},
		{ReleasePath, `{"nome": "edge"}`, `the body is not an order, as {"name": "edge", "for": "10m"}: unknown field "nome"`},
		{ResumePath, `{"name": "edge`, `the body is not an order, as {"name": "edge"}: it ends in the middle`},
	} {
		w := httptest.NewRecorder()
		handler(whole(t)).ServeHTTP(w, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body)))
		var got Error
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusBadRequest || got.Error != c.want {
			t.Errorf("%s %s: %d %v\n got %s\nwant %s", c.path, c.body, w.Code, err, got.Error, c.want)
		}
	}
}

// TestStalledBody requires 408 for a body that does not come, as in the document.
func TestStalledBody(t *testing.T) {
	socket := filepath.Join(shortDir(t), "s")
	stop := run(t, listening(t, Config{Socket: socket, Orders: obeying{}}))
	c := say(t, "unix", socket, "POST /v1/reload HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n{")
	_ = c.SetDeadline(time.Now().Add(2 * readTimeout))
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := openapi.Load(t).Check("POST /v1/reload", answer); err != nil || answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%s, %v", answer.Status, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestOpenAPIHasAllRoutes requires that the document has exactly the existing requests with their
// parameters.
func TestOpenAPIHasAllRoutes(t *testing.T) {
	document := openapi.Load(t)
	var there []string
	for _, r := range routes(whole(t)) {
		there = append(there, r.method+" "+r.path)
	}
	slices.Sort(there)
	if documented := document.Operations(); !slices.Equal(documented, there) {
		t.Errorf("docs/openapi.yaml has\n%s\nand the API has\n%s", strings.Join(documented, "\n"), strings.Join(there, "\n"))
	}
	for _, path := range []string{StatusPath, EventsPath, StoriesPath} {
		w := httptest.NewRecorder()
		handler(whole(t)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?none=1", nil))
		want := enumerate(document.Parameters("GET " + path))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want+`"}`) {
			t.Errorf("%s refuses a parameter with %d %s, the document: there %s", path, w.Code, w.Body, want)
		}
	}
}

// TestOpenAPICanFail requires that an answer with a field that the document lacks, or without one
// that it has, differs.
func TestOpenAPICanFail(t *testing.T) {
	document := openapi.Load(t)
	for _, body := range []string{`{"name":"edge","released":true,"more":1}`, `{"name":"edge"}`, `{"name":"edge","released":"yes"}`, `[]`, `{`} {
		answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
		if document.Check("POST /v1/release", answer) == nil {
			t.Errorf("%s matches the document", body)
		}
	}
}
