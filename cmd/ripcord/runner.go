package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	ripcord "ripcord/pkg/daemon"
	"ripcord/pkg/runner"
)

// newRunner returns the command that runs the programs of the configuration for the daemon.
func newRunner() *cobra.Command {
	var from configFile
	var socket, user string
	var keep, child bool
	c := &cobra.Command{
		Use:   "runner",
		Short: "Run the commands of checks, notify and fences for the daemon, which may start none itself",
		Long: "Run the programs of the configuration: the commands of checks, notify, fence, startup,\n" +
			"shutdown and fifo_reader. The daemon (ripcord run) may not start programs itself. It\n" +
			"requests them by their names in the configuration, which both processes read. ripcord run\n" +
			"starts its own runner unless --runner gives the socket of another one. The systemd unit\n" +
			"ripcord-runner.service runs such a separate runner. Only root and the daemon's user can\n" +
			"open its socket.",
		Args:        none,
		Annotations: map[string]string{isDaemon: "yes"},
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case keep:
				return runner.Keep(append([]string{"ripcord", "runner", "--child", "--user", user}, from.args()...))
			case child:
				return serveDaemon(c, from, user)
			}
			return listen(c, from, socket, user)
		},
	}
	from.flags(c, "the configuration file")
	c.Flags().StringVar(&socket, "socket", runner.DefaultSocket, "the socket to listen on")
	c.Flags().StringVar(&user, "user", daemonAccount, "the user of ripcord run; only this user and root may connect")
	c.Flags().BoolVar(&keep, "keep", false, "start another runner whenever ripcord run requests it")
	c.Flags().BoolVar(&child, "child", false, "serve ripcord run over an inherited descriptor")
	_ = c.Flags().MarkHidden("keep") // both flags exist, and are for ripcord run alone
	_ = c.Flags().MarkHidden("child")
	return c
}

// newServer returns a server for the programs of a configuration.
func newServer(c *cobra.Command, from configFile) *runner.Server {
	return runner.NewServer(runner.ServerConfig{
		Load: func(ctx context.Context) (*runner.Table, error) {
			cfg, err := from.load(ctx, config.ThisMachine())
			if err != nil {
				return nil, err
			}
			defer debug.FreeOSMemory() // from now on it waits, and keeps only a few names
			return ripcord.Programs(cfg)
		},
		Report:   func(text string) { complain(c.ErrOrStderr(), fmt.Errorf("runner: %s", text)) },
		Programs: command.Local{},
	})
}

// serveDaemon serves the daemon that has started this process until the daemon ends. A signal does
// not end it: a service manager may send one to all processes of a unit, and the daemon still has
// to run its last commands. user is the account that the daemon changes to, by name or number; if
// it is empty, the daemon keeps its own.
func serveDaemon(c *cobra.Command, from configFile, user string) error {
	runner.ShowName()
	writer, err := writerOf(user)
	if err != nil {
		return err
	}
	conn, err := runner.Inherited(runner.ConnectionFD)
	if err != nil {
		return err
	}
	s := newServer(c, from)
	ctx := context.WithoutCancel(c.Context())
	_ = s.Load(ctx) // the hello to the daemon contains the error
	s.Serve(ctx, conn, runner.Peer{User: writer})
	return nil
}

// writerOf returns the number of the user as whom the daemon writes its FIFO. The connection does
// not show it, since it was made before the daemon became that user.
func writerOf(user string) (int, error) {
	if user == "" {
		return os.Geteuid(), nil
	}
	account, err := command.LookupUser(user, "")
	if err != nil {
		return 0, fmt.Errorf("--user: %w", err)
	}
	return int(account.UID), nil
}

// listen serves the daemons that connect to a socket until a signal comes.
func listen(c *cobra.Command, from configFile, socket, user string) error {
	account, err := command.LookupUser(user, "")
	if err != nil {
		return configError{fmt.Errorf("--user: %w", err)}
	}
	if err := checkTrusted(from.path, account); err != nil {
		return configError{err}
	}
	if err := command.CloseOnExec(); err != nil {
		return err
	}
	s := newServer(c, from)
	if err := s.Load(c.Context()); err != nil {
		complain(c.ErrOrStderr(), err) // the hello to the daemon contains it, too
	}
	listener, err := runner.Listen(socket, int(account.UID))
	if err != nil {
		return err
	}
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	go feedWatchdog(c.Context(), s)
	return s.ServeAll(c.Context(), listener, int(account.UID))
}

// feedWatchdog feeds the service manager's watchdog, if there is one, while the server makes
// progress.
func feedWatchdog(ctx context.Context, s *runner.Server) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		return
	}
	for ctx.Err() == nil {
		s.Ping()
		_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
		case <-time.After(limit / 4):
		}
	}
}

// checkTrusted returns an error if the daemon's account, or any other but root, could change the
// configuration, and with it what this process runs.
func checkTrusted(path string, account *command.User) error {
	if account.UID == uint32(os.Geteuid()) {
		return nil
	}
	return ripcord.CheckOwner(path)
}

// absolute returns the same file with an absolute path, for a process in another directory.
func (s configFile) absolute() (configFile, error) {
	var err error
	s.path, err = filepath.Abs(s.path)
	return s, err
}

// args returns the flags that name the file.
func (s configFile) args() []string {
	args := []string{"--config", s.path}
	if s.format != "" {
		args = append(args, "--format", s.format)
	}
	if s.id != "" {
		args = append(args, "--id", s.id)
	}
	if s.withoutLVS {
		args = append(args, "--without-lvs")
	}
	return args
}
