// Package arch holds the architecture as a test: who may import whom, and what
// pure code must not do. The tables below are the design, in the words of the
// compiler.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "ripcord/"
)

// layers, from the top down: a package imports only what stands in a lower one.
var layers = [][]string{
	{"cmd/ripcord"},
	{"pkg/simulate"},
	{"pkg/daemon", "pkg/sim", "pkg/lan"},
	{"pkg/router", "pkg/control", "pkg/config", "pkg/telemetry", "pkg/doctor"},
	{"pkg/advert/send", "pkg/advert/receive", "pkg/addr", "pkg/link/monitor", "pkg/liveness", "pkg/track", "pkg/notify", "pkg/vrrp/machine"},
	{"pkg/adopt", "pkg/advert", "pkg/advert/repeats", "pkg/advert/validate", "pkg/link", "pkg/vrrp/fence", "pkg/vrrp/heard", "pkg/vrrp/tracker", "pkg/config/files", "pkg/config/value"},
	{"pkg/vrrp", "pkg/keepalived", "pkg/stats", "pkg/rawsock", "pkg/route", "pkg/macvlan", "pkg/firewall", "pkg/neigh", "pkg/nic", "pkg/hint", "pkg/repeatfilter", "pkg/story", "pkg/runner", "pkg/config/schema", "pkg/config/yaml"},
	{"pkg/wire", "pkg/keepalived/syntax", "pkg/config/problem"},
	{"pkg/bpf", "pkg/bus", "pkg/command", "pkg/confine", "pkg/deadline", "pkg/early", "pkg/event", "pkg/lease", "pkg/listing", "pkg/mmsg", "pkg/procfs", "pkg/ratelimit", "pkg/rtnl", "pkg/rundir", "pkg/sysctl", "pkg/spelling", "pkg/thread", "pkg/timerfd", "pkg/tree", "pkg/wakeup"},
}

// pure packages and files: no time but as an argument, no I/O, no goroutine. Files
// *_linux.go are left out: they own the file descriptors.
var pure = []string{
	"pkg/event/*.go", "pkg/bpf/*.go", "pkg/bus/*.go", "pkg/tree/*.go", "pkg/spelling/*.go", "pkg/listing/*.go", "pkg/keepalived/*.go", "pkg/keepalived/syntax/*.go", "pkg/deadline/*.go", "pkg/ratelimit/*.go", "pkg/wire/*.go", "pkg/lease/*.go", "pkg/stats/*.go", "pkg/story/*.go", "pkg/vrrp/*.go", "pkg/vrrp/fence/*.go", "pkg/vrrp/heard/*.go", "pkg/vrrp/tracker/*.go", "pkg/vrrp/machine/*.go",
	"pkg/config/problem/*.go", "pkg/config/schema/*.go", "pkg/config/yaml/*.go", "pkg/config/value/*.go",
	"pkg/router/core.go", "pkg/router/orders.go", "pkg/router/deadlines.go", "pkg/router/standing.go",
	"pkg/adopt/*.go", "pkg/advert/*.go", "pkg/advert/repeats/*.go", "pkg/advert/validate/*.go", "pkg/advert/receive/*.go",
	"pkg/link/*.go", "pkg/nic/*.go", "pkg/hint/*.go", "pkg/repeatfilter/*.go", "pkg/liveness/record.go", "pkg/liveness/table.go",
	"pkg/addr/*.go", "pkg/route/*.go", "pkg/macvlan/*.go", "pkg/firewall/*.go", "pkg/neigh/*.go",
	"pkg/telemetry/exposition.go", "pkg/doctor/*.go",
	"pkg/track/health.go", "pkg/track/schedule.go", "pkg/track/report.go",
	"pkg/runner/table.go",
	"pkg/simulate/*.go",
	"pkg/notify/transition.go", "pkg/notify/commands.go", "pkg/notify/queue.go", "pkg/notify/sequencer.go", "pkg/notify/settings.go",
}

// shell lists the files of pure packages that are not pure, beside those for Linux: they
// own the goroutines and the mutex.
var shell = []string{
	"pkg/addr/worker.go", "pkg/addr/machine.go",
	"pkg/simulate/chaos.go", // its chance comes from a seed
	"pkg/advert/receive/receiver.go", "pkg/advert/receive/reconfigure.go",
}

var (
	impureImports = []string{"os", "net", "log", "math/rand", "math/rand/v2", "syscall", "context"}
	impureTime    = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
)

// kept libraries: the prefix of the import path, and where alone it may appear.
var kept = map[string]func(file string) bool{
	"golang.org/x/sys/unix":           linuxFile,
	"github.com/mdlayher/netlink":     linuxFile,
	"github.com/jsimonetti/rtnetlink": linuxFile,
	"go.uber.org/zap":                 in("pkg/telemetry", "pkg/daemon", "cmd/ripcord"),
	"github.com/prometheus":           never, // only tests use it
	"github.com/goccy/go-yaml":        in("pkg/config/yaml", "test/openapi"),
	"github.com/spf13/cobra":          in("cmd/ripcord"),
	"github.com/coreos/go-systemd":    in("pkg/daemon", "cmd/ripcord"),
	"ripcord/pkg/config":              in("pkg/daemon", "cmd/ripcord", "pkg/simulate", "test/scenario", "pkg/config"),
	"ripcord/pkg/keepalived":          in("pkg/config", "pkg/keepalived", "cmd/ripcord"),
	"ripcord/pkg/daemon":              in("cmd/ripcord", "test/"),
	"github.com/google/go-cmp":        in("test/golden"),
	"pgregory.net/rapid":              never,
	"github.com/santhosh-tekuri":      in("test/openapi"),
	"honnef.co/go/tools":              never,
	"github.com/google/nftables":      linuxFile,
	"github.com/cilium/ebpf":          linuxFile,
	"github.com/fsnotify/fsnotify":    in("pkg/track"),
	"github.com/mdlayher/genetlink":   linuxFile,
	"github.com/mdlayher/socket":      linuxFile,
	"github.com/vishvananda/netlink":  never,
}

func linuxFile(file string) bool { return strings.HasSuffix(file, "_linux.go") }
func never(string) bool          { return false }
func in(dirs ...string) func(string) bool {
	return func(file string) bool {
		return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(file, d) })
	}
}

func TestImports(t *testing.T) {
	walk(t, parser.ImportsOnly, func(file string, f *ast.File) {
		for _, imp := range imports(f) {
			if own, ok := strings.CutPrefix(imp, module); ok && !lower(path.Dir(file), own) {
				t.Errorf("%s imports %s: a package imports only what stands below it, never a sibling", file, own)
			}
			for prefix, allowed := range kept {
				if (imp == prefix || strings.HasPrefix(imp, prefix+"/")) && !allowed(file) {
					t.Errorf("%s imports %s: it has its place elsewhere", file, imp)
				}
			}
		}
	})
}

func TestPurity(t *testing.T) {
	seen := make(map[string]bool)
	walk(t, 0, func(file string, f *ast.File) {
		if linuxFile(file) {
			return
		}
		if pattern, ok := match(shell, file); ok {
			seen[pattern] = true
			return
		}
		pattern, ok := match(pure, file)
		if !ok {
			return
		}
		seen[pattern] = true
		for _, imp := range imports(f) {
			if slices.Contains(impureImports, imp) || linuxOnly(imp) {
				t.Errorf("%s is pure and imports %s", file, imp)
			}
		}
		for _, sin := range sins(f) {
			t.Errorf("%s is pure and %s", file, sin)
		}
	})
	for _, pattern := range slices.Concat(pure, shell) {
		if !seen[pattern] {
			t.Errorf("no file matches %s: the table of pure files is out of date", pattern)
		}
	}
}

// The rules must be able to fail.
func TestSinsAreFound(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
import clock "time"
func f() { go f(); _ = clock.Now(); clock.Sleep(1) }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := sins(f); len(got) != 3 {
		t.Errorf("found %q, want 3 sins", got)
	}
	if lower("pkg/vrrp", "pkg/link") || lower("pkg/link", "pkg/addr") || !lower("pkg/link", "pkg/vrrp") {
		t.Error("the layers do not hold")
	}
}

// Every package has its place in the layers.
func TestLayersAreComplete(t *testing.T) {
	walk(t, parser.ImportsOnly, func(file string, _ *ast.File) {
		if dir := path.Dir(file); layer(dir) < 0 && !strings.HasPrefix(dir, "test/") {
			t.Errorf("%s: package %s has no place in the layers", file, dir)
		}
	})
}

func lower(from, to string) bool {
	f := layer(from)
	return f < 0 || layer(to) > f
}

func layer(dir string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, dir) })
}

func match(patterns []string, file string) (string, bool) {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, file); ok {
			return pattern, true
		}
	}
	return "", false
}

func linuxOnly(imp string) bool {
	return strings.HasPrefix(imp, "golang.org/x/sys") || strings.Contains(imp, "netlink")
}

func imports(f *ast.File) []string {
	var list []string
	for _, spec := range f.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		list = append(list, p)
	}
	return list
}

// sins lists what a file does that pure code must not.
func sins(f *ast.File) []string {
	clock := "time"
	for _, spec := range f.Imports {
		if spec.Path.Value == `"time"` && spec.Name != nil {
			clock = spec.Name.Name
		}
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "starts a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == clock && slices.Contains(impureTime, n.Sel.Name) {
				found = append(found, fmt.Sprintf("calls time.%s", n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// walk visits every Go file of the project that is no test, nor a fake for one
// (a sibling package whose name ends in test).
func walk(t *testing.T, mode parser.Mode, visit func(file string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && strings.HasSuffix(d.Name(), "test") && d.Name() != "test" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		visit(filepath.ToSlash(rel), f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mostFiles bounds in how many files the methods of one type stand: beyond that it is
// two or more types.
const mostFiles = 4

func TestMethodsStandTogether(t *testing.T) {
	files := make(map[string]map[string]bool)
	walk(t, 0, func(file string, f *ast.File) {
		for _, decl := range f.Decls {
			if name := receiver(decl); name != "" {
				name = path.Dir(file) + "." + name
				if files[name] == nil {
					files[name] = make(map[string]bool)
				}
				files[name][file] = true
			}
		}
	})
	for name, in := range files {
		if len(in) > mostFiles {
			t.Errorf("the methods of %s stand in %d files, more than %d: it is two or more types", name, len(in), mostFiles)
		}
	}
}

// receiver returns the name of the type of which a declaration is a method; empty if it is
// none.
func receiver(decl ast.Decl) string {
	fn, ok := decl.(*ast.FuncDecl)
	if !ok || fn.Recv == nil {
		return ""
	}
	typ := fn.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
