package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/config"
	ripcord "ripcord/pkg/daemon"
	loop "ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
)

// hangs, in the environment, makes this test binary a daemon whose loop can be
// hung: its value is the configuration file.
const hangs = "RIPCORD_LAB_HANG"

// hangingDaemon runs the daemon. SIGUSR2 blocks its loop for five seconds.
func hangingDaemon() int {
	cfg, err := config.Load(os.Getenv(hangs), config.Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var hang atomic.Bool
	usr2 := make(chan os.Signal, 1)
	signal.Notify(usr2, syscall.SIGUSR2)
	go func() {
		for range usr2 {
			hang.Store(true)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err = ripcord.Run(ctx, ripcord.Options{Config: cfg, Version: "hang", Output: os.Stdout, Addresses: func(a loop.Addresses) loop.Addresses {
		return routertest.Blocking{Addresses: a, Block: func() {
			if hang.CompareAndSwap(true, false) {
				time.Sleep(5 * time.Second)
			}
		}}
	}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// TestHungLoop checks that a hung loop in a living process does not keep the address: the engine
// resigns, and the addresses are removed with the lease (1 s at this interval). When the loop runs
// again, it is Backup.
func TestHungLoop(t *testing.T) {
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Dir, "hang.yaml")
	if err := os.WriteFile(path, []byte(router{150, interval, ""}.yaml(s, s.socket("a"))), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	command := exec.Command(self)
	command.Env = append(os.Environ(), hangs+"="+path)
	a := s.startCommand("a", command)
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, ""})
	b.becomes("backup", began, 5*time.Second)

	sniffer, watch := s.sniff(inside), s.watch(inside, 2*time.Millisecond)
	s.servedBy("a", inside, watch, began, 5*time.Second)
	hung := a.signal(syscall.SIGUSR2)
	s.servedBy("b", inside, watch, hung, patience)
	time.Sleep(time.Until(hung.Add(4 * time.Second))) // a is still hung

	gave := a.wait(hung, patience, "that it gave the address up", is("address.removed"))
	s.within("it hangs → its address is gone", hung.Round(0), gave.TS, 0, 4*time.Second)
	mac := s.Cable("a", inside.ifname).MAC()
	if last, ok := watch.Timeline().Last(mac); ok && last.At.After(gave.TS) {
		t.Errorf("a still had the address %v after it hung", last.At.Sub(hung))
	}
	limit := hung.Add(time.Second + slack)
	for _, adv := range sniffer.Adverts() {
		if adv.Host == "a" && adv.At.After(limit) {
			t.Errorf("a advertised priority %d %v after it hung", adv.Priority, adv.At.Sub(hung))
		}
	}
	a.wait(hung, 8*time.Second, "engine.lease", func(l line) bool { return l.Event == "engine.lease" })
	back := a.becomes("backup", hung, 8*time.Second)
	if back.Reason != "stalled" {
		t.Errorf("a went to Backup for %q, want stalled", back.Reason)
	}
}
