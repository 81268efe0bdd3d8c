package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// These are the paths of orders. They change the daemon, so only the unix socket accepts them.
const (
	ReleasePath = "/v1/release"
	ResumePath  = "/v1/resume"
	ReloadPath  = "/v1/reload"
	FencePath   = "/v1/fence"

	HandoverPath = "/v1/handover"
)

// Orders executes the orders of a person. The text of its errors is the answer, so it contains what to
// do.
type Orders interface {
	// Release makes a group hand over and take no part for a time, or if that is 0 until it is
	// resumed. name is the group's, or that of an instance outside any group.
	Release(name string, length time.Duration) (*Released, error)
	// Resume lets a released group take part again.
	Resume(name string) (*Released, error)
	// Reload reads the configuration again and applies it; with dryRun it only returns the changes.
	// ctx ends when the client leaves: a reload that has begun to change parts completes all the
	// same.
	Reload(ctx context.Context, dryRun bool) (*Reloaded, error)
	// Handover ends the daemon without resigning, so that the next one continues. It first applies
	// the configuration if that has changed, and changes nothing if the next daemon could not use it.
	Handover(ctx context.Context) (*HandedOver, error)
	// Fence returns what the fence of a group would run, and whether its conditions hold now.
	Fence(ctx context.Context, name string) (*Fence, error)
}

// Order is the body of a request with an order.
type Order struct {
	Name   string `json:"name,omitempty"`
	For    string `json:"for,omitempty"` // a Go duration
	DryRun bool   `json:"dry_run,omitempty"`
}

// Released answers a release or a resumption.
type Released struct {
	Name     string     `json:"name"`
	Released bool       `json:"released"`
	Until    *time.Time `json:"until,omitempty"` // absent: until it is resumed
	// Unchanged reports that the group to resume was not released.
	Unchanged bool `json:"unchanged,omitempty"`
}

// Reloaded answers a reload: the names of the instances and groups that were added, changed and
// removed, and other differences.
type Reloaded struct {
	File    string   `json:"file"`
	DryRun  bool     `json:"dry_run,omitempty"`
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
	Values  []string `json:"values,omitempty"` // for the changed ones: the name, the keys that changed, and some new and old values
	Notes   []string `json:"notes,omitempty"`  // instances that start anew in another group, keys that need a restart, new warnings of the file
}

// HandedOver answers a handover: the groups, and the instances outside any, that are Active and
// stay so if the next daemon starts in time.
type HandedOver struct {
	Groups []string `json:"groups"`
}

// Fence answers a dry run of a fence.
type Fence struct {
	Name       string      `json:"name"`
	Command    []string    `json:"command"`
	User       string      `json:"user"`
	Timeout    string      `json:"timeout"`
	OnFailure  string      `json:"on_failure"`
	Holds      bool        `json:"holds"` // all conditions hold: it would run now
	Conditions []Condition `json:"conditions"`
	Holding    string      `json:"holding,omitempty"` // the progress of a fence that is under way
}

// Condition is a condition for running a fence.
type Condition struct {
	Text  string `json:"text"`
	Holds bool   `json:"holds"`
}

// maxBody is the size of a request's body, in bytes.
const maxBody = 4 << 10

// order returns the handler of a request whose body is an Order; example is one, for errors. It
// returns nil without Orders.
func order[T any](o Orders, example string, do func(context.Context, Order) (T, error)) http.HandlerFunc {
	if o == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		var in Order
		body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		body.DisallowUnknownFields()
		err := body.Decode(&in)
		if err == nil {
			err = ended(body)
		}
		if err != nil && err != io.EOF {
			refuseBody(w, err, example)
			return
		}
		done, err := do(r.Context(), in)
		// The server's limit counts from the request on, and an order may take longer than that.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "%v", err)
			return
		}
		answer(w, http.StatusOK, done)
	}
}

// refuseBody answers a request whose body could not be read.
func refuseBody(w http.ResponseWriter, err error, example string) {
	_, large := errors.AsType[*http.MaxBytesError](err)
	mistyped, wrong := errors.AsType[*json.UnmarshalTypeError](err)
	why := strings.TrimPrefix(err.Error(), "json: ")
	switch {
	case large:
		fail(w, http.StatusRequestEntityTooLarge, "the body is larger than %d bytes, the maximum for an order", maxBody)
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		dropBody(w)
		fail(w, http.StatusRequestTimeout, "the request was not complete within %v: send all of its body", readTimeout)
		return
	case wrong && mistyped.Field == "":
		why = fmt.Sprintf("it is not a JSON object: %s was sent", mistyped.Value)
	case wrong:
		why = fmt.Sprintf("%s must be a %v: %s was sent", mistyped.Field, mistyped.Type, mistyped.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		why = "it ends in the middle"
	}
	fail(w, http.StatusBadRequest, "the body is not an order, as %s: %s", example, why)
}

// ended returns an error if anything follows the value that was read.
func ended(body *json.Decoder) error {
	_, err := body.Token()
	if err == nil || errors.As(err, new(*json.SyntaxError)) {
		return errors.New("more text follows it")
	}
	return err // io.EOF: nothing follows
}

func (in Order) length() (time.Duration, error) {
	if in.For == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(in.For)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("for %q is not a duration, as 10m or 1h30m", in.For)
	}
	return d, nil
}

func (in Order) named() error {
	if in.Name == "" {
		return fmt.Errorf("no name was given: name an instance or a group")
	}
	return nil
}

// orderRoutes returns the routes of the requests that change the daemon.
func orderRoutes(o Orders) []route {
	return []route{
		{http.MethodPost, ReleasePath, order(o, `{"name": "edge", "for": "10m"}`, func(_ context.Context, in Order) (*Released, error) {
			length, err := in.length()
			if err == nil {
				err = in.named()
			}
			if err != nil {
				return nil, err
			}
			return o.Release(in.Name, length)
		})},
		{http.MethodPost, ResumePath, order(o, `{"name": "edge"}`, func(_ context.Context, in Order) (*Released, error) {
			if err := in.named(); err != nil {
				return nil, err
			}
			return o.Resume(in.Name)
		})},
		{http.MethodPost, ReloadPath, order(o, `{"dry_run": true}`, func(ctx context.Context, in Order) (*Reloaded, error) {
			return o.Reload(ctx, in.DryRun)
		})},
		{http.MethodPost, HandoverPath, order(o, `{}`, func(ctx context.Context, _ Order) (*HandedOver, error) { return o.Handover(ctx) })},
		{http.MethodPost, FencePath, order(o, `{"name": "edge", "dry_run": true}`, func(ctx context.Context, in Order) (*Fence, error) {
			if err := in.named(); err != nil {
				return nil, err
			}
			if !in.DryRun {
				return nil, fmt.Errorf("only a takeover runs the fence of %s: give dry_run to see what it would run", in.Name)
			}
			return o.Fence(ctx, in.Name)
		})},
	}
}

// Release asks the daemon that listens on socket to release an instance or a group.
func Release(ctx context.Context, socket, name string, length time.Duration) (*Released, error) {
	in := Order{Name: name}
	if length > 0 {
		in.For = length.String()
	}
	return send[Released](ctx, socket, ReleasePath, in)
}

// Resume asks the daemon that listens on socket to resume an instance or a group.
func Resume(ctx context.Context, socket, name string) (*Released, error) {
	return send[Released](ctx, socket, ResumePath, Order{Name: name})
}

// Reload asks the daemon that listens on socket to read its configuration again.
func Reload(ctx context.Context, socket string, dryRun bool) (*Reloaded, error) {
	return send[Reloaded](ctx, socket, ReloadPath, Order{DryRun: dryRun})
}

// Handover asks the daemon that listens on socket to stop without resigning.
func Handover(ctx context.Context, socket string) (*HandedOver, error) {
	return send[HandedOver](ctx, socket, HandoverPath, Order{})
}

// FenceDryRun asks the daemon that listens on socket what a fence would run.
func FenceDryRun(ctx context.Context, socket, name string) (*Fence, error) {
	return send[Fence](ctx, socket, FencePath, Order{Name: name, DryRun: true})
}
