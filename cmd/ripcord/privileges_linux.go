package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"ripcord/pkg/command"
	"ripcord/pkg/confine"
	"ripcord/pkg/daemon"
	"ripcord/pkg/event"
	"ripcord/pkg/runner"
)

// privileges says how the daemon separates the parts that need rights from itself.
type privileges struct {
	socket string // of a runner that was started separately
	user   string // the account that the daemon changes to
}

// daemonAccount is the account of the daemon in the systemd unit and the packages. Scripts have
// another account (script_user): with the same one they could trace the daemon and signal it.
const daemonAccount = "ripcord-daemon"

func (p *privileges) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.socket, "runner", "", "the socket of a separate ripcord runner, for example "+runner.DefaultSocket+";\nwithout it the daemon starts one")
	c.Flags().StringVar(&p.user, "user", "", "the user that the daemon changes to after it has started its runner, for example "+daemonAccount)
}

// separate returns a Keeper that starts the daemon's runners, or one that connects to a runner that
// already listens.
func (p *privileges) separate(from configFile) (*runner.Keeper, error) {
	if p.socket != "" {
		return &runner.Keeper{Dial: runner.Dial(p.socket)}, nil
	}
	path, err := from.absolute()
	if err != nil {
		return nil, err
	}
	keeper, err := runner.StartKeeper(append([]string{"ripcord", "runner", "--keep", "--user", p.user}, path.args()...))
	if err != nil {
		return nil, fmt.Errorf("cannot start ripcord runner: %w", err)
	}
	return keeper, nil
}

// neededCapabilities are the capabilities that the daemon keeps: see docs/security.md.
var neededCapabilities = []struct {
	number int
	name   string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {unix.CAP_NET_RAW, "CAP_NET_RAW"}, {unix.CAP_SYS_NICE, "CAP_SYS_NICE"}, {unix.CAP_IPC_LOCK, "CAP_IPC_LOCK"},
}

// hintCapabilities are the capabilities that the daemon keeps until it has attached the programs
// for the kernel's hints.
var hintCapabilities = []int{unix.CAP_BPF, unix.CAP_PERFMON}

// privileged reports whether this process may do what the daemon does.
func privileged() bool {
	return os.Geteuid() == 0 || confine.Has(unix.CAP_NET_ADMIN, unix.CAP_NET_RAW)
}

// giveUp drops the rights that this process does not need; afterwards it can start no program. A
// process that cannot be confined logs that and runs; one that cannot change to the named user does
// not run. With hints, the capabilities for them are dropped later.
func (p *privileges) giveUp(hints bool) (*event.DaemonRights, error) {
	var become *confine.User
	var keep []int
	rights := &event.DaemonRights{Stamp: event.Stamp{At: time.Now()}, User: strconv.Itoa(os.Geteuid())}
	for _, n := range neededCapabilities {
		if p.needs(n.number) {
			keep = append(keep, n.number)
		}
	}
	if p.user != "" {
		u, err := p.account()
		if err != nil {
			return nil, err
		}
		become = &confine.User{UID: int(u.UID), GID: int(u.GID)}
		for _, g := range u.Groups {
			become.Groups = append(become.Groups, int(g))
		}
		rights.User = strconv.Itoa(become.UID)
	}
	var briefly []int
	if hints {
		briefly = hintCapabilities
	}
	left, err := confine.Apply(confine.Rights{Capabilities: keep, Briefly: briefly, User: become})
	for _, n := range neededCapabilities {
		if slices.Contains(left, n.number) {
			rights.Capabilities = append(rights.Capabilities, n.name)
		}
	}
	if err != nil {
		if become != nil && os.Geteuid() != become.UID {
			return nil, fmt.Errorf("cannot become user %s: %w", p.user, err)
		}
		rights.Err = err.Error()
	}
	return rights, nil
}

// needs reports whether the daemon itself needs a capability.
func (p *privileges) needs(capability int) bool {
	switch capability {
	case unix.CAP_SYS_NICE:
		return p.socket == "" // otherwise the runner has it
	case unix.CAP_IPC_LOCK:
		return memoryLimited()
	}
	return true
}

// account returns the account that the daemon changes to.
func (p *privileges) account() (*command.User, error) {
	u, err := command.LookupUser(p.user, "")
	if err != nil {
		return nil, configError{fmt.Errorf("--user: %w", err)}
	}
	return u, nil
}

// prepare makes daemon.RunDir and gives it to the user that the daemon changes to, because that
// user can do neither. A failure is an error only if the control socket belongs there.
func (p *privileges) prepare(socket string) error {
	if p.user == "" || os.Geteuid() != 0 {
		return nil
	}
	u, err := p.account()
	if err != nil {
		return err
	}
	if err := giveDirectory(daemon.RunDir, u); err != nil && filepath.Dir(socket) == daemon.RunDir {
		return fmt.Errorf("%w: make it, and give it to user %s (install -d -o %s %s), or have control.socket in another directory", err, u.Name, u.Name, daemon.RunDir)
	}
	return nil
}

// giveDirectory makes a directory if it is missing, and gives it to a user if root owns it.
func giveDirectory(path string, to *command.User) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("the directory %s cannot be made: %w", path, err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("the directory %s cannot be opened: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Uid != 0 {
		return err
	}
	if err := unix.Fchown(fd, int(to.UID), int(to.GID)); err != nil {
		return fmt.Errorf("the directory %s cannot be given away: %w", path, err)
	}
	return nil
}

// memoryLimited reports whether the kernel would refuse memory beyond a limit to a process that has
// locked its own and lacks CAP_IPC_LOCK. It lifts the limit if it may.
func memoryLimited() bool {
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited) == nil {
		return false
	}
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) != nil || limit.Cur != unix.RLIM_INFINITY
}
