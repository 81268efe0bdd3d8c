// Package built builds the commands that tests run, as they are shipped: static,
// without symbols.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Ripcord is the import path of the daemon.
const Ripcord = "ripcord/cmd/ripcord"

// Command builds the command of an import path into a directory, and gives the
// path of the binary. The error has what the compiler said.
func Command(dir, command string) (binary string, err error) {
	binary = filepath.Join(dir, filepath.Base(command))
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, command)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return binary, nil
}
