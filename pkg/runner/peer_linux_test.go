package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command/commandtest"
)

// foreign is an environment variable that makes this test binary connect to a runner.
const foreign = "RIPCORD_RUNNER_FOREIGN"

func TestMain(m *testing.M) {
	path := os.Getenv(foreign)
	if path == "" {
		os.Exit(m.Run())
	}
	conn, err := Dial(path)(context.Background())
	if err != nil {
		fmt.Println("no connection:", err)
		os.Exit(0)
	}
	buffer := make([]byte, maxAnswer)
	if n, err := conn.Read(buffer); err == nil && n > 0 {
		fmt.Printf("served: %s\n", buffer[:n])
	} else {
		fmt.Println("refused")
	}
	os.Exit(0)
}

// TestForeignUser requires that a user who is neither root nor the daemon's is refused, even if he
// can open the socket, and is named; the daemon's user is served.
func TestForeignUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	const daemon, stranger = 64901, 64902
	dir, err := os.MkdirTemp("", "runner") // other users may enter it
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "runner.sock")
	listener, err := Listen(path, daemon)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, shell("web", "exit 0", time.Minute))
	commandtest.Running(t, func(ctx context.Context) error { return r.server.ServeAll(ctx, listener, daemon) })
	connect := func(user uint32) string {
		t.Helper()
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), foreign+"="+path)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if said := connect(stranger); !strings.Contains(said, "no connection: ") || !strings.Contains(said, "permission denied") {
		t.Errorf("a stranger can open the socket: %s", said)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if said := connect(stranger); said != "refused\n" {
		t.Errorf("to a stranger: %s", said)
	}
	select {
	case line := <-r.lines:
		if want := fmt.Sprintf("of user %d: only user %d", stranger, daemon); !strings.Contains(line, want) {
			t.Errorf("said %q, want %q", line, want)
		}
	case <-time.After(commandtest.MaxWait):
		t.Error("the refusal of a stranger is not reported")
	}
	for _, user := range []uint32{daemon, 0} {
		if said := connect(user); !strings.Contains(said, "served: ") || !strings.Contains(said, `"hello"`) {
			t.Errorf("to user %d: %s", user, said)
		}
	}
}
