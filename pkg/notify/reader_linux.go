package notify

import (
	"context"
	"os"
	"slices"
	"time"

	"ripcord/pkg/command"
)

const (
	// readerPoll is the period at which a reader looks for a FIFO that does not exist yet.
	readerPoll = 50 * time.Millisecond
	// readerPause is the wait before a reader that has ended is restarted; it doubles up to
	// maxReaderPause as long as the reader lives less than readerLives.
	readerPause    = time.Second
	maxReaderPause = time.Minute
	readerLives    = time.Minute
	// readerForever is longer than a daemon runs: a reader has no timeout.
	readerForever = 100 * 365 * 24 * time.Hour
)

// Reader runs the program that reads a FIFO, again whenever it ends. Its last argument is the path.
type Reader struct {
	programs command.Runner
	argv     []string
	user     *command.User
	path     string
	report   func(ReaderReport)
	pause    time.Duration // readerPause, but in tests
}

// ReaderReport reports that the program has ended, or could not be started.
type ReaderReport struct {
	Argv []string
	command.Result
	Pause time.Duration // until it is restarted
}

// NewReader returns a reader of the FIFO at a path, which programs runs. Reports come from the
// goroutine that calls Run; they must not block.
func NewReader(programs command.Runner, argv []string, user *command.User, path string, report func(ReaderReport)) *Reader {
	return &Reader{programs: programs, argv: argv, user: user, path: path, report: report, pause: readerPause}
}

// Run runs the program until ctx ends, which ends the program.
func (r *Reader) Run(ctx context.Context) error {
	pause := r.pause
	for r.await(ctx) {
		var result command.Result
		r.programs.Run(ctx, ReaderRequest(r.argv, r.user, r.path), func(ran command.Result) { result = ran })
		if ctx.Err() != nil {
			return nil
		}
		if result.Took >= readerLives {
			pause = r.pause
		}
		r.report(ReaderReport{r.argv, result, pause})
		if !sleep(ctx, pause) {
			return nil
		}
		pause = min(2*pause, maxReaderPause)
	}
	return nil
}

// ReaderRequest returns the request for the program that reads the FIFO at a path.
func ReaderRequest(argv []string, user *command.User, path string) command.Request {
	return command.Request{
		ID:      command.ID{Kind: command.ForFIFO},
		Command: command.Command{Argv: append(slices.Clone(argv), path), User: user, Timeout: readerForever, KillGroup: true},
	}
}

// await waits until the FIFO exists; it returns false if ctx ends before.
func (r *Reader) await(ctx context.Context) bool {
	for {
		if info, err := os.Lstat(r.path); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
			return ctx.Err() == nil
		}
		if !sleep(ctx, readerPoll) {
			return false
		}
	}
}

// sleep waits; it returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
