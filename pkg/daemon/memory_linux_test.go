package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
)

// heapEach is the greatest number of bytes that one more instance may keep alive in an Active
// daemon: 10,180 to 10,670 were measured, of which tracking, releases, reloads and the knowledge
// about other routers take some 650, the record of its adverts 100, and the log lines about its
// start, which are kept while they are among the newest, 1,300.
const heapEach = 10900

// TestInstanceMemory requires that the memory of an instance does not grow unnoticed.
func TestInstanceMemory(t *testing.T) {
	cables(t)
	const many = 500
	each := heapEach + 1
	for range 4 { // on a busy machine queues grow, and keep their room
		one, all := heapOf(t, 1), heapOf(t, many)
		each = (all - one) / (many - 1)
		t.Logf("%d bytes with one instance, %d with %d: %d each", one, all, many, each)
		if each <= heapEach {
			return
		}
	}
	t.Errorf("an instance keeps %d bytes alive, want at most %d: find what holds them", each, heapEach)
}

// heapOf returns the number of live bytes of a daemon that is Active for that many instances.
func heapOf(t *testing.T, instances int) int {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	var b strings.Builder
	fmt.Fprintf(&b, "control: {socket: %s}\ndefaults: {interval: 100ms}\ninstances:\n", socket)
	for i := range instances {
		fmt.Fprintf(&b, "  - {name: v%d, interface: eth%d, vrid: %d, addresses: [10.0.%d.%d/32]}\n", i, i%2, i/2+1, i%2, i/2+1)
	}
	c, err := config.Parse("test.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	added := make(adding, instances)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- daemon.Run(ctx, daemon.Options{Config: c, Version: "test", Output: added, Dir: t.TempDir()})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	limit := time.After(30 * time.Second)
	for range instances {
		select {
		case <-added:
		case <-limit:
			t.Fatalf("not Active for all of %d instances within 30 s", instances)
		}
	}
	runtime.GC()
	runtime.GC() // the first collection leaves what is in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// adding is a log that counts address.added, and keeps nothing.
type adding chan struct{}

func (a adding) Write(b []byte) (int, error) {
	for range bytes.Count(b, []byte(`"event":"address.added"`)) {
		a <- struct{}{}
	}
	return len(b), nil
}
