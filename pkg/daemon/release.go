package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/rundir"
	"ripcord/pkg/vrrp"
)

// releases remembers which groups a person released. The file in /run outlives the daemon and a
// reload. A boot ends all releases, even if /run is not emptied, since the file names the boot.
type releases struct {
	mu   sync.Mutex
	path string
	boot string
	all  []vrrp.Released
}

// releasesFile is the content of the file.
type releasesFile struct {
	Boot     string          `json:"boot"`
	Released []releasedGroup `json:"released"`
}

type releasedGroup struct {
	Group string     `json:"group"`
	Until *time.Time `json:"until,omitempty"`
}

// openReleases returns the releases in force when the last daemon ended, without those that are
// over. A file that cannot be read is an error, and then nothing is released.
func openReleases(dir string, now time.Time) (*releases, error) {
	space, err := networkNamespace()
	if err != nil {
		return &releases{}, err
	}
	return readReleases(filepath.Join(dir, space+".released"), now)
}

// readReleases returns the releases in a file that are in force.
func readReleases(path string, now time.Time) (r *releases, err error) {
	r = &releases{path: path}
	if r.boot, err = rundir.Boot(); err != nil {
		return r, err
	}
	text, err := rundir.Read(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	var file releasesFile
	if err := json.Unmarshal(text, &file); err != nil {
		return r, fmt.Errorf("%s: %w", r.path, err)
	}
	for _, g := range file.Released {
		released := vrrp.Released{Group: g.Group, On: true}
		if g.Until != nil {
			released.Until = *g.Until
		}
		if file.Boot == r.boot && (g.Until == nil || now.Before(*g.Until)) {
			r.all = append(r.all, released)
		}
	}
	return r, nil
}

// note records a release or its end, and writes the file.
func (r *releases) note(order vrrp.Released, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(o vrrp.Released) bool {
		return o.Group == order.Group || !o.Until.IsZero() && !now.Before(o.Until)
	})
	if order.On {
		r.all = append(r.all, order)
	}
	return r.write()
}

// inherit applies the releases of groups to the groups of a new configuration that have their
// virtual routers, and writes the file if there are any.
func (r *releases) inherit(from *vrrp.Succession) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []vrrp.Released
	for _, o := range r.all {
		heirs := from.Heirs(o.Group)
		if len(heirs) == 0 {
			heirs = []string{o.Group} // it may come back
		}
		for _, o.Group = range heirs {
			all = append(all, o)
		}
	}
	if slices.Equal(all, r.all) {
		return nil
	}
	r.all = all
	return r.write()
}

// write writes the file, or removes it if nothing is released.
func (r *releases) write() error {
	file := releasesFile{Boot: r.boot, Released: []releasedGroup{}}
	for _, o := range r.all {
		g := releasedGroup{Group: o.Group}
		if !o.Until.IsZero() {
			g.Until = &o.Until
		}
		file.Released = append(file.Released, g)
	}
	if len(file.Released) == 0 {
		return rundir.Remove(r.path)
	}
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	return rundir.Replace(r.path, append(text, '\n'))
}

// current returns the releases.
func (r *releases) current() []vrrp.Released {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// has reports whether the group of that name is released now.
func (r *releases) has(name string, now time.Time) bool {
	return slices.ContainsFunc(r.current(), func(o vrrp.Released) bool {
		return o.Group == name && (o.Until.IsZero() || now.Before(o.Until))
	})
}

// orders carries out the requests on the control socket.
type orders struct {
	parts   *parts
	options Options
}

var _ control.Orders = orders{}

// Release implements control.Orders.
func (o orders) Release(name string, length time.Duration) (*control.Released, error) {
	now := time.Now()
	order := vrrp.Released{Cause: o.parts.minter.Cause(now), Group: name, On: true}
	answer := &control.Released{Name: name, Released: true}
	if length > 0 {
		order.Until = now.Add(length)
		until := order.Until.Round(0)
		answer.Until = &until
	}
	return answer, o.order(order)
}

// Resume implements control.Orders.
func (o orders) Resume(name string) (*control.Released, error) {
	now := time.Now()
	answer := &control.Released{Name: name, Unchanged: !o.parts.releases.has(name, now)}
	return answer, o.order(vrrp.Released{Cause: o.parts.minter.Cause(now), Group: name})
}

// order records a release or its end, and passes it to the group.
func (o orders) order(order vrrp.Released) error {
	if err := releasable(o.parts.router.Groups(), order.Group); err != nil {
		return err
	}
	if err := o.carryOut(order); err != nil {
		return fmt.Errorf("done, but it will not outlive this daemon: %w", err)
	}
	return nil
}

// carryOut records an order and passes it on. Only one order is carried out at a time, so the file
// and the group have the same last order.
func (o orders) carryOut(order vrrp.Released) error {
	o.parts.releasing.Lock()
	defer o.parts.releasing.Unlock()
	err := o.parts.releases.note(order, time.Now())
	o.parts.results.Publish(order)
	return err
}

// releasable returns an error if nothing of that name can be released.
func releasable(groups []*vrrp.GroupStatus, name string) error {
	var instances, titles []string
	for _, g := range groups {
		if g.Title() == name {
			return nil
		}
		if g.Name != "" {
			titles = append(titles, g.Name)
		}
		for _, in := range g.Members {
			instances = append(instances, in.Instance.Name)
			if in.Instance.Name == name {
				return fmt.Errorf("%s moves with its group: name the group %s", name, g.Title())
			}
		}
	}
	return fmt.Errorf("there is no instance or group %q: %s", name, control.Choice(instances, titles))
}

// noReleases returns the event for a file of releases that cannot be used.
func noReleases(err error) event.Event {
	return event.ReleasesUnread{Stamp: event.Stamp{At: time.Now()}, Err: err.Error()}
}
