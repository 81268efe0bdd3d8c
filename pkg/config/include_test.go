package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ripcord/pkg/config/files"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/event"
	"ripcord/test/golden"
)

// TestInclude loads ripcord.yaml in each directory of testdata/include, and compares the result
// with the golden file beside the directory.
func TestInclude(t *testing.T) {
	directories, err := filepath.Glob("testdata/include/*/ripcord.yaml")
	if err != nil || len(directories) == 0 {
		t.Fatalf("no input: %v", err)
	}
	for _, file := range directories {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			golden.Check(t, dir+".golden", outcome(Load("ripcord.yaml", Options{})))
		})
	}
}

// written writes files into a new directory and returns the path of ripcord.yaml.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "ripcord.yaml")
}

const oneInstance = "instances: [{name: a, interface: eth0, vrid: 1, priority: 100, addresses: [192.0.2.1/24]}]\n"

// TestIncludeBlocksNever checks that a FIFO without a writer is refused, and that a file is
// recognized under each of its names.
func TestIncludeBlocksNever(t *testing.T) {
	path := written(t, map[string]string{"ripcord.yaml": "include: [fifo, link.yaml]\n" + oneInstance})
	dir := filepath.Dir(path)
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("ripcord.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, Options{})
	var all problem.Problems
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("%v, want two problems", err)
	}
	for n, want := range []string{"include[0]: cannot be included: " + dir + "/fifo is not a file",
		"include[1]: a file cannot include itself: " + path + " includes " + dir + "/link.yaml"} {
		if !strings.Contains(all[n].Error(), want) {
			t.Errorf("%v, want %q", all[n], want)
		}
	}
}

// TestIncludeByAbsolutePath checks that an absolute path is not taken relative to the file, and
// that a link to a file in another directory includes relative to the link's directory.
func TestIncludeByAbsolutePath(t *testing.T) {
	other := written(t, map[string]string{"ripcord.yaml": oneInstance})
	path := written(t, map[string]string{"ripcord.yaml": "include: [" + other + ", " + filepath.Dir(other) + "/*.yaml]\n"})
	if c, err := Load(path, Options{}); err != nil || len(c.Sets) != 1 || c.File != path {
		t.Errorf("%+v, %v; want the instance of the other file, once", c, err)
	}
}

// TestIncludeBesideBrackets checks that only the pattern has wildcards, not the directory of the
// file, and that an escaped wildcard is none.
func TestIncludeBesideBrackets(t *testing.T) {
	path := written(t, map[string]string{
		"b[x]/ripcord.yaml": "include: ['s*.yaml', 'o\\*e.yaml']\n",
		"b[x]/star.yaml":    "log: {level: debug}\n", "b[x]/o*e.yaml": oneInstance, "b[x]/one.yaml": oneInstance, "bx/star.yaml": "x\n",
	})
	c, err := Load(filepath.Join(filepath.Dir(path), "b[x]", "ripcord.yaml"), Options{})
	if err != nil || c.Log.Level != event.Debug || len(c.Sets) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestIncludeOfNoFile checks that a configuration that is not in a file cannot include others.
func TestIncludeOfNoFile(t *testing.T) {
	_, err := Parse("x.yaml", []byte("include: [/etc/passwd]\n"+oneInstance))
	if err == nil || !strings.Contains(err.Error(), "x.yaml:1:1: include: only a configuration in a file can include others") {
		t.Error(err)
	}
}

// TestIncludeLimits checks that the limits of a file apply to all included files together.
func TestIncludeLimits(t *testing.T) {
	many := map[string]string{"ripcord.yaml": "include: ['many/*']\n" + oneInstance}
	for n := range files.MaxFiles + 1 {
		many[fmt.Sprintf("many/%04d.yaml", n)] = "links: {eth" + fmt.Sprint(n) + ": {poll: 2s}}\n"
	}
	filler := "# " + strings.Repeat("x", files.MaxSize/2) + "\n"
	values := repeated(2000, "links: {default: {poll: [&a [", "x,", "], ") + repeated(2000, "", "*a, ", "]}}\n")
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"files": {many, "include[0]: more than 1000 files are included"},
		"bytes": {map[string]string{"ripcord.yaml": "include: [a, b]\n" + oneInstance, "a": filler, "b": filler},
			"include[1]: with DIR/b, all files together are larger than 4194304 bytes"},
		"values": {map[string]string{"ripcord.yaml": "include: [a, b]\n" + oneInstance, "a": values, "b": values},
			"DIR/b:1:1: this file and those before it have more than 524288 values"},
	} {
		path := written(t, c.files)
		_, err := Load(path, Options{})
		want := strings.ReplaceAll(c.want, "DIR", filepath.Dir(path))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.300v, want %q", name, err, want)
		}
	}
	delete(many, fmt.Sprintf("many/%04d.yaml", files.MaxFiles))
	if c, err := Load(written(t, many), Options{}); err != nil || len(c.Links) != files.MaxFiles {
		t.Errorf("%d files: %.300v", files.MaxFiles, err)
	}
}
