package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
)

// client asks the control socket.
func (d *daemon) client() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", d.socket)
		},
	}}
}

// order gives an order about an instance, without a process for it.
func (d *daemon) order(path, name string) {
	d.t.Helper()
	body, err := json.Marshal(control.Order{Name: name})
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := d.client().Post("http://ripcord"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		d.t.Fatalf("%s %s: %v", path, name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		d.t.Fatalf("%s %s: %s: %s", path, name, response.Status, text)
	}
}

// scrape asks the control socket for the metrics, as Prometheus would.
func (d *daemon) scrape() map[string]float64 {
	d.t.Helper()
	response, err := d.client().Get("http://ripcord/metrics")
	if err != nil {
		d.t.Fatalf("scrape %s: %v", d.name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("scrape %s: %s, %v: %s", d.name, response.Status, err, body)
	}
	series := make(map[string]float64)
	for line := range strings.Lines(string(body)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			series[name] = n
		}
	}
	return series
}

// TestMetrics scrapes the metrics after a pulled cable: they have the transition, the fault, the
// lost link and the reaction time, and those of the peer have its own.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s, a, b := pair(t, []segment{inside}, 100*time.Millisecond, "")
	of := func(name, more string) string {
		return fmt.Sprintf(`ripcord_instance_%s{family="ipv4",instance="inside",interface="eth0",vrid="51"%s}`, name, more)
	}
	for end := time.Now().Add(5 * time.Second); b.scrape()[of("adverts_received_total", "")] < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the peer heard no two adverts within 5s, by its metrics")
		}
	}
	before := a.scrape()
	at := s.pull("a", inside)
	a.becomes("fault", at, patience)
	b.becomes("active", at, patience)

	after := a.scrape()
	if grown := after[of("transitions_total", "")] - before[of("transitions_total", "")]; grown != 1 {
		t.Errorf("%v transitions were counted, want 1", grown)
	}
	for name, want := range map[string][2]float64{
		of("state", `,state="active"`):                        {1, 0},
		of("state", `,state="fault"`):                         {0, 1},
		of("faults", ""):                                      {0, 1},
		of("fault", `,reason="interface-down",source="eth0"`): {0, 1},
		of("active_transitions_total", ""):                    {1, 1},
		`ripcord_link_usable{interface="eth0"}`:               {1, 0},
		`ripcord_link_carrier{interface="eth0"}`:              {1, 0},
		`ripcord_link_admin_up{interface="eth0"}`:             {1, 1},
		`ripcord_link_reaction_seconds_count`:                 {0, 1},
		`ripcord_log_lines_lost_total`:                        {0, 0},
	} {
		if got := [2]float64{before[name], after[name]}; got != want {
			t.Errorf("%s: %v before and after the pull, want %v", name, got, want)
		}
	}
	if moved := after[of("last_transition_timestamp_seconds", "")]; moved < float64(at.Unix()) || moved > float64(time.Now().Unix()+1) {
		t.Errorf("the last transition was at %v, and the cable was pulled at %v", moved, at)
	}
	if sent, late := after[of("adverts_sent_total", "")], after["ripcord_advert_lateness_seconds_count"]; sent < 2 || late != sent-1 {
		t.Errorf("%v adverts sent, lateness known of %v, want all but the first", sent, late)
	}
	peer := b.scrape()
	if got := peer[of("active_transitions_total", "")]; got != 1 {
		t.Errorf("the peer became Active %v times by its metrics, want 1", got)
	}
	t.Logf("%d series", len(after))
}
