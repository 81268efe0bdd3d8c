package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/daemon"
	"ripcord/pkg/runner"
)

// TestMain lets this program be the keeper and the runner that a test starts, as ripcord is
// its own.
func TestMain(m *testing.M) {
	if os.Args[0] == "ripcord" {
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// The FIFO belongs to the user that ripcord run becomes, who writes it, and not to the user of
// the runner, which is its child.
func TestFIFOBelongsToDaemon(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give a FIFO to another user")
	}
	dir := t.TempDir()
	fifo, path := filepath.Join(dir, "fifo"), filepath.Join(dir, "ripcord.yaml")
	text := fmt.Sprintf("fifo: %s\nscript_user: root\ninstances: [{name: a, interface: eth7, vrid: 1, addresses: [192.0.2.1/24]}]\n", fifo)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	from := source{path: path}
	cfg, err := from.load(t.Context(), machine())
	if err != nil {
		t.Fatal(err)
	}
	table, err := daemon.Programs(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]uint32{"65534": 65534, "": 0} {
		_ = os.Remove(fifo)
		dial, err := (&privileges{user: user}).separate(from)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		client := runner.NewClient(runner.ClientConfig{Dial: dial, Revision: table.Revision(), Report: func(runner.Report) {}})
		go func() { _ = client.Keep(ctx) }()
		if err := client.MakeFIFO(ctx); err != nil {
			t.Fatalf("--user %q: %v", user, err)
		}
		cancel()
		info, err := os.Stat(fifo)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("--user %q: the FIFO belongs to user %d, want %d", user, got, want)
		}
	}
}
