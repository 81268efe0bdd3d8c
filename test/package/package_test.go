//go:build linux

// Package packages drives the packages as a person would: it builds them, and installs,
// upgrades, removes and purges the Debian one in a root of its own.
package packages

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// build builds packages into a directory, as a version; empty: that of the tree.
func build(dir, version, kinds string, architectures ...string) error {
	c := exec.Command("../../deploy/package/build", append([]string{dir}, architectures...)...)
	c.Env = append(os.Environ(), "KINDS="+kinds)
	if version != "" {
		c.Env = append(c.Env, "VERSION="+version)
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build the packages: %w\n%s", err, out)
	}
	return nil
}

var dirs struct{ now, again, older string }

// built builds the packages once: those of this tree, the Debian one once more, and an
// older one.
var built = sync.OnceValue(func() error {
	dirs.now, dirs.again, dirs.older = filepath.Join(temporary, "now"), filepath.Join(temporary, "again"), filepath.Join(temporary, "older")
	if err := build(dirs.now, "", "deb rpm", "amd64", "arm64"); err != nil {
		return err
	}
	if err := build(dirs.again, "", "deb", "amd64"); err != nil {
		return err
	}
	return build(dirs.older, "0.0.9", "deb", "amd64")
})

var temporary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	var err error
	if temporary, err = os.MkdirTemp("", "ripcord-packages-"); err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(temporary)
	return m.Run()
}

// one is the only file in a directory of the packages that matches.
func one(t *testing.T, dir *string, pattern string) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(*dir, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s in %s: %v, %v", pattern, *dir, files, err)
	}
	return files[0]
}

// tool is a program that a test needs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

const configuration = `instances:
  - {name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24]}
`

// TestDebianPackage: an older build is installed, configured, upgraded, removed and purged.
// The configuration stays as it is until the purge; then nothing is left at all.
func TestDebianPackage(t *testing.T) {
	older, now := one(t, &dirs.older, "*_amd64.deb"), one(t, &dirs.now, "*_amd64.deb")
	r := newRoot(t)
	_, _ = r.try("dpkg --purge ripcord; userdel ripcord; userdel ripcord-daemon; rm -rf /etc/ripcord /usr/sbin/ripcord")

	r.install(older)
	if got := r.sh("ripcord version"); !strings.HasPrefix(got, "ripcord 0.0.9 ") {
		t.Errorf("after the installation: %s", got)
	}
	for _, account := range []string{"ripcord", "ripcord-daemon"} {
		if got := r.sh("getent passwd " + account); !strings.HasSuffix(got, ":/usr/sbin/nologin\n") {
			t.Errorf("the account is %q", got)
		}
	}
	if got := r.written(); slices.Contains(got, "/etc/ripcord/ripcord.yaml") || !slices.Contains(got, "/etc/ripcord") || !slices.Contains(got, "/etc/systemd/system/multi-user.target.wants/ripcord.service") {
		t.Errorf("after the installation there are %q", got)
	}
	if out, err := r.try("ripcord run"); err == nil || !strings.Contains(out, "no configuration") {
		t.Errorf("without a configuration: %v, %s", err, out)
	}
	r.sh("man -w ripcord ripcord.yaml ripcord-events")
	for _, example := range strings.Fields(r.sh("ls -d /usr/share/doc/ripcord/examples/*.yaml")) {
		r.sh("mkdir -p /etc/ripcord && printf %064d 5 >/etc/ripcord/key && ripcord check " + example + "; rm /etc/ripcord/key")
	}

	if err := os.WriteFile(r.dir+"/etc/ripcord/ripcord.yaml", []byte(configuration), 0o640); err != nil {
		t.Fatal(err)
	}
	r.sh("ripcord check")
	r.install(now)
	if got := r.sh("ripcord version"); strings.Contains(got, "0.0.9") {
		t.Errorf("after the upgrade: %s", got)
	}
	if text, err := os.ReadFile(r.dir + "/etc/ripcord/ripcord.yaml"); string(text) != configuration {
		t.Errorf("after the upgrade the configuration is %q, %v", text, err)
	}
	// The daemon reads it by the group of its account, that of the files that are made later, too.
	r.sh("touch /etc/ripcord/later")
	if got := r.sh("stat -c '%n %a %U %G' /etc/ripcord /etc/ripcord/ripcord.yaml; stat -c %G /etc/ripcord/later; rm /etc/ripcord/later"); got !=
		"/etc/ripcord 2755 root ripcord-daemon\n/etc/ripcord/ripcord.yaml 640 root ripcord-daemon\nripcord-daemon\n" {
		t.Errorf("after the upgrade the rights are %q", got)
	}
	want := strings.Fields(r.sh("dpkg -L ripcord"))
	for _, unit := range []string{"ripcord.service", "ripcord-runner.service"} {
		if !slices.Contains(want, "/usr/lib/systemd/system/"+unit) {
			t.Errorf("the package has no %s", unit)
		}
	}
	for _, path := range r.written() {
		if !slices.Contains(want, path) && path != "/etc/ripcord/ripcord.yaml" && !strings.Contains(path, "deb-systemd-helper-enabled") && !strings.HasPrefix(path, "/etc/systemd/system/") {
			t.Errorf("%s is of no package", path)
		}
	}

	r.sh("mkdir -p /run/ripcord && touch /run/ripcord/record")
	r.sh("dpkg --remove ripcord")
	if got, want := r.written(), []string{"/etc/ripcord", "/etc/ripcord/ripcord.yaml"}; !slices.Equal(got, want) {
		t.Errorf("the removal leaves %q, want %q", got, want)
	}
	if out, err := r.try("ls /run/ripcord"); err == nil {
		t.Errorf("the removal leaves /run/ripcord: %s", out)
	}
	r.install(now)
	if text, err := os.ReadFile(r.dir + "/etc/ripcord/ripcord.yaml"); string(text) != configuration {
		t.Errorf("installed again, the configuration is %q, %v", text, err)
	}
	r.sh("dpkg --purge ripcord")
	if got := r.written(); len(got) > 0 {
		t.Errorf("the purge leaves %q", got)
	}
	if got := r.sh("dpkg -l | grep -c ' ripcord ' || true"); got != "0\n" {
		t.Errorf("dpkg still lists it %s times", got)
	}
}

// TestLintian: Debian's own check of packages finds no error.
func TestLintian(t *testing.T) {
	lintian := tool(t, "lintian")
	for _, architecture := range []string{"amd64", "arm64"} {
		deb := one(t, &dirs.now, "*_"+architecture+".deb")
		out, err := exec.Command(lintian, "--allow-root", "--fail-on", "error", deb).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(deb), err)
		}
	}
}

// directories are those that the .rpm lists, so that it removes them.
var directories = map[string]bool{
	"/usr/share/ripcord": true, "/usr/share/licenses/ripcord": true,
	"/usr/share/doc/ripcord": true, "/usr/share/doc/ripcord/examples": true, "/usr/share/doc/ripcord/examples/prometheus": true,
}

// TestRPM has the files of the Debian package, and scripts that a shell can read.
func TestRPM(t *testing.T) {
	rpm := tool(t, "rpm")
	list := func(command ...string) (paths []string) {
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			t.Fatalf("%q: %v", command, err)
		}
		for path := range strings.Lines(string(out)) {
			path = strings.TrimSpace(path)
			if i := strings.Index(path, "./"); i >= 0 {
				path = path[i+1:]
			}
			if strings.HasSuffix(path, "/") || path == "/etc/ripcord" || directories[path] || strings.Contains(path, "zsh") || strings.Contains(path, "/lintian/") ||
				strings.Contains(path, "copyright") || strings.Contains(path, "LICENSE") || strings.Contains(path, "changelog.Debian") {
				continue
			}
			paths = append(paths, path)
		}
		slices.Sort(paths)
		return paths
	}
	for debian, redhat := range map[string]string{"amd64": "x86_64", "arm64": "aarch64"} {
		file := one(t, &dirs.now, "*."+redhat+".rpm")
		inDeb, inRPM := list("dpkg-deb", "--contents", one(t, &dirs.now, "*_"+debian+".deb")), list(rpm, "-qpl", file)
		if len(inRPM) < 30 || !slices.Equal(inDeb, inRPM) {
			t.Errorf("%s: the .deb has\n%s\nthe .rpm\n%s", redhat, strings.Join(inDeb, "\n"), strings.Join(inRPM, "\n"))
		}
		for _, script := range []string{"POSTIN", "PREUN", "POSTUN"} {
			text, err := exec.Command(rpm, "-qp", "--queryformat", "%{"+script+"}", file).Output()
			if err != nil || !strings.Contains(string(text), "ripcord") {
				t.Errorf("%s: %v: %s", script, err, text)
			}
			shell := exec.Command("/bin/sh", "-n")
			shell.Stdin = strings.NewReader(string(text))
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", script, err, out)
			}
		}
	}
}

// TestRPMInstalled: installed, upgraded and erased, the scripts of the .rpm make the account and
// enable the unit, and leave nothing but the configuration.
func TestRPMInstalled(t *testing.T) {
	tool(t, "rpm")
	file := one(t, &dirs.now, "*.x86_64.rpm")
	r := newRoot(t)
	_, _ = r.try("dpkg --purge ripcord; userdel ripcord; userdel ripcord-daemon; rm -rf /etc/ripcord /usr/sbin/ripcord")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(r.dir+"/tmp/ripcord.rpm", text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	// On Debian it knows no package on which it could depend, and needs an option to accept that.
	const rpm = "rpm --dbpath /tmp/rpm --nodeps --force-debian "
	r.sh(rpm + "--install /tmp/ripcord.rpm")
	if got := r.sh("ripcord version; getent passwd ripcord ripcord-daemon"); !strings.Contains(got, "ripcord 0.") || strings.Count(got, "nologin") != 2 {
		t.Errorf("installed, there are %q", got)
	}
	if err := os.WriteFile(r.dir+"/etc/ripcord/ripcord.yaml", []byte(configuration), 0o640); err != nil {
		t.Fatal(err)
	}
	r.sh(rpm + "--upgrade --force /tmp/ripcord.rpm && ripcord check")
	r.sh("mkdir -p /run/ripcord && touch /run/ripcord/record")
	r.sh(rpm + "--erase ripcord")
	left := slices.DeleteFunc(r.written(), func(path string) bool { // of other packages, where rpm is at home
		return path == "/usr/share/licenses" || path == "/usr/share/zsh/site-functions"
	})
	if want := []string{"/etc/ripcord", "/etc/ripcord/ripcord.yaml"}; !slices.Equal(left, want) {
		t.Errorf("erased, it leaves %q, want %q", left, want)
	}
	if out, err := r.try("ls /run/ripcord"); err == nil {
		t.Errorf("erased, it leaves /run/ripcord: %s", out)
	}
}

// TestBinaries are static, and of their architecture.
func TestBinaries(t *testing.T) {
	for architecture, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		dir := t.TempDir()
		if out, err := exec.Command("dpkg-deb", "--extract", one(t, &dirs.now, "*_"+architecture+".deb"), dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		binary, err := elf.Open(filepath.Join(dir, "usr/sbin/ripcord"))
		if err != nil {
			t.Fatal(err)
		}
		defer binary.Close()
		if binary.Machine != machine {
			t.Errorf("%s: the binary is for %v", architecture, binary.Machine)
		}
		for _, p := range binary.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: the binary is not static: it has %v", architecture, p.Type)
			}
		}
	}
}

// TestBuiltAgain: the same commit gives the same package.
func TestBuiltAgain(t *testing.T) {
	first, err := os.ReadFile(one(t, &dirs.now, "*_amd64.deb"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(one(t, &dirs.again, "*_amd64.deb"))
	if err != nil || string(first) != string(second) {
		t.Errorf("built again it has %d bytes and not the same %d (%v)", len(second), len(first), err)
	}
}

// TestCompletions: each shell takes its script, and completes a command with it.
func TestCompletions(t *testing.T) {
	deb := one(t, &dirs.now, "*_amd64.deb")
	r := newRoot(t)
	r.install(deb)
	for shell, command := range map[string]string{
		"bash": `. /usr/share/bash-completion/bash_completion; . /usr/share/bash-completion/completions/ripcord
			COMP_LINE='ripcord stat' COMP_POINT=12 COMP_WORDS=(ripcord stat) COMP_CWORD=1 COMP_TYPE=9; __start_ripcord; echo "${COMPREPLY[@]}"`,
		"fish": `complete --do-complete 'ripcord stat'`,
		"zsh":  `autoload -Uz compinit && compinit -u -D && echo ${_comps[ripcord]} && zsh -n /usr/share/zsh/vendor-completions/_ripcord && echo status`,
	} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		out, err := r.try(shell + " -c " + "'" + strings.ReplaceAll(command, "'", `'\''`) + "'")
		if err != nil || !strings.Contains(out, "status") || shell == "zsh" && !strings.Contains(out, "_ripcord") {
			t.Errorf("%s: %v: %q", shell, err, out)
		}
	}
}
