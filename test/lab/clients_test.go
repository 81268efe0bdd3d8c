package lab

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/test/netns"
)

// Clients that hold on to the control API and finish nothing: how many of each kind.
const (
	followers     = 1000 // that never read what they asked for
	idlers        = 2000 // that ask for nothing
	slowHeaders   = 200  // that send a byte of their header each second
	endlessBodies = 200  // that send a byte of their body each second
)

// crowding is the variable of the environment by which a process of these tests is the
// clients: the socket and the port, with a blank between.
const crowding = "RIPCORD_LAB_CROWD"

// beClients connects to the socket and the port by turns, as often as it is thrown out, until
// it is killed.
func beClients() int {
	socket, port, _ := strings.Cut(os.Getenv(crowding), " ")
	for kind, n := range map[string]int{"follow": followers, "idle": idlers, "header": slowHeaders, "body": endlessBodies} {
		for i := range n {
			network, address := "unix", socket
			if i%2 == 1 {
				network, address = "tcp", port
			}
			go func() {
				for {
					time.Sleep(rand.N(3 * time.Second))
					clutch(kind, network, address)
				}
			}()
		}
	}
	select {}
}

// clutch holds a connection for some seconds, or until its sending fails.
func clutch(kind, network, address string) {
	c, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	slowly := func(text string) {
		for i := range text {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	switch kind {
	case "follow":
		_, _ = io.WriteString(c, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: r\r\n\r\n")
	case "header":
		slowly("GET /v1/status HTTP/1.1\r\n")
		return
	case "body":
		_, _ = io.WriteString(c, "POST /v1/release HTTP/1.1\r\nHost: r\r\nContent-Length: 4000\r\n\r\n{")
		slowly("          ")
		return
	}
	time.Sleep(3*time.Second + rand.N(4*time.Second))
}

// TestLossAmongClients: from the pulled cable to the decision p99 is little more on a router
// to whose API 3,400 clients hold on, and whose notify command hangs, than on one without;
// it answers `status` meanwhile, and stays small.
func TestLossAmongClients(t *testing.T) {
	netns.NeedRoot(t)
	measuredAnew(t, func(t *testing.T, _ *machine) (wrong string) {
		var slowest time.Duration
		var size usage
		var stop func()
		wrong = lossesBesideAlone(t, 100, func(t *testing.T) (*site, *daemon) {
			s, b := startBackup(t, "listen: '127.0.0.1:9112', ", "notify: {any: [/bin/sleep, '3600']}\nscript_user: root\n")
			s.crowdAPI("b", "127.0.0.1:9112")
			time.Sleep(3 * time.Second)
			stop = askAlways(t, b, &slowest)
			return s, b
		}, func(t *testing.T, b *daemon) {
			stop()
			size = b.usage()
			if b.holdings().children == 0 {
				t.Error("no notify command hangs")
			}
			if !slices.ContainsFunc(b.status().Instances, func(i control.Instance) bool { return i.State == "backup" }) {
				t.Error("it is no Backup at the end")
			}
		})
		t.Logf("the slowest status took %v; the daemon has %d KiB and %d descriptors", slowest, size.kib, size.fds)
		switch {
		case wrong != "":
			return wrong
		case size.kib > 100<<10:
			return fmt.Sprintf("the daemon takes %d KiB, want at most 100 MiB", size.kib)
		case slowest > 2*time.Second:
			return fmt.Sprintf("a status took %v", slowest)
		}
		return ""
	})
}

// crowdAPI has the clients hold on to the API of a host, from that host, until the test ends.
func (s *site) crowdAPI(host, port string) {
	s.t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), crowding+"="+s.socket(host)+" "+port)
	if err := s.Host(host).Start(command); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { // before the LAN is closed
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}

// askAlways asks for the status again and again until stop, and keeps the longest time that
// it took.
func askAlways(t *testing.T, d *daemon, slowest *time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var over sync.WaitGroup
	over.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			begun := time.Now()
			if _, err := control.FetchBrief(context.WithoutCancel(ctx), d.socket); err != nil {
				t.Errorf("the status is not answered: %v", err)
				return
			}
			*slowest = max(*slowest, time.Since(begun))
		}
	})
	return func() { cancel(); over.Wait() }
}
