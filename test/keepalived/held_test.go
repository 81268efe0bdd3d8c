package keepalived

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notCompared matches what the kernel's tools print of an address, a route or a rule that differs
// between the two by design (the protocol, by which each knows its own) or by the moment.
var notCompared = regexp.MustCompile(`^\d+: | proto \S+| valid_lft \S+ preferred_lft \S+| secondary|\\`)

// held lists the addresses, routes and rules of a host that a router holds, without those that the
// kernel derives from an address.
func (r *router) held(t *testing.T) (held []string) {
	t.Helper()
	for _, list := range [][]string{
		{"-o", "address"},
		{"-4", "route", "show", "table", "all"},
		{"-6", "route", "show", "table", "all"},
		{"-4", "rule"},
		{"-6", "rule"},
	} {
		out, err := r.Run(r.host, program(t, "ip"), list...)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			if strings.Contains(line, "proto kernel") || strings.Contains(line, "table local") {
				continue
			}
			words := strings.Join(strings.Fields(notCompared.ReplaceAllString(line, " ")), " ")
			held = append(held, list[len(list)-1]+" "+words)
		}
	}
	for i, h := range held {
		held[i] = strings.Replace(h, "all ", "route ", 1)
	}
	return held
}

// without returns the elements of a list that another one lacks, with their surplus count.
func without(list, other []string) (rest []string) {
	other = slices.Clone(other)
	for _, v := range list {
		if i := slices.Index(other, v); i >= 0 {
			other = slices.Delete(other, i, i+1)
		} else {
			rest = append(rest, v)
		}
	}
	return rest
}
