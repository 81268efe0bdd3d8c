package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"
)

// DefaultSocket is the daemon's socket unless control.socket names another path.
const DefaultSocket = "/run/ripcord/ripcord.sock"

const (
	// fetchTimeout is the limit of a request that only reads: the daemon answers at once.
	fetchTimeout = 5 * time.Second
	// orderTimeout is the limit of an order: a reload waits until the parts have taken over the
	// configuration.
	orderTimeout = 30 * time.Second
)

// FetchBrief requests the status, without the statistics, from the daemon that listens on socket.
// Its errors say what to do.
func FetchBrief(ctx context.Context, socket string) (*Status, error) {
	return request[Status](ctx, socket, http.MethodGet, StatusPath+"?statistics=0", nil)
}

// Fetch requests the whole status, with the statistics.
func Fetch(ctx context.Context, socket string) (*Status, error) {
	return request[Status](ctx, socket, http.MethodGet, StatusPath, nil)
}

// send sends an order and returns its result.
func send[T any](ctx context.Context, socket, path string, in Order) (*T, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return request[T](ctx, socket, http.MethodPost, path, bytes.NewReader(body))
}

// request returns the document of a successful answer. A body makes it an order.
func request[T any](ctx context.Context, socket, method, path string, body io.Reader) (*T, error) {
	timeout := fetchTimeout
	if body != nil {
		timeout = orderTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	encoded, err := ask(ctx, socket, method, path, body)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return nil, noAnswer(socket, timeout, err)
	case errors.Is(err, context.Canceled) && body != nil:
		return nil, because(err, "interrupted before the daemon at %s had answered: it may carry out the order all the same; ripcord status and the log show the result", socket)
	case errors.Is(err, context.Canceled):
		return nil, because(err, "interrupted before the daemon at %s had answered", socket)
	case err != nil:
		return nil, err
	}
	var document T
	if s, ok := any(&document).(*Status); ok {
		err = decodeStatus(encoded, s)
	} else {
		err = json.Unmarshal(encoded, &document)
	}
	if err != nil {
		return nil, fmt.Errorf("the program that answers on %s is not ripcord, or a ripcord of another version: %w", socket, err)
	}
	return &document, nil
}

// ask returns the body of a successful answer.
func ask(ctx context.Context, socket, method, path string, sent io.Reader) ([]byte, error) {
	answer, err := open(ctx, socket, method, path, sent)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	// A buffer that has to grow takes several times the memory, and a process that lives for
	// milliseconds spends most of them on pages that it touches for the first time.
	var body bytes.Buffer
	if n := answer.ContentLength; n > 0 && n < maxAnswer {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(answer.Body); err != nil {
		return nil, explain(socket, err)
	}
	return body.Bytes(), nil
}

// maxAnswer is the greatest length of an answer for which memory is reserved in advance.
const maxAnswer = 64 << 20

// open returns a successful answer; the caller reads its body and closes it.
func open(ctx context.Context, socket, method, path string, sent io.Reader) (*http.Response, error) {
	if socket == "" {
		return nil, fmt.Errorf("no socket was given: name the daemon's control socket, as --socket %s", DefaultSocket)
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://ripcord"+path, sent)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", socket, err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, explain(socket, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	var failure Error
	if body, err := io.ReadAll(response.Body); err != nil {
		return nil, explain(socket, err)
	} else if json.Unmarshal(body, &failure) != nil || failure.Error == "" {
		failure.Error = response.Status
	}
	return nil, fmt.Errorf("the daemon at %s: %s", socket, failure.Error)
}

// ReadEvents reads the newest lines of the log from the daemon that listens on socket, or the lines
// since a time; with follow also later lines, until ctx ends. The caller closes the reader.
func ReadEvents(ctx context.Context, socket string, since time.Time, follow bool) (io.ReadCloser, error) {
	query := url.Values{}
	if follow {
		query.Set("follow", "1")
	}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339Nano))
	}
	// A daemon that does not answer at all must not block the caller.
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(fetchTimeout, func() { cancel(context.DeadlineExceeded) })
	lines, err := open(ctx, socket, http.MethodGet, EventsPath+"?"+query.Encode(), nil)
	switch stopped := timer.Stop(); {
	case err == nil:
		return lines.Body, nil
	case !stopped:
		err = noAnswer(socket, fetchTimeout, context.DeadlineExceeded)
	}
	return nil, err
}

// noAnswer returns the error about a daemon that did not answer in time.
func noAnswer(socket string, timeout time.Duration, cause error) error {
	return because(cause, "the daemon does not answer on %s within %v: it hangs or is overloaded; its log may say why", socket, timeout)
}

// explain returns an error that explains a failed connection, and what to do about it.
func explain(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return because(err, "there is no socket %s: is ripcord running? If its control.socket is elsewhere, give --socket PATH", socket)
	case errors.Is(err, fs.ErrPermission):
		return because(err, "no permission to use %s: run this as root, or as a member of the group that owns it", socket)
	case errors.Is(err, syscall.ECONNREFUSED) && !isSocket(socket):
		return because(err, "%s is not a socket: name the daemon's control socket, as --socket %s", socket, DefaultSocket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return because(err, "no process answers on %s: ripcord has stopped; start it, its log says why it ended", socket)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return because(err, "the daemon at %s ended before it had answered: its log may say why", socket)
	}
	return fmt.Errorf("ask the daemon on %s: %w", socket, err)
}

// isSocket reports whether path is a socket; true if that cannot be examined.
func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().Type() == fs.ModeSocket
}

// explained is an error with a sentence instead of the text of its cause.
type explained struct {
	text  string
	cause error
}

func because(cause error, format string, args ...any) error {
	return &explained{fmt.Sprintf(format, args...), cause}
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }
