package lan

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Churn keeps the kernel's link watch busy from a namespace of its own, as containers that come and
// go do. It makes the kernel announce the loss of any carrier on the machine up to 1 s late.
type Churn struct {
	space  *Namespace
	cycles atomic.Int64
	quit   chan struct{}
	once   sync.Once
	done   chan struct{}
	err    error // of the loop; read it after done
}

// StartChurn makes, flaps and deletes a veth until Stop, one cycle per period.
func StartChurn(every time.Duration) (*Churn, error) {
	space, err := NewNamespace("churn")
	if err != nil {
		return nil, err
	}
	c := &Churn{space: space, quit: make(chan struct{}), done: make(chan struct{})}
	go c.run(every)
	return c, nil
}

func (c *Churn) run(every time.Duration) {
	defer close(c.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if c.err = c.cycle(every / 4); c.err != nil {
			return
		}
		c.cycles.Add(1)
		select {
		case <-tick.C:
		case <-c.quit:
			return
		}
	}
}

// cycle pauses between its steps, because the kernel merges changes that follow each other at once.
func (c *Churn) cycle(pause time.Duration) error {
	const a, b = firstIndex, firstIndex + 1
	err := makeVeth(end{space: c.space, name: "churn0", index: a}, end{space: c.space, name: "churn1", index: b})
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return errors.Join(c.space.setUp(a, true), c.space.setUp(b, true)) },
		func() error { return c.space.setUp(b, false) },
		func() error { return c.space.setUp(b, true) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-c.quit: // the remaining steps are quick
		}
	}
	return c.space.remove(a)
}

// Cycles returns the number of finished cycles.
func (c *Churn) Cycles() int { return int(c.cycles.Load()) }

// Stop ends the churn and removes its namespace. It returns the error that ended it earlier, if
// any.
func (c *Churn) Stop() error {
	var err error
	c.once.Do(func() {
		close(c.quit)
		<-c.done
		err = errors.Join(c.err, c.space.Close())
	})
	return err
}
