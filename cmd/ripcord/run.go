package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/spf13/cobra"

	"ripcord/pkg/advert/receive"
	"ripcord/pkg/config"
	"ripcord/pkg/confine"
	"ripcord/pkg/daemon"
	"ripcord/pkg/event"
	"ripcord/pkg/link/monitor"
)

// newRun returns the command that runs the daemon.
func newRun() *cobra.Command {
	var from configFile
	var level string
	var only bool
	var p privileges
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground, with its log on standard output",
		Long: "Run the daemon in the foreground, with its log on standard output. The exit status is 78\n" +
			"if the configuration cannot be used, and 1 if anything else fails. If the daemon cannot\n" +
			"start, it first removes everything that a crashed daemon left, as ripcord clean does.",
		Args:        none,
		Annotations: map[string]string{isDaemon: "yes"},
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := usableConfig(c.Context(), from, level)
			if only {
				if err == nil {
					fmt.Fprintln(c.OutOrStdout(), summary(cfg))
				}
				return err
			}
			if err == nil {
				warnOfConfig(c.ErrOrStderr(), cfg, from)
				err = runDaemon(c, cfg, rereadConfig(from, level), from, p)
			}
			return cleanAfter(c, err)
		},
	}
	from.flags(c, "the configuration file")
	c.Flags().StringVar(&level, "log-level", "", "debug, info, warn or error; overrides log.level of the file")
	p.flags(c)
	c.Flags().BoolVar(&only, "check", false, "check the configuration and exit")
	return c
}

// usableConfig reads a configuration with which the daemon can run on this machine. level, unless
// empty, replaces the level of the file.
func usableConfig(ctx context.Context, from configFile, level string) (*config.Config, error) {
	cfg, err := from.load(ctx, config.ThisMachine())
	if err == nil {
		err = daemon.Accounts(cfg)
	}
	if err != nil {
		return nil, configError{err}
	}
	if level != "" {
		cfg.Log.Level, err = levelOf(level)
	}
	return cfg, err
}

// warnOfConfig prints the warnings about a configuration that can be used.
func warnOfConfig(w io.Writer, cfg *config.Config, from configFile) {
	if cfg.Format == config.Keepalived { // keepalived logs what it ignores
		warn(w, cfg.Warnings, cfg.Format)
	}
	if err := daemon.CheckOwner(from.path); err != nil { // a runner for another account refuses such a file
		fmt.Fprintln(w, "warning: on this machine "+err.Error())
	}
}

// cleanAfter removes what an earlier daemon left if this one ended with an error, probably before
// it could do so itself. Nothing else would remove it while the error lasts, and the dead router
// would answer for its addresses beside the new Active. If the address worker of this daemon hangs,
// it holds the lock until the process ends, and the error of the daemon says what is left. cleanAfter
// returns the error of the command.
func cleanAfter(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, daemon.ErrLogUnread) {
		complain(c.ErrOrStderr(), err) // the daemon has stopped in order
		return nil
	}
	if !errors.Is(err, daemon.ErrRunning) && privileged() {
		done, failed := clean()
		for _, what := range done.Removed {
			complain(c.ErrOrStderr(), fmt.Errorf("removed %s, which an earlier daemon had left", what))
		}
		for _, what := range done.Restored {
			complain(c.ErrOrStderr(), fmt.Errorf("restored %s, which an earlier daemon had changed", what))
		}
		if failed != nil && !errors.Is(failed, daemon.ErrRunning) {
			complain(c.ErrOrStderr(), failed)
		}
	}
	if _, interrupted := errors.AsType[errInterrupted](err); interrupted {
		return nil // interrupted before the daemon had started anything
	}
	pauseBeforeRestart(c.Context())
	return err
}

// failurePause is how long a daemon waits before it ends with an error if a service manager
// restarts it at once: repeated failures would otherwise use a whole processor.
const failurePause = time.Second

func pauseBeforeRestart(ctx context.Context) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(failurePause):
	}
}

func runDaemon(c *cobra.Command, cfg *config.Config, again func(context.Context) (*config.Config, error), from configFile, p privileges) error {
	if !privileged() {
		return fmt.Errorf("run needs the right to use raw sockets and to change addresses: start it as root, or with CAP_NET_ADMIN and CAP_NET_RAW")
	}
	filtering := openFiltering(cfg)
	keeper, err := p.separate(from)
	if err != nil {
		return err
	}
	schedule()
	memory := keepMemory()
	if err := p.prepare(cfg.Control.Socket); err != nil {
		return err
	}
	filter := <-filtering // opening the filter needs rights that may be dropped now
	hints := wantsHints(cfg)
	rights, err := p.giveUp(hints)
	if err != nil {
		return err
	}
	var requests <-chan os.Signal
	if s := signalsOf(c.Context()); s != nil {
		requests = s.requests
	}
	listener, err := givenListener()
	if err != nil {
		return err
	}
	options := daemon.Options{
		Config: cfg, Load: again, Version: versionString(), Output: underlying(c.OutOrStdout()), Memory: &memory,
		Runner: keeper.Dial, KeeperEnded: keeper.Ended, RaiseByRunner: p.socket != "", Rights: rights, Filtering: filter,
		Listener: listener, Signals: requests,
	}
	if hints {
		options.Hints = openHints
	}
	return daemon.Run(c.Context(), options)
}

// openFiltering prepares the kernel's filter for adverts that repeat the last one. That takes some
// milliseconds, in which the daemon starts its runner.
func openFiltering(cfg *config.Config) <-chan receive.Filtering {
	opened := make(chan receive.Filtering, 1)
	go func() { opened <- daemon.OpenFiltering(cfg) }()
	return opened
}

// wantsHints reports whether any link is configured to use the kernel's hints.
func wantsHints(cfg *config.Config) bool {
	wanted := cfg.DefaultLink.Hint
	for _, l := range cfg.Links {
		wanted = wanted || l.Hint
	}
	return wanted
}

// openHints attaches the programs that report changes of the kernel's carrier flags, and drops the
// capabilities for that.
func openHints() (monitor.Hints, error) {
	hints := monitor.OpenHints()
	if err := confine.Drop(hintCapabilities...); err != nil {
		return hints, fmt.Errorf("giving up CAP_BPF and CAP_PERFMON: %w", err)
	}
	return hints, nil
}

// processors is the least number of goroutines that may run at once. The threads that keep time and
// receive adverts return from the kernel at any moment and then wait for one of Go's processors.
// With two, one of them is often busy with the log just when a cable is pulled (median reaction 0.6
// ms and more; with eight 0.4 ms).
const processors = 8

func schedule() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(processors, runtime.NumCPU()))
	}
}

// rereadConfig returns a function that reads the configuration of a running daemon again.
func rereadConfig(from configFile, level string) func(context.Context) (*config.Config, error) {
	from.flag = "" // a reload cannot change a flag of the running daemon
	return func(ctx context.Context) (*config.Config, error) {
		cfg, err := from.load(ctx, config.ThisMachine())
		if err == nil && level != "" {
			cfg.Log.Level, err = levelOf(level)
		}
		return cfg, err
	}
}

// givenListener returns the control socket that the service manager opened (LISTEN_FDS), or nil if
// it opened none.
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
