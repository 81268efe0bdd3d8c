package keepalived

import (
	"cmp"
	"slices"
	"time"

	"ripcord/pkg/keepalived/syntax"
)

// globals holds global_defs and other settings for all instances.
type globals struct {
	version, strict, version2 number
	delay, refresh            length
	repeat, misses            number
	garpInterval, gnaInterval length
	garpGroups                map[string]*garpGroup // by interface
	startupDelay              length
	lowerUnanswered           number // vrrp_lower_prio_no_advert
	sourcesChecked            number // vrrp_check_unicast_src
	dynamic                   number // dynamic_interfaces
	ownerDeaf                 number // vrrp_owner_ignore_adverts
	defaultInterface          syntax.Word
	fifo, vrrpFIFO            fifo
	reader, vrrpReader        command
	startup, shutdown         program
	user, group               syntax.Word
	multicast                 map[int]multicastGroup // by family
	vmacPrefix                syntax.Word
}

// spacing returns the time between the announcements of an instance.
func (g *globals) spacing(i *instance) length {
	garp, gna := g.garpInterval, g.gnaInterval
	if own := g.garpGroups[i.iface.Text]; own != nil {
		garp, gna = own.garp, own.gna
	}
	if i.family == 6 {
		return gna
	}
	return garp
}

// A fifo is notify_fifo, with its owner.
type fifo struct {
	path, user syntax.Word
	group      string
}

// A program is startup_script or shutdown_script.
type program struct {
	command command
	timeout length
}

// tree adds the top-level keys of the file.
func (g *globals) tree(r *syntax.Report, root builder, commands *commandReader) {
	g.accounts(root, commands)
	g.fifoTree(r, root, commands.user)
	g.startup.add(root, "startup")
	g.shutdown.add(root, "shutdown")
}

// ScriptUser is the user that commands run as if it exists and the file names no other.
const ScriptUser = "keepalived_script"

// accounts adds the account that commands run as.
func (g *globals) accounts(root builder, commands *commandReader) {
	user := g.user
	switch {
	case user.Text != "":
	case commands.secured != nil && commands.elsewhere, commands.system.User(ScriptUser, ""):
		user = syntax.Word{Text: ScriptUser, Position: root.Position}
	default:
		user = syntax.Word{Text: "root", Position: root.Position}
	}
	root.text("script_user", user.Position, user.Text)
	if group := g.group; group.Text != "" {
		root.text("script_group", group.Position, group.Text)
	}
}

// fifoTree adds the FIFO and its reader. The FIFO's user is the one named for the reader, or
// standard.
func (g *globals) fifoTree(r *syntax.Report, root builder, standard string) {
	first, second, reader := g.fifo, g.vrrpFIFO, g.reader
	if first.path.Text == "" {
		first, second, reader = second, fifo{}, g.vrrpReader
	}
	path, user := first.path, first.user
	if path.Text == "" {
		return
	}
	root.text("fifo", path.Position, path.Text)
	r.Differ(path.Position, "", "only the FIFO's group may read it (mode 0640, not 0644), and ripcord writes no line for an advert of lower priority (MASTER_RX_LOWER_PRI)")
	if reader.said {
		root.set("fifo_reader", reader.at, reader.ownTree(""))
	}
	switch {
	case user.Text == "":
	case reader.said && !slices.Contains([]string{"root", user.Text}, cmp.Or(reader.user, standard)):
		r.Differ(user.Position, "name the same user for both", "the FIFO belongs to the group of the user that runs its reader, and not to that of %s", syntax.Show(user.Text))
	default:
		root.text("fifo_user", user.Position, user.Text)
		if first.group != "" {
			root.text("fifo_group", user.Position, first.group)
		}
	}
	if other := second.path; other.Text != "" && other.Text != path.Text {
		r.NotDone(other.Position, "", "ripcord writes to one FIFO only: it writes nothing to %s", syntax.Show(other.Text))
	}
}

// add adds the command that runs once.
func (p program) add(root builder, key string) {
	c := p.command
	if !c.said {
		return
	}
	m := newMap(c.at, "")
	m.set("command", c.at, c.tree())
	m.duration("timeout", whole(p.timeout, time.Millisecond))
	account(m, c.at, c.user, c.group)
	root.nested(key, m)
}

// noteAnswers notes the adverts that ripcord answers, or yields to, and keepalived ignores. In
// strict mode keepalived ignores both kinds.
func (g *globals) noteAnswers(r *syntax.Report, instances []*instance) {
	note := func(all number, keyword, how string, field func(*instance) number, applies func(*instance) bool) {
		var inherited, strict bool
		for _, i := range instances {
			own := field(i)
			switch {
			case !applies(i):
			case i.strict.value == 1 && !strict:
				strict = true
				r.Subject = i.title()
				r.Differ(i.strict.at, "", "vrrp_strict includes %s: %s", keyword, how)
			case i.strict.value == 1:
			case own.value == 1:
				r.Subject = i.title()
				r.Differ(own.at, "", "%s: %s", keyword, how)
			case !own.said:
				inherited = true
			}
		}
		if r.Subject = ""; all.value == 1 && inherited {
			r.Differ(all.at, "", "vrrp_%s: %s", keyword, how)
		}
	}
	note(g.lowerUnanswered, "lower_prio_no_advert", lowerAnswered,
		func(i *instance) number { return i.lowerUnanswered }, func(*instance) bool { return true })
	note(g.ownerDeaf, "owner_ignore_adverts", ownerYields,
		func(i *instance) number { return i.ownerDeaf }, func(i *instance) bool { return i.election().value == 255 })
}
