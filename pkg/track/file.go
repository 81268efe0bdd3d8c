package track

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ripcord/pkg/command"
)

// contentLimit is the greatest size of a file's content, in bytes: an integer and white space.
const contentLimit = 128

// While a file is written it is empty for a moment (truncated, then written). An empty file is read
// again emptyRetries times, at intervals of emptyRetry, before it counts.
const (
	emptyRetry   = 10 * time.Millisecond
	emptyRetries = 10
)

// File is a check whose content, an integer, is added to the priority: content × Weight,
// at least −254 and at most 253. The check is Down at −254, and Up otherwise. A Weight
// of 0 makes any content but 0 a failure (−254). All of this is as in keepalived.
//
// A file that does not exist counts as 0. Content that is no integer between −2³¹ and
// 2³¹ − 1 leaves the value as it was, 0 at first. Both are errors, which the reports
// have.
//
// The file is read when inotify shows a change of it in its directory, and once an
// interval: for changes that inotify does not show, as on a file server.
type File struct {
	Path   string
	Weight int // −254 to 254
}

// These are the limits of the value that a file adds to the priority. minValue is a fault.
const (
	minValue = -254
	maxValue = 253
)

// String implements Probe.
func (c File) String() string { return "file " + c.Path }

func (c File) validate() error {
	if !filepath.IsAbs(c.Path) {
		return fmt.Errorf("file %q: give the whole path", c.Path)
	}
	if c.Weight < -254 || c.Weight > 254 {
		return fmt.Errorf("weight %d: give -254 to 254", c.Weight)
	}
	return nil
}

// value returns the value that a content adds to the priority.
func (c File) value(content int64) int {
	if c.Weight == 0 {
		if content != 0 {
			return minValue
		}
		return 0
	}
	return int(min(max(content*int64(c.Weight), minValue), maxValue))
}

func (c File) open(m *machine, s *Spec) prober {
	p := &fileProber{File: c, timeout: s.EffectiveTimeout()}
	p.watch = m.files.watch(c.Path)
	return p
}

// fileProber reads a file.
type fileProber struct {
	File
	timeout time.Duration
	watch   *fileWatch
	last    int64         // the content in force
	reading chan fileRead // receives from a read that did not return in time; nil: there is none
}

// fileRead is the result of a read.
type fileRead struct {
	content int64
	err     error
}

func (p *fileProber) events() <-chan struct{} { return p.watch.changed }
func (p *fileProber) close()                  { p.watch.close() }

// probe reads the file in another goroutine, since a read hangs on a file server that does not
// answer. There is one such goroutine at a time.
func (p *fileProber) probe(ctx context.Context, done func(result)) {
	if p.reading == nil {
		reading := make(chan fileRead, 1)
		p.reading = reading
		go func() {
			p.watch.renew()
			content, err := readSettled(ctx, p.Path)
			reading <- fileRead{content, err}
		}()
	}
	deadline := time.NewTimer(p.timeout)
	defer deadline.Stop()
	select {
	case read := <-p.reading:
		p.reading = nil
		done(p.judge(read))
	case <-deadline.C:
		done(p.judge(fileRead{err: fmt.Errorf("%s could not be read within %v: does its file system answer?", p.Path, p.timeout)}))
	case <-ctx.Done():
	}
}

// judge turns what was read into a result.
func (p *fileProber) judge(read fileRead) result {
	switch {
	case read.err == nil:
		p.last = read.content
	case errors.Is(read.err, os.ErrNotExist): // the error states that it counts as 0
		p.last = 0
	default:
		read.err = fmt.Errorf("%w: %d counts until then", read.err, p.last)
	}
	r := result{value: p.value(p.last), err: read.err}
	if r.pass = r.value != minValue; !r.pass && r.err == nil {
		r.err = p.fault()
	}
	if read.err == nil {
		r.output = strconv.FormatInt(read.content, 10)
	}
	return r
}

// fault returns why the content in force is a failure.
func (p *fileProber) fault() error {
	if p.Weight == 0 {
		return fmt.Errorf("%s has %d: with weight 0 any number but 0 is a fault", p.Path, p.last)
	}
	return fmt.Errorf("%s has %d, which times weight %d is %d or less", p.Path, p.last, p.Weight, minValue)
}

// errEmpty is the error of a file that contains only white space.
var errEmpty = errors.New("is empty, want an integer")

// readSettled reads the file, and waits a little if it is empty.
func readSettled(ctx context.Context, path string) (content int64, err error) {
	for range emptyRetries {
		if content, err = readInteger(path); !errors.Is(err, errEmpty) {
			break
		}
		sleep(ctx, emptyRetry)
	}
	return content, err
}

// readInteger returns the integer that a regular file contains.
func readInteger(path string) (int64, error) {
	// Only a regular file is opened: opening a FIFO or a device has effects.
	info, err := os.Stat(path)
	if err != nil {
		return 0, explainPath(path, err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is %s, want a regular file", path, command.FileKind(info.Mode()))
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, explainPath(path, err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, contentLimit+1))
	if err != nil {
		return 0, explainPath(path, err)
	}
	n, err := parseInteger(content)
	if err != nil {
		return 0, fmt.Errorf("%s %w", path, err)
	}
	return n, nil
}

// parseInteger returns the integer in the content of a file. Its errors continue a sentence that
// begins with the name of the file.
func parseInteger(content []byte) (int64, error) {
	text := strings.TrimSpace(string(content))
	switch {
	case len(content) > contentLimit:
		return 0, fmt.Errorf("has more than %d bytes, want an integer", contentLimit)
	case text == "":
		return 0, errEmpty
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < math.MinInt32 || n > math.MaxInt32):
		return 0, fmt.Errorf("has %.40s, which is out of range: want an integer from %d to %d", text, math.MinInt32, math.MaxInt32)
	case err != nil:
		return 0, fmt.Errorf("has %.40q, want an integer", text)
	}
	return n, nil
}

// explainPath returns the error of a path that cannot be read.
func explainPath(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return missingError{path}
	}
	return err
}

// missingError is the error of a file that does not exist. It is an os.ErrNotExist.
type missingError struct{ path string }

// Error implements error.
func (e missingError) Error() string { return e.path + " does not exist: it counts as 0" }

// Is makes errors.Is find os.ErrNotExist.
func (missingError) Is(target error) bool { return target == os.ErrNotExist }
