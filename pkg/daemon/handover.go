package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Handover implements control.Orders: it ends the daemon so that the next one continues as Active.
func (o orders) Handover(ctx context.Context) (*control.HandedOver, error) {
	if !o.parts.inherited.record.Kept() {
		return nil, errors.New("nothing can be handed over, since no record can be kept: do what daemon.record in the log says, or restart the daemon, which resigns")
	}
	if err := waitsForFence(o.parts.router.Groups()); err != nil {
		return nil, err
	}
	if err := o.followFile(ctx); err != nil {
		return nil, fmt.Errorf("nothing was handed over, since the next daemon could not use the configuration: %w", err)
	}
	answer := &control.HandedOver{Groups: []string{}}
	for _, g := range o.parts.router.Groups() {
		if g.State == event.Active {
			answer.Groups = append(answer.Groups, g.Title())
		}
	}
	o.parts.handingOver.Do(func() { close(o.parts.handover) })
	return answer, nil
}

// followFile applies the configuration file if it has changed since it was read. The next daemon
// reads the file: it could not start with a wrong one, and does not adopt a group whose
// configuration has changed.
func (o orders) followFile(ctx context.Context) error {
	if o.options.Load == nil {
		return nil
	}
	now, err := o.Reload(ctx, true)
	if err == nil && len(now.Added)+len(now.Changed)+len(now.Removed) > 0 {
		_, err = o.Reload(ctx, false)
	}
	return err
}

// waitsForFence returns an error if a group waits for its fence: a handover would interrupt the
// command, and the next daemon would begin the wait and the fence again.
func waitsForFence(groups []*vrrp.GroupStatus) error {
	for _, g := range groups {
		if strings.HasPrefix(g.Holding, event.HoldFence) {
			return fmt.Errorf("nothing was handed over, since %s waits (%s), and a handover would interrupt the fence command: try again when the fence has succeeded or another router is Active", g.Title(), g.Holding)
		}
	}
	return nil
}
