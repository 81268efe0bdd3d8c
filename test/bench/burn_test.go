package bench

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// burns makes the test's own binary burn a core until it is killed.
const burns = "RIPCORD_BENCH_BURNS"

func burn() {
	for n := 0; n >= 0; n++ {
		if n > 1<<30 {
			n = 0
		}
	}
}

// burnAll has a process for each core burn, until the test ends.
func burnAll(t *testing.T) {
	t.Helper()
	// The signal comes when the starting thread ends.
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	for range runtime.NumCPU() {
		command := exec.Command("/proc/self/exe")
		command.Env = append(os.Environ(), burns+"=1")
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = command.Process.Kill()
			_ = command.Wait()
		})
	}
}
