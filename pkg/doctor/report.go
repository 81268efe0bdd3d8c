package doctor

import (
	"fmt"
	"strings"
)

// Document is what `ripcord doctor --json` prints.
type Document struct {
	Config     string    `json:"config,omitempty"` // empty: there is none
	Links      []string  `json:"links"`            // the examined links
	ListenedMS int64     `json:"listened_ms"`
	Clean      bool      `json:"clean"` // there are only notes
	Findings   []Finding `json:"findings"`
}

// NewDocument returns the document of findings.
func NewDocument(f *Facts, findings []Finding) Document {
	d := Document{Config: f.File, Links: []string{}, ListenedMS: f.Listened.Milliseconds(), Clean: Clean(findings), Findings: findings}
	for i := range f.Links {
		d.Links = append(d.Links, f.Links[i].Name)
	}
	return d
}

// Line returns a finding in one line.
func (f Finding) Line() string {
	return fmt.Sprintf("%s: %s: %s; %s. To do: %s (%s)", f.Severity, f.Subject, f.What, f.Why, f.Remedy, f.Name)
}

// heard reports whether adverts can be received on the link.
func (l *Link) heard() bool { return l.Index != 0 && l.AdminUp && (l.Carrier || l.Usable) }

// Scope returns a line about what was examined, and on which links the doctor listened.
func Scope(f *Facts) string {
	what := "no configuration: looked at all links that are up"
	if f.File != "" {
		what = "looked at this machine for " + f.File
	}
	var names []string
	for i := range f.Links {
		if f.Links[i].heard() {
			names = append(names, f.Links[i].Name)
		}
	}
	if len(names) == 0 {
		names = []string{"no link"}
	}
	return fmt.Sprintf("%s, and listened for %v on %s", what, f.Listened, strings.Join(names, ", "))
}
