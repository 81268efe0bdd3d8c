package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
	"ripcord/pkg/runner"
)

// TestMain lets this program be the keeper and the runner that a test starts, as ripcord is its
// own.
func TestMain(m *testing.M) {
	if os.Args[0] == "ripcord" {
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestFIFOBelongsToDaemon requires that the FIFO belongs to the user that ripcord run becomes, who
// writes it, and not to the user of the runner, its child.
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
	from := configFile{path: path}
	cfg, err := from.load(t.Context(), config.ThisMachine())
	if err != nil {
		t.Fatal(err)
	}
	table, err := daemon.Programs(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]uint32{"65534": 65534, "": 0} {
		_ = os.Remove(fifo)
		keeper, err := (&privileges{user: user}).separate(from)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		client := runner.NewClient(runner.ClientConfig{Dial: keeper.Dial, Revision: table.Revision(), Report: func(runner.Report) {}})
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

// TestDescriptorsStay requires that the runner inherits no descriptor of the process that started
// ripcord run.
// The runner has no descriptor of whoever started ripcord run.
func TestDescriptorsStay(t *testing.T) {
	const odd = 53
	path := filepath.Join(t.TempDir(), "ripcord.yaml")
	if err := os.WriteFile(path, []byte("instances: [{name: a, interface: eth7, vrid: 1, addresses: [192.0.2.1/24]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inherited, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	if err := syscall.Dup3(int(inherited.Fd()), odd, 0); err != nil { // without FD_CLOEXEC, like a descriptor inherited from a parent
		t.Fatal(err)
	}
	defer syscall.Close(odd)
	keeper, err := (&privileges{}).separate(configFile{path: path})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan runner.Report, 16)
	client := runner.NewClient(runner.ClientConfig{Dial: keeper.Dial, Report: func(r runner.Report) { ready <- r }})
	go func() { _ = client.Keep(t.Context()) }()
	r := <-ready
	if !r.Ready {
		t.Fatalf("%+v", r)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/fd/0", r.PID)); err != nil {
		t.Errorf("the open descriptors of the runner cannot be listed: %v", err)
	}
	if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", r.PID, odd)); err == nil {
		t.Error("the runner has inherited a descriptor of the process that started ripcord run")
	}
}

// TestConfigurationOfOthers requires that check warns of a configuration that others can change in
// the same words in which a runner for another account refuses it.
func TestConfigurationOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: a runner for another account cannot be started")
	}
	path := filepath.Join(t.TempDir(), "ripcord.yaml")
	if err := os.WriteFile(path, []byte("instances: [{name: a, interface: eth7, vrid: 1, addresses: [192.0.2.1/24]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := try(t, "check", path); code != exitDone || strings.Contains(stderr, "any user") {
		t.Errorf("before: %d, %s", code, stderr)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	want := "the configuration says what is run as any user: " + path + " is writable by everybody (mode 0666), who could change what user root runs: chmod o-w it\n"
	if code, _, stderr := try(t, "check", path); code != exitDone || !strings.Contains(stderr, "warning: on this machine "+want) {
		t.Errorf("check: %d, %s", code, stderr)
	}
	if code, _, stderr := try(t, "runner", "--user", "65534", "--config", path); code != exitConfig || stderr != "ripcord: "+want {
		t.Errorf("runner: %d, %s", code, stderr)
	}
}
