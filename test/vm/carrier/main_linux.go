// Command carrier runs in a guest of test/vm beside the daemon, and prints when the kernel changes
// its carrier flag of an interface: the event "carrier", in lines like those of the log, and
// "carrier.ready" when it starts.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"ripcord/pkg/hint"
)

// printAfter is how long a line waits: an emulated serial line takes milliseconds, which should be
// left to the daemon.
const printAfter = 100 * time.Millisecond

func main() {
	fmt.Fprintln(os.Stderr, "carrier:", watch())
	os.Exit(1)
}

// watch prints changes until it fails.
func watch() error {
	source, err := hint.Open()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]any{"event": "carrier.ready"}); err != nil {
		return err
	}
	for {
		record, err := source.Next()
		if err != nil {
			return err
		}
		at, err := net.InterfaceByIndex(record.Index)
		if err != nil || record.Kind != hint.Changed {
			continue
		}
		time.Sleep(printAfter)
		if err := out.Encode(map[string]any{"event": "carrier", "ts": record.At.UTC(), "interface": at.Name}); err != nil {
			return err
		}
	}
}
