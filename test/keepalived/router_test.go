package keepalived

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// corpus is the directory of the files that both read.
const corpus = "../../pkg/keepalived/testdata"

// brand is a make of router.
type brand string

const (
	keepalived brand = "keepalived"
	ripcord    brand = "ripcord"
)

// segments are those of each LAN, by the interface that is on them, and the first bytes of
// the addresses there.
var segments = []struct{ ifname, ipv4, ipv6 string }{
	{"eth0", "192.0.2.", "2001:db8:51::"},
	{"eth1", "198.51.100.", "2001:db8:52::"},
}

// ports are those of hosts with the addresses .11, .12 and so on, in this order.
func ports(hosts ...string) (ports []lan.Port) {
	for _, s := range segments {
		for i, host := range hosts {
			number := []string{"11", "12", "13"}[i]
			ports = append(ports, lan.Port{Host: host, Name: s.ifname, Segment: s.ifname, Options: lan.Options{
				Addresses: lan.Addresses(s.ipv4+number+"/24", s.ipv6+number+"/64"),
			}})
		}
	}
	return ports
}

// router is a program on a host of a LAN, with a directory that it takes for
// /etc/keepalived.
type router struct {
	*stage.Stage
	brand
	host, dir string
	runs      *stage.Daemon
}

// newRouter writes the directory of a router: the text as keepalived.conf, what corpus has to
// be included, a command that records how it was run, and a reader of the FIFO that records
// its lines.
func newRouter(t *testing.T, s *stage.Stage, b brand, host, text string) *router {
	t.Helper()
	r := &router{Stage: s, brand: b, host: host, dir: filepath.Join(s.Dir, host)}
	if err := os.CopyFS(filepath.Join(r.dir, "parts"), os.DirFS(filepath.Join(corpus, "parts"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"keepalived.conf", throughLink.ReplaceAllString(text, "${1}/usr/bin/"), 0o600},
		{"notify.sh", "#!/bin/sh\necho \"$@\" >>/etc/keepalived/calls\n", 0o755},
		{"fifo.sh", "#!/bin/sh\nwhile read -r line; do echo \"fifo: $line\" >>/etc/keepalived/calls; done <\"$1\"\n", 0o755},
		{"calls", "", 0o666},
	} {
		path := filepath.Join(r.dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, f.mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
	return r
}

// throughLink is the beginning of a command below /bin, which is a link: keepalived 2.4.3 runs none of
// root's whose path leads over one.
var throughLink = regexp.MustCompile(`([ "'])/bin/`)

// prepare makes the daemon's own mounts: its directory for /etc/keepalived, and a /run with
// nothing of another daemon's; for keepalived, which writes its dumps there, a /tmp in that
// directory. It ends in the daemon.
const prepare = `brand=$1 dir=$2
shift 2
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount --bind "$dir" /etc/keepalived
[ "$brand" = ripcord ] || mount --bind /etc/keepalived/tmp /tmp
exec "$@"`

// start starts the router with these arguments beside those that it always has.
func (r *router) start(t *testing.T, more ...string) {
	t.Helper()
	const config = "/etc/keepalived/keepalived.conf"
	var args []string
	switch r.brand {
	case keepalived:
		args = []string{program(t, "keepalived"), "--vrrp", "--dont-fork", "--log-console", "--log-detail",
			"--pid", "/run/keepalived.pid", "--vrrp_pid", "/run/vrrp.pid", "--use-file", config}
	case ripcord:
		args = append([]string{built, "run", "--config", config}, more...)
	}
	command := exec.Command("/bin/sh", append([]string{"-ec", prepare, "sh", string(r.brand), r.dir}, args...)...)
	stage.Contain(command)
	runs, err := r.Start(r.host, r.host, command)
	if err != nil {
		t.Fatal(err)
	}
	r.runs = runs
}

// stop ends the router as its service manager does.
func (r *router) stop(t *testing.T) {
	t.Helper()
	if _, err := r.runs.End(syscall.SIGTERM); err != nil {
		t.Errorf("%s: %v", r.brand, err)
	}
}

// calls are the arguments of the commands that were run so far, by line.
func (r *router) calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
}
