package page

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/built"
	"ripcord/test/stage"
)

// forwarded is the daemon's socket at a port of this machine, as `ssh -L` brings it there.
func forwarded(t *testing.T, socket string) (base string) {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "ripcord"})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// TestPulledCable: on the page of a running daemon, whose socket is forwarded, a cable that is
// pulled and put back is seen, as are the story of it and the link.
func TestPulledCable(t *testing.T) {
	theBrowser(t)
	s := stage.New(t,
		lan.Port{Host: "a", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.11/24")}},
		lan.Port{Host: "client", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.12/24")}})
	ripcord, err := built.Command(s.Dir, built.Ripcord)
	if err != nil {
		t.Fatal(err)
	}
	socket, file := filepath.Join(s.Dir, "a.sock"), filepath.Join(s.Dir, "a.yaml")
	yaml := fmt.Sprintf("control: {socket: %s}\nlinks: {default: {recovery: {wait: 0s}}}\ninstances:\n  - {name: inside, interface: eth0, vrid: 51, priority: 150, interval: 200ms, addresses: [192.0.2.1/24]}\n", socket)
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := s.Start("a", "a", exec.Command(ripcord, "run", "--config", file))
	if err == nil {
		err = a.WaitSaid("inside is active")
	}
	if err != nil {
		t.Fatal(err)
	}
	base := forwarded(t, socket)
	p := open(t, base+"/", desktop)
	p.until(complete + ` && document.querySelector(".card .state").textContent === "active" && document.querySelector("#link-text").textContent === "live"`)
	p.shows("#headline", "inside is active.")
	pulled, err := s.Cable("a", "eth0").Pull()
	if err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector(".card .state").textContent === "fault"`)
	t.Logf("the pulled cable is seen after %v", time.Since(pulled))
	p.until(`document.querySelector('[data-link="eth0"]').innerText.includes("no carrier")`)
	p.until(`document.querySelector("#attention").innerText.includes("eth0 cannot be used: no carrier")`)
	p.until(`document.querySelector("#stories").innerText.includes("inside: begins here")`)
	if _, err := s.Cable("a", "eth0").Plug(); err != nil {
		t.Fatal(err)
	}
	p.until(`document.querySelector(".card .state").textContent === "active"`)
	p.until(`document.querySelector("#attention").innerText.includes("Nothing is at fault")`)
	p.until(`document.querySelectorAll(".lanes rect").length > 3`)
	if x := eval[float64](p, `Number(document.querySelector(".lanes rect").getAttribute("x"))`); x < 900 {
		t.Errorf("the lane begins at %.0f of 1000, before the daemon was started", x)
	}
	p.shot("real", true)
	if all := p.complaints(base); len(all) > 0 {
		t.Errorf("the page complains, or asks others: %q", all)
	}
}
