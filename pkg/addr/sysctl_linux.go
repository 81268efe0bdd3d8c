package addr

import (
	"bytes"
	"fmt"
	"os"
)

// sysctls is where the settings of IPv4 links are, for the caller's namespace.
const sysctls = "/proc/sys/net/ipv4/conf/"

// PromoteSecondaries sets promote_secondaries of the link. Without it the
// kernel, when it removes the first address of a subnet, removes the others too,
// whoever added them.
func (k *netlinkKernel) PromoteSecondaries(link string) error {
	path := sysctls + link + "/promote_secondaries"
	for _, p := range []string{sysctls + "all/promote_secondaries", path} {
		if now, err := os.ReadFile(p); err == nil && bytes.Equal(bytes.TrimSpace(now), []byte("1")) {
			return nil // it need not be writable, as in some containers
		}
	}
	if err := os.WriteFile(path, []byte("1"), 0); err != nil {
		return fmt.Errorf("setting net.ipv4.conf.%s.promote_secondaries=1: %w: set it yourself if /proc/sys is read-only here", link, err)
	}
	return nil
}
