package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ripcord/pkg/daemon"
	"ripcord/pkg/lan"
)

// demoStage is the LAN of the demo and the routers that run on it.
type demoStage struct {
	lan     *lan.LAN
	dir     string // configurations, sockets
	routers map[string]*demoRouter
	watches []watched
	scenes  []scene
	began   time.Time // of the act
}

type demoRouter struct {
	command *exec.Cmd
	log     *os.File
	read    int64 // offset in the log up to which it was read
}

// watched is an address for which the client sends an ARP request every askEvery.
type watched struct {
	segment string
	watch   *lan.Watch
	macs    map[string]lan.MAC // of the routers on the segment
}

// scene is the result of an act.
type scene struct {
	title  string
	server string
	// outage maps each segment to the time from the act until the router that serves afterwards
	// answered the client.
	outage map[string]time.Duration
	lines  []logLine
}

const (
	askEvery = 2 * time.Millisecond
	maxWait  = 10 * time.Second
	pause    = 1200 * time.Millisecond // between acts: longer than the kernel delays the report of a carrier loss
)

var demoLAN = []struct {
	segment, ifname, network string
}{{"inside", "eth0", "192.0.2"}, {"outside", "eth1", "198.51.100"}}

// newDemoStage makes the LAN. No router runs on it yet.
func newDemoStage() (*demoStage, error) {
	dir, err := os.MkdirTemp("", "ripcord-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the routers' files: %w", err)
	}
	s := &demoStage{dir: dir, routers: make(map[string]*demoRouter)}
	var ports []lan.Port
	for i, host := range []string{"left", "right", "client"} {
		for _, net := range demoLAN {
			ports = append(ports, lan.Port{Host: host, Name: net.ifname, Segment: net.segment, Options: lan.Options{
				Addresses: lan.Addresses(fmt.Sprintf("%s.%d/24", net.network, 11+i)),
			}})
		}
	}
	if s.lan, err = lan.Build(ports...); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close removes everything: processes, namespaces, files.
func (s *demoStage) close() error {
	var failed error
	if s.lan != nil {
		failed = s.lan.Close()
	}
	for _, r := range s.routers {
		_ = r.command.Wait() // killed with its namespace
		_ = r.log.Close()
	}
	if s.lan != nil {
		for _, inode := range s.lan.Namespaces() {
			failed = errors.Join(failed, daemon.ForgetNamespace(daemon.RunDir, inode))
		}
	}
	return errors.Join(failed, os.RemoveAll(s.dir))
}

// start runs this program on both routers.
func (s *demoStage) start() error {
	for name, priority := range map[string]int{"left": 150, "right": 100} {
		if err := s.run(name, priority); err != nil {
			return err
		}
	}
	for _, net := range demoLAN {
		prober, err := s.lan.Host("client").Prober(net.ifname)
		if err != nil {
			return err
		}
		watch, err := prober.Watch(netip.MustParseAddr(net.network+".1"), askEvery)
		if err != nil {
			return err
		}
		s.watches = append(s.watches, watched{net.segment, watch, map[string]lan.MAC{
			"left": s.lan.Cable("left", net.ifname).MAC(), "right": s.lan.Cable("right", net.ifname).MAC(),
		}})
	}
	s.began = time.Now()
	return nil
}

func (s *demoStage) run(name string, priority int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	config := filepath.Join(s.dir, name+".yaml")
	text := fmt.Sprintf(demoConfig, filepath.Join(s.dir, name+".sock"), priority)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, name+".log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	command := exec.Command(self, "run", "--config", config)
	command.Stdout, command.Stderr = log, log
	s.routers[name] = &demoRouter{command: command, log: log}
	return s.lan.Host(name).Start(command)
}

const demoConfig = `control: {socket: %s}
defaults: {priority: %d, routers: 2}
instances:
  - {name: inside, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}
  - {name: outside, interface: eth1, vrid: 52, addresses: [198.51.100.1/24]}
groups:
  - {name: edge, members: [inside, outside]}
`

// cable records when a cable was pulled or plugged in.
func (s *demoStage) cable(at time.Time, err error) error {
	s.began = at
	return err
}

// kill ends left without a resignation, as a power failure does.
func (s *demoStage) kill() error {
	s.began = time.Now()
	return s.routers["left"].command.Process.Kill()
}

// play performs an act, waits until the expected router serves both segments, and returns what
// happened.
func (s *demoStage) play(ctx context.Context, a act) (scene, error) {
	if err := a.do(s); err != nil {
		return scene{}, err
	}
	sc := scene{title: a.title, server: a.server, outage: make(map[string]time.Duration)}
	for _, w := range s.watches {
		answer, err := w.watch.WaitAnswer(maxWait, func(x lan.Answer) bool {
			return x.MAC == w.macs[a.server] && x.At.After(s.began)
		})
		if err != nil {
			return sc, fmt.Errorf("%s does not serve %s: %w\n%s", a.server, w.segment, err, s.tails())
		}
		sc.outage[w.segment] = answer.At.Sub(s.began)
	}
	select {
	case <-ctx.Done():
		return sc, errors.New("interrupted")
	case <-time.After(pause):
	}
	for name, r := range s.routers {
		lines, err := r.since(name, s.began)
		if err != nil {
			return sc, err
		}
		sc.lines = append(sc.lines, lines...)
	}
	return sc, nil
}

// tails returns the end of each router's log, for an error.
func (s *demoStage) tails() string {
	text := ""
	for name, r := range s.routers {
		_, _ = r.log.Seek(-min(2000, r.size()), io.SeekEnd)
		end, _ := io.ReadAll(r.log)
		text += fmt.Sprintf("log of %s: %s\n", name, end)
	}
	return text
}

func (r *demoRouter) size() int64 {
	info, err := r.log.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
