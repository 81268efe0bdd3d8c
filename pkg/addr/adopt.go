package addr

import (
	"fmt"
	"slices"

	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// Standings are the addresses, routes and links on the machine before a worker runs.
type Standings struct {
	Addresses []Standing
	Routes    []route.Op     // that bear the mark
	Devices   []macvlan.Link // all links
}

// List returns the present state of the machine.
func (l Leftovers) List() (s Standings, err error) {
	if s.Addresses, err = l.Kernel.List(); err != nil {
		return s, fmt.Errorf("could not list our addresses: %w", err)
	}
	if s.Routes, err = l.Routes.List(); err != nil {
		return s, fmt.Errorf("could not list our routes and rules: %w", err)
	}
	if s.Devices, err = l.Devices.Links(); err != nil {
		return s, fmt.Errorf("could not list our links: %w", err)
	}
	return s, nil
}

// Lacks returns, in words, the first part of what an instance holds as Active that is missing;
// empty if nothing is.
func (s *Standings) Lacks(set *Set) string {
	device := 0
	if set.Device != nil {
		if device = s.device(set); device == 0 {
			return fmt.Sprintf("the link %s of its virtual MAC is gone, or down", set.Device.Name)
		}
	}
	for _, a := range set.Addresses {
		index, where := device, a.Interface
		if where != "" {
			index = s.index(where)
		}
		if !slices.ContainsFunc(s.Addresses, func(o Standing) bool { return o.Index == index && o.Prefix == a.Prefix }) {
			return fmt.Sprintf("%s is not there any more", a.Prefix)
		}
	}
	for _, e := range set.Routes {
		if !slices.ContainsFunc(s.Routes, func(op route.Op) bool { return route.Stands(e, op) }) {
			return fmt.Sprintf("%s is not there any more", e)
		}
	}
	return ""
}

// index returns the ifindex of a link; 0 if there is none of that name.
func (s *Standings) index(name string) int {
	for _, n := range s.Devices {
		if n.Name == name || slices.Contains(n.AltNames, name) {
			return n.Index
		}
	}
	return 0
}

// device returns the ifindex of the macvlan of a set if it is up.
func (s *Standings) device(set *Set) int {
	below := s.index(set.Link)
	for _, n := range s.Devices {
		if n.Ours && n.Up && n.MAC == set.Device.MAC && (n.On == below || n.On == 0 && n.Below == below) {
			return n.Index
		}
	}
	return 0
}
