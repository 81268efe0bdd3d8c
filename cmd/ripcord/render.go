package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ripcord/pkg/addr"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/track"
)

// page is a status for people: a headline, and blocks of tables and notes.
type page struct {
	headline string
	blocks   []block
}

// block is a table, or notes.
type block struct {
	name  string
	table table
	ages  []int // the columns that change only with time
	notes []note
}

// note is a sentence. age is written after it and changes only with time.
type note struct {
	text, age string
	colour    colour
}

// render writes a status for people. Apart from the write it is pure.
func render(w io.Writer, s *control.Status, now time.Time, look look) error {
	return statusPage(s, now).write(w, look)
}

// statusPage returns a line for each instance, sentences about what is wrong, and a line for each
// link and check.
func statusPage(s *control.Status, now time.Time) page {
	p := page{headline: "ripcord " + s.Version}
	if s.Host != "" {
		p.headline += " on " + s.Host
	}
	if s.Since != nil {
		p.headline += ", up " + span(now.Sub(*s.Since))
	}
	if len(s.Instances) == 0 {
		p.blocks = append(p.blocks, block{notes: []note{{text: "It runs without any instance: its configuration names none."}}})
	} else {
		p.blocks = append(p.blocks, block{name: "instances", table: instances(s, now), ages: []int{3}})
	}
	p.blocks = append(p.blocks,
		block{name: "faults", notes: faults(s, now)}, block{name: "last standing", notes: lastStanding(s)},
		block{name: "missing", notes: missing(s)},
		block{name: "holdings", notes: holdings(s)}, block{name: "probes", notes: probes(s)}, block{name: "warnings", notes: warnings(s, now)})
	if list := trackersOf(s); len(list) > 0 {
		p.blocks = append(p.blocks, block{name: "trackers", table: trackers(list, now), ages: []int{3}})
	}
	if len(s.Links) > 0 {
		p.blocks = append(p.blocks, block{name: "links", table: links(s, now), ages: []int{8}})
	}
	if len(s.Checks) > 0 {
		p.blocks = append(p.blocks, block{name: "checks", table: checks(s, now), ages: []int{2, 4, 5, 6}})
	}
	if r := s.Runner; r != nil && !r.Ready {
		text := "No check, notify or fence command runs, and checks keep their states: " + r.Error
		p.blocks = append(p.blocks, block{name: "runner", notes: []note{{text: text, age: " (since " + ago(r.Since, now) + ")", colour: red}}})
	}
	if r := s.Runner; r != nil && r.Unkept && r.Ready {
		p.blocks = append(p.blocks, block{name: "keeper", notes: []note{{text: "Nobody would start ripcord runner again, which runs checks, notify and fence commands: restart ripcord", colour: yellow}}})
	}
	if s.ListenError != "" {
		p.blocks = append(p.blocks, block{name: "listen", notes: []note{{text: s.ListenError, colour: red}}})
	}
	return p
}

// write writes the page, with an empty line between the blocks.
func (p page) write(w io.Writer, look look) error {
	var b bytes.Buffer
	b.WriteString(p.headline + "\n")
	for _, block := range p.blocks {
		if len(block.table)+len(block.notes) > 0 {
			b.WriteByte('\n')
		}
		if len(block.table) > 0 {
			block.table.write(&b, look)
		}
		for _, n := range block.notes {
			for i, line := range wrap(n.text+n.age, look.width-gap) {
				if i > 0 {
					b.WriteString(strings.Repeat(" ", gap))
				}
				b.WriteString(cell{text: line, colour: n.colour}.paint(look.colours) + "\n")
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// instances returns a line for each instance.
func instances(s *control.Status, now time.Time) table {
	t := table{words("NAME", "GROUP", "STATE", "FOR", "WHY", "LINK", "VRID", "PRIO", "ACTIVE", "ADDRESSES")}
	for _, i := range s.Instances {
		t = append(t, []cell{
			{text: i.Name}, {text: or(i.Group)}, {text: i.State, colour: stateColours[i.State]},
			{text: age(i.Since, now)}, why(i, now), {text: iface(i)},
			{text: strconv.Itoa(int(i.VRID))}, {text: priority(i)}, {text: active(i)}, {text: or(held(i))},
		})
	}
	return t
}

// why returns the reason of the last transition, and what the instance waits for now with the time
// that is left, which is no change for --watch.
func why(i control.Instance, now time.Time) cell {
	w := i.Wait
	switch {
	case w == nil:
		return cell{text: or(i.LastEvent)}
	case w.Until == nil:
		return cell{text: fmt.Sprintf("%s (%s)", or(i.LastEvent), w.Text)}
	case !now.Before(*w.Until):
		return cell{text: or(i.LastEvent)} // it is over, and the daemon has yet to say so
	}
	return cell{text: fmt.Sprintf("%s (%s, %s left)", or(i.LastEvent), w.Text, span(w.Until.Sub(now)+time.Second-1)), is: i.LastEvent + w.Text}
}

// iface returns the interface, and notes a virtual MAC.
func iface(i control.Instance) string {
	if i.VirtualMAC != nil {
		return i.Interface + " (virtual MAC)"
	}
	return i.Interface
}

// stateColours maps states to the colours of a traffic light.
var stateColours = map[string]colour{
	event.Active.String():     green,
	event.Fault.String():      red,
	event.Initialize.String(): yellow,
}

// priority returns the priority in force, and the configured one if it differs.
func priority(i control.Instance) string {
	switch {
	case i.EffectivePriority != i.Priority:
		return fmt.Sprintf("%d (of %d)", i.EffectivePriority, i.Priority)
	case i.IsOwner:
		return fmt.Sprintf("%d (owner)", i.Priority)
	}
	return strconv.Itoa(int(i.Priority))
}

// active returns the address and priority of the Active if they are known, otherwise a dash.
func active(i control.Instance) string {
	if i.ActiveAddress == nil {
		return or("")
	}
	return fmt.Sprintf("%s (%d)", i.ActiveAddress, i.ActivePriority)
}

// held returns the addresses of an instance; those that it does not advertise follow a plus sign.
func held(i control.Instance) string {
	text := list(i.Addresses)
	if len(i.ExtraAddresses) > 0 {
		text += " + " + list(i.ExtraAddresses)
	}
	return text
}

func list(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, a := range addresses {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// faults returns a note for each fault of an instance, with its age unless its end is known.
func faults(s *control.Status, now time.Time) (notes []note) {
	for _, i := range s.Instances {
		for _, f := range i.Faults {
			n := note{text: i.Name + ": " + printable(f.Text), colour: red}
			if f.Since != nil && f.Until == nil {
				n.age = " (for " + span(now.Sub(*f.Since)) + ")"
			}
			notes = append(notes, n)
		}
	}
	return notes
}

// lastStanding returns a note for each instance that serves while its group does not.
func lastStanding(s *control.Status) (notes []note) {
	for _, i := range s.Instances {
		if i.LastStanding {
			notes = append(notes, note{
				text: i.Name + ": serves as the last one standing, with priority 1: nobody else does, and its group " + i.Group + " does not serve as a whole", colour: red,
			})
		}
	}
	return notes
}

// missing returns a note for each thing that an instance lacks.
func missing(s *control.Status) (notes []note) {
	for _, i := range s.Instances {
		for _, what := range i.Missing {
			notes = append(notes, note{text: i.Name + ": lacks " + what, colour: red})
		}
	}
	return notes
}

// holdings returns a note for each instance that stays Backup although its waits are over.
func holdings(s *control.Status) (notes []note) {
	for _, i := range s.Instances {
		if i.Holding != "" {
			notes = append(notes, note{text: i.Name + ": holds, " + printable(i.Holding), colour: red})
		}
	}
	return notes
}

// probes returns a note for each Backup that should watch the machine of its Active, and for each
// instance that took a living Active for dead.
func probes(s *control.Status) (notes []note) {
	for _, i := range s.Instances {
		p := i.Probe
		if p == nil || i.State != event.Backup.String() && p.SuspendedUntil == nil {
			continue
		}
		n := note{text: i.Name + ": probe " + printable(p.Text)}
		if p.Asked > 0 {
			n.age = fmt.Sprintf(" (%d of the last %d)", p.Answered, p.Asked)
		}
		if !p.InUse {
			n.colour = yellow
		}
		notes = append(notes, n)
	}
	return notes
}

// warnings returns a note for each warning in force.
func warnings(s *control.Status, now time.Time) (notes []note) {
	add := func(of string, all []control.Warning) {
		for _, w := range all {
			n := note{text: of + ": " + w.Text, colour: yellow}
			if w.Since != nil {
				n.age = " (for " + span(now.Sub(*w.Since)) + ")"
			}
			notes = append(notes, n)
		}
	}
	for _, i := range s.Instances {
		add(i.Name, i.Warnings)
	}
	add(addr.StaticName, s.StaticWarnings)
	add(event.MachineName, s.MachineWarnings)
	return notes
}

func links(s *control.Status, now time.Time) table {
	t := table{words("LINK", "USABLE", "ADMIN", "CARRIER", "OPERSTATE", "MONITOR", "UPS", "DOWNS", "CHANGED", "SOURCE")}
	for _, l := range s.Links {
		usable := cell{text: "yes", colour: green}
		if !l.Up {
			usable = cell{text: "no", colour: red}
		}
		changed, told := ago(l.LastChange, now), or(l.LastChangeSource)
		if l.Unchanged {
			changed, told = or(""), or("")
		}
		t = append(t, append([]cell{{text: l.Name}, usable},
			words(upDown(l.AdminUp), upDown(l.Carrier), or(l.OperState), or(l.Monitor),
				strconv.FormatUint(uint64(l.CarrierUpCount), 10), strconv.FormatUint(uint64(l.CarrierDownCount), 10),
				changed, told)...))
	}
	return t
}

func checks(s *control.Status, now time.Time) table {
	t := table{words("CHECK", "STATE", "SINCE", "ADDS", "RUNS", "FAILED", "SKIPPED", "CHECKS")}
	for _, k := range s.Checks {
		checks := printable(k.Checks)
		if k.Error != "" {
			checks += " (" + printable(k.Error) + ")"
		}
		t = append(t, append([]cell{{text: k.Name}, {text: k.State, colour: checkColours[k.State]}},
			words(ago(k.Since, now), adds(k.Value), strconv.FormatUint(k.Runs, 10), strconv.FormatUint(k.Failed, 10),
				strconv.FormatUint(k.Skipped, 10), checks)...))
	}
	return t
}

// checkColours maps the states of a check to colours.
var checkColours = map[string]colour{
	track.Up.String():      green,
	track.Down.String():    red,
	track.Waiting.String(): yellow,
}

// adds returns the amount that a check adds to the priority, with its sign.
func adds(value int) string {
	if value == 0 {
		return or("")
	}
	return fmt.Sprintf("%+d", value)
}

// printable replaces characters that would move the cursor of a terminal with blanks: the text
// comes from another program.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// or returns the text, or a dash if it is empty.
func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// age returns the time since t; a dash if t is not known.
func age(t *time.Time, now time.Time) string {
	if t == nil {
		return or("")
	}
	return span(now.Sub(*t))
}

// ago returns the time since t, followed by "ago"; a dash if t is not known.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return or("")
	}
	return span(now.Sub(*t)) + " ago"
}

// span formats a time in its two largest units. A negative one, after a clock was set back, is 0s.
func span(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	days, hours := int(d.Hours())/24, int(d.Hours())%24
	minutes, seconds := int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%ds", minutes, seconds)
	}
	return fmt.Sprintf("%ds", seconds)
}
