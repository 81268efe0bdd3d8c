package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/command"
)

// Program is a program of the configuration.
type Program struct {
	ID command.ID
	command.Command
}

// Table holds the programs of a configuration by their names.
type Table struct {
	// MakeFIFO makes the FIFO of the configuration for the user with that number, who writes it;
	// nil if there is none.
	MakeFIFO func(writer int) error

	programs  map[command.ID]command.Command
	processes bool
	revision  string
}

// NewTable returns the table of some programs. processes reports whether the configuration has checks
// of processes: otherwise the runner shows no processes to the daemon.
func NewTable(programs []Program, processes bool) *Table {
	t := &Table{programs: make(map[command.ID]command.Command, len(programs)), processes: processes}
	lines := make([]string, 0, len(programs)+1)
	if processes {
		lines = append(lines, "processes")
	}
	for _, p := range programs {
		t.programs[p.ID] = p.Command
		lines = append(lines, p.describe())
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	t.revision = hex.EncodeToString(sum[:8])
	return t
}

// describe returns a line that differs if programs differ.
func (p *Program) describe() string {
	user := command.User{}
	if p.User != nil {
		user = *p.User
	}
	return fmt.Sprintf("%q %q %q %d %d %d %d %d %t", p.ID, p.Argv, user.Name, user.UID, user.GID, user.Groups, p.Timeout, p.Grace, p.KillGroup)
}

// Revision returns a digest of the table: it differs if the programs do, or if only one table has
// checks of processes.
func (t *Table) Revision() string { return t.revision }

// Len returns how many programs there are.
func (t *Table) Len() int { return len(t.programs) }

// program returns a program of that name.
func (t *Table) program(id command.ID) (c command.Command, known bool) {
	c, known = t.programs[id]
	return c, known
}

// command returns the command for a request.
func (t *Table) command(id command.ID, env []string) (command.Command, bool, error) {
	c, known := t.programs[id]
	if !known {
		return c, false, nil
	}
	values, err := readValues(id, env)
	if err != nil {
		return c, true, err
	}
	c.Env = env
	if id.When == command.WhenAny { // keepalived's four arguments
		kind := "INSTANCE"
		if id.Kind == command.ForGroup {
			kind = "GROUP"
		}
		c.Argv = append(slices.Clone(c.Argv), kind, id.Name, values["STATE"], values["PRIORITY"])
	}
	return c, true, nil
}

// goneFor is how long a program that a reload removed can still run: instances that the reload
// stops have a command for that, which may wait for others, also during later reloads.
const goneFor = 10 * time.Minute

// removed contains the programs that reloads have removed. It is a value and has no clock.
type removed struct {
	*Table // nil: none
	since  map[command.ID]time.Time
}

// after returns the removed programs after a reload at now that replaced the table was (nil: none)
// with next.
func (g removed) after(was, next *Table, now time.Time) removed {
	out := removed{&Table{programs: make(map[command.ID]command.Command)}, make(map[command.ID]time.Time)}
	add := func(t *Table, since func(command.ID) time.Time) {
		if t == nil {
			return
		}
		for id, c := range t.programs {
			if _, stays := next.programs[id]; !stays && now.Sub(since(id)) < goneFor {
				out.programs[id], out.since[id] = c, since(id)
			}
		}
	}
	add(g.Table, func(id command.ID) time.Time { return g.since[id] })
	add(was, func(command.ID) time.Time { return now })
	return out
}

// prefix begins the name of each variable.
const prefix = "RIPCORD_"

// variables maps the variables that a request may set to checks of their values.
var variables = map[string]func(string) bool{
	"NAME":      func(s string) bool { return true }, // compared with the name of the program
	"STATE":     oneOf("MASTER", "BACKUP", "FAULT", "STOP"),
	"PREVIOUS":  oneOf("MASTER", "BACKUP", "FAULT", "STOP", "INIT"),
	"REASON":    word,
	"PRIORITY":  number,
	"INTERFACE": link,
	"VRID":      func(s string) bool { return s == "" || number(s) },
	"TRACE":     word,
	"ACTIVE":    func(s string) bool { _, err := netip.ParseAddr(s); return err == nil },
}

// readValues checks the variables of a request, and returns their values.
func readValues(id command.ID, env []string) (map[string]string, error) {
	values := make(map[string]string, len(env))
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		short, own := strings.CutPrefix(name, prefix)
		allowed := variables[short]
		_, twice := values[short]
		switch {
		case !own || allowed == nil:
			return nil, fmt.Errorf("%.40q is not a variable that a request may set", name)
		case twice:
			return nil, fmt.Errorf("%s is set twice", name)
		case !allowed(value) || short == "NAME" && value != id.Name:
			return nil, fmt.Errorf("%s cannot be %.40q", name, value)
		}
		values[short] = value
	}
	if id.When == command.WhenAny && (values["STATE"] == "" || values["PRIORITY"] == "") {
		return nil, fmt.Errorf("%sSTATE or %[1]sPRIORITY is missing", prefix)
	}
	return values, nil
}

func oneOf(words ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

// word reports whether a text is a word of the log, or empty.
func word(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func number(s string) bool {
	n, err := strconv.ParseUint(s, 10, 8)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// link reports whether a text may be the name of an interface in the kernel, or is empty.
func link(s string) bool {
	plain := func(r rune) bool { return r > ' ' && r != 0x7f && r != '/' }
	return len(s) < 128 && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0
}
