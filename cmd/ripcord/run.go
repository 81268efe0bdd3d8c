package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
	"ripcord/pkg/event"
)

// record is where our addresses are remembered where the kernel cannot mark
// them (before Linux 5.18).
const record = "/run/ripcord/addresses"

// newRun returns the command that is the daemon.
func newRun() *cobra.Command {
	var path, level string
	var only bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon, in the foreground; the log goes to standard output",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			if level != "" {
				if cfg.Log.Level, err = levelOf(level); err != nil {
					return err
				}
			}
			if only {
				fmt.Fprintln(c.OutOrStdout(), verdict(cfg))
				return nil
			}
			return runDaemon(c, cfg)
		},
	}
	c.Flags().StringVar(&path, "config", config.Path, "the configuration file")
	c.Flags().StringVar(&level, "log-level", "", "debug, info, warn or error, whatever the file says")
	c.Flags().BoolVar(&only, "check", false, "read the configuration, and do not run")
	return c
}

func runDaemon(c *cobra.Command, cfg *config.Config) error {
	if os.Geteuid() != 0 && !capable() {
		return fmt.Errorf("run needs the right to use raw sockets and to change addresses: start it as root, or with CAP_NET_ADMIN and CAP_NET_RAW")
	}
	schedule()
	memory := event.DaemonMemory{Stamp: event.Stamp{At: time.Now()}}
	if err := keepMemory(); err != nil {
		memory.Err = err.Error()
	}
	// A log whose reader has gone is lost lines, not the end of a router.
	signal.Ignore(syscall.SIGPIPE)
	requests := make(chan os.Signal, 4)
	signal.Notify(requests, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(requests)

	listener, err := givenListener()
	if err != nil {
		return err
	}
	return daemon.Run(c.Context(), daemon.Options{
		Config: cfg, Version: versionString(), Output: c.OutOrStdout(), Memory: &memory,
		Listener: listener, Signals: requests, Record: record,
	})
}

// processors is how many goroutines may run at once at the least. The threads
// that keep time and hear adverts come back from the kernel at any moment, and
// wait for one of Go's processors: with two, one of them is often busy with the
// log just when a cable is pulled (median reaction 0.6 ms and more; with eight
// 0.4 ms).
const processors = 8

func schedule() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(processors, runtime.NumCPU()))
	}
}

// givenListener is the control socket that the service manager opened
// (LISTEN_FDS); nil if it gave none.
func givenListener() (net.Listener, error) {
	given, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take the sockets of LISTEN_FDS: %w", err)
	}
	switch len(given) {
	case 0:
		return nil, nil
	case 1:
		return given[0], nil
	}
	return nil, fmt.Errorf("LISTEN_FDS names %d sockets: ripcord takes one, the control socket", len(given))
}

func levelOf(word string) (event.Level, error) {
	for l := event.Debug; l <= event.Error; l++ {
		if l.String() == word {
			return l, nil
		}
	}
	return 0, usage("--log-level %s: write debug, info, warn or error", word)
}
