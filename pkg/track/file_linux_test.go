package track

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command/commandtest"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

// watched starts a check of a file with a very long interval: only inotify can cause a report.
func watched(t *testing.T, path string, weight int) *recorder {
	r := start(t)
	r.apply(Spec{Name: "f", Interval: time.Hour, Timeout: time.Minute, Probe: File{Path: path, Weight: weight}})
	return r
}

func TestFileFollowsChanges(t *testing.T) {
	dir := t.TempDir()
	path, beside := filepath.Join(dir, "f"), filepath.Join(dir, "beside")
	write(t, path, "10\n")
	r := watched(t, path, 2)
	r.wait("f", "waiting up20")

	write(t, path, " -5 ")
	r.wait("f", "waiting up20 up-10")

	write(t, beside, "7")
	must(t, os.Rename(beside, path)) // another file takes its place
	r.wait("f", "waiting up20 up-10 up14")

	must(t, os.Remove(path))
	r.wait("f", "waiting up20 up-10 up14 up!")
	if got := text(r.last("f").Err); got != path+" does not exist: it counts as 0" {
		t.Errorf("got %q", got)
	}

	write(t, path, "3")
	r.wait("f", "waiting up20 up-10 up14 up! up6")
	write(t, path, "-127") // −254 is a fault
	r.wait("f", "waiting up20 up-10 up14 up! up6 down-254")
	write(t, path, "1000000")
	r.wait("f", "waiting up20 up-10 up14 up! up6 down-254 up253")
}

// TestFileIsEmptyWhileWritten: a file is empty for a moment each time that it is written, which is
// not an error.
func TestFileIsEmptyWhileWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "5")
	r := watched(t, path, 1)
	r.wait("f", "waiting up5")
	for range 50 {
		file, err := os.Create(path)
		must(t, err)
		time.Sleep(2 * time.Millisecond) // the writer is slow
		_, err = file.WriteString("5")
		must(t, err, file.Close())
		time.Sleep(20 * time.Millisecond)
	}
	write(t, path, "6")
	r.wait("f", "waiting up5 up6")
}

// TestFileIsNoFile requires that a FIFO in place of the file blocks no check, and does not disturb
// its writer.
func TestFileIsNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "5")
	r := watched(t, path, 1)
	r.wait("f", "waiting up5")
	must(t, os.Rename(path, path+".old"), syscall.Mkfifo(path, 0o600))
	commandtest.Eventually(t, func() (bool, string) {
		got := text(r.last("f").Err)
		return strings.HasPrefix(got, path+" is a FIFO, want a regular file: ") && strings.HasSuffix(got, " counts until then"), got
	})
	if last := r.last("f"); last.Value != 5 && last.Value != 0 { // 0: it was read between the two
		t.Errorf("the value is %d", last.Value)
	}
	must(t, os.Remove(path), os.Mkdir(path, 0o700))
	commandtest.Eventually(t, func() (bool, string) {
		got := text(r.last("f").Err)
		return strings.HasPrefix(got, path+" is a directory, want a regular file: "), got
	})
}

// TestFileContent requires that content that is not an integer leaves the value as it was.
func TestFileContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "5")
	r := watched(t, path, 1)
	r.wait("f", "waiting up5")
	for _, c := range []struct{ content, want string }{
		{"text\n", `has "text", want an integer`},
		{"1" + strings.Repeat("0", 30), "has 1" + strings.Repeat("0", 30) + ", which is out of range: want an integer from -2147483648 to 2147483647"},
		{"2147483648", "has 2147483648, which is out of range"},
		{"5.5", `has "5.5", want an integer`},
		{"", "is empty, want an integer"},
		{strings.Repeat("9", 1000), "has more than 128 bytes, want an integer"},
		{"\x00\xff", `has "\x00\xff", want an integer`},
	} {
		write(t, path, c.content)
		commandtest.Eventually(t, func() (bool, string) {
			got := text(r.last("f").Err)
			return strings.HasPrefix(got, path+" "+c.want), fmt.Sprintf("%.20q: got %q", c.content, got)
		})
		if last := r.last("f"); last.Value != 5 || last.State != Up {
			t.Errorf("%.20q: the value is %d, %v", c.content, last.Value, last.State)
		}
	}
}

// TestFileDirectoryAppears requires that the next interval finds changes that inotify does not
// show: here the directory of the file appears only later.
func TestFileDirectoryAppears(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "f")
	r := start(t)
	r.apply(Spec{Name: "f", Interval: 20 * time.Millisecond, Timeout: time.Minute, Probe: File{Path: path, Weight: 1}})
	r.wait("f", "waiting up!")
	must(t, os.Mkdir(dir, 0o700))
	write(t, path, "4")
	r.wait("f", "waiting up! up4")
}

func TestFileValue(t *testing.T) {
	for _, c := range []struct {
		weight  int
		content int64
		want    int
	}{
		{1, 10, 10}, {-2, 10, -20}, {1, 300, 253}, {1, -300, -254}, {254, 2147483647, 253}, {-254, 2147483647, -254},
		{0, 0, 0}, {0, 1, -254}, {0, -1, -254},
	} {
		if got := (File{Weight: c.weight}).value(c.content); got != c.want {
			t.Errorf("%d × weight %d adds %d, want %d", c.content, c.weight, got, c.want)
		}
	}
}

// TestFileFault tests why a content is a failure, with a weight and without one.
func TestFileFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "5")
	for weight, want := range map[int]string{
		0:   path + " has 5: with weight 0 any number but 0 is a fault",
		-60: path + " has 5, which times weight -60 is -254 or less",
	} {
		r := RunOnce(t.Context(), Spec{Name: "f", Interval: time.Second, Probe: File{Path: path, Weight: weight}})
		if r.State != Down || text(r.Err) != want {
			t.Errorf("weight %d: %v, %v, want %q", weight, r.State, r.Err, want)
		}
	}
}

func FuzzParseInteger(f *testing.F) {
	f.Add([]byte("12\n"))
	f.Add([]byte("-9223372036854775809"))
	f.Fuzz(func(t *testing.T, content []byte) {
		n, err := parseInteger(content)
		if err == nil && fmt.Sprint(n) != strings.TrimLeft(strings.TrimPrefix(strings.TrimSpace(string(content)), "+"), "0") &&
			n != 0 && !strings.HasPrefix(strings.TrimSpace(string(content)), "-0") {
			t.Errorf("%q is %d", content, n)
		}
	})
}
