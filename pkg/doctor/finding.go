package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// Severity is the importance of a finding.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // a failover fails, or two routers serve
	Warning Severity = "warning" // it may
	Note    Severity = "note"    // worth knowing, and no fault
)

// Finding is one problem that was found. Its JSON keys are those of `ripcord doctor --json`.
type Finding struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // a link, an instance, or "machine"
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Remedy   string   `json:"remedy"`
}

// check is a row of the table: a finding, with words in braces that depend on the case, and the
// function that looks for it. Each found is one finding.
type check struct {
	name              string
	severity          Severity
	what, why, remedy string
	look              func(f *Facts) []found
}

// found has the words of one finding by their names in braces; "subject" is its subject.
type found map[string]string

// machine is the subject of findings that concern no link.
const machine = "machine"

// table returns all checks, in the order in which findings of one severity are shown.
func table() []check {
	return slices.Concat(linkChecks, kernelChecks, firewallChecks, segmentChecks, addressChecks, machineChecks)
}

// Names lists the names of all possible findings.
func Names() (all []string) {
	for _, c := range table() {
		all = append(all, c.name)
	}
	return all
}

// Judge returns the findings, the most severe first.
func Judge(f *Facts) []Finding {
	findings := []Finding{}
	for _, c := range table() {
		for _, words := range c.look(f) {
			findings = append(findings, c.finding(words))
		}
	}
	order := []Severity{Error, Warning, Note}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity))
	})
	return slices.Compact(findings)
}

// Clean reports whether there are no findings except notes.
func Clean(findings []Finding) bool {
	return !slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity != Note })
}

func (c *check) finding(words found) Finding {
	return Finding{
		Name: c.name, Severity: c.severity, Subject: words["subject"],
		What: words.fill(c.what), Why: words.fill(c.why), Remedy: words.fill(c.remedy),
	}
}

// fill replaces the names in braces with the words. It removes the backquotes, which are for
// docs/doctor.md.
func (w found) fill(text string) string {
	var pairs []string
	for name, word := range w {
		pairs = append(pairs, "{"+name+"}", word)
	}
	return strings.ReplaceAll(strings.NewReplacer(pairs...).Replace(text), "`", "")
}

// onLink returns the key of a setting for a link.
func onLink(key, link string) string { return strings.Replace(key, "*", link, 1) }

// dotted returns the key of a setting in the form of sysctl(8): dots in the name of a link are
// slashes there.
func dotted(key string) string {
	return "net." + strings.NewReplacer("/", ".", ".", "/").Replace(key)
}
