package rundir

import (
	"fmt"
	"os"
	"strings"
)

// bootID is the file with the id of the boot.
const bootID = "/proc/sys/kernel/random/boot_id"

// Boot returns the id of this boot. A file that has another one is from an earlier boot.
func Boot() (string, error) {
	text, err := os.ReadFile(bootID)
	if err != nil {
		return "", fmt.Errorf("read the id of this boot: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
