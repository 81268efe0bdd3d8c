package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"ripcord/pkg/config"
)

var (
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	codeBlock  = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	commandLn  = regexp.MustCompile(`(?:^|[|;&] *|sudo )ripcord ([a-z].*)`)
	commandEnd = regexp.MustCompile(` *([|;#<>].*|&&.*)$`)
	flagName   = regexp.MustCompile(`^--([a-z-]+)`)
)

// commandsIn returns the command lines of ripcord on a page, without the program's name.
func commandsIn(page string) (commands []string) {
	var shown []string
	for _, block := range codeBlock.FindAllStringSubmatch(page, -1) {
		shown = append(shown, strings.Split(block[1], "\n")...)
	}
	page = codeBlock.ReplaceAllString(page, "")
	for line := range strings.Lines(page) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			shown = append(shown, code)
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(page, -1) {
		shown = append(shown, strings.ReplaceAll(span[1], `\|`, "|"))
	}
	for _, s := range shown {
		if m := commandLn.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
			commands = append(commands, commandEnd.ReplaceAllString(m[1], ""))
		}
	}
	return commands
}

// unknownIn returns the first part of a command line that does not exist; empty if all parts do.
func unknownIn(line string) string {
	root := newRoot()
	root.SetOut(io.Discard)
	strictCompletion(root)
	words := strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(line))
	command, _, err := root.Find(words)
	if err != nil || command == root {
		return "the command " + words[0]
	}
	for _, w := range words[1:] {
		m := flagName.FindStringSubmatch(w)
		if m != nil && m[1] != "help" && command.Flags().Lookup(m[1]) == nil {
			return "the flag " + m[0] + " of " + command.Name()
		}
	}
	return ""
}

// TestCommandsInDocs requires that each command line of ripcord on a page exists, with its flags.
func TestCommandsInDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsIn(string(text)) {
			seen++
			if unknown := unknownIn(line); unknown != "" {
				t.Errorf("%s shows `ripcord %s`, but %s does not exist", page, line, unknown)
			}
		}
	}
	if seen < 60 {
		t.Errorf("found only %d commands", seen)
	}
	for line, want := range map[string]string{
		"status --wach": "the flag --wach of status", "frobnicate": "the command frobnicate", "status NAME --watch": "", "release NAME [--for DURATION]": "",
	} {
		if got := unknownIn(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestContainers requires that the commands of the Dockerfile and the DaemonSet exist, that the
// configurations in the DaemonSet load, and that its rights are those of the systemd unit and the
// one that the daemon leaves to a separately started runner.
func TestContainers(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile("../../deploy/" + path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	runs := func(words []string) {
		t.Helper()
		if unknown := unknownIn(strings.Join(words, " ")); unknown != "" {
			t.Errorf("%q: %s does not exist", words, unknown)
		}
	}
	list := regexp.MustCompile(`(?m)(?:^CMD|CMD) (\[.*\])$`)
	images := list.FindAllStringSubmatch(read("docker/Dockerfile"), -1)
	if len(images) != 2 {
		t.Errorf("the Dockerfile has %d commands, want CMD and HEALTHCHECK", len(images))
	}
	for _, m := range images {
		var words []string
		if err := yaml.Unmarshal([]byte(m[1]), &words); err != nil {
			t.Fatal(err)
		}
		runs(slices.DeleteFunc(words, func(w string) bool { return w == "/usr/sbin/ripcord" }))
	}

	configMap, rest, _ := strings.Cut(read("kubernetes/ripcord.yaml"), "\n---\n")
	var files struct{ Data map[string]string }
	if err := yaml.Unmarshal([]byte(configMap), &files); err != nil || len(files.Data) < 2 {
		t.Fatalf("%d configurations, %v", len(files.Data), err)
	}
	for name, text := range files.Data {
		if c, err := config.Parse(name, []byte(text)); err != nil || len(c.Warnings) > 0 {
			t.Errorf("%s: %v, %v", name, err, c)
		}
	}
	type probe struct{ Exec struct{ Command []string } }
	var set struct {
		Spec struct {
			Template struct {
				Spec struct {
					HostNetwork                   bool `yaml:"hostNetwork"`
					TerminationGracePeriodSeconds int  `yaml:"terminationGracePeriodSeconds"`
					Containers                    []struct {
						Args                                        []string
						LivenessProbe, ReadinessProbe, StartupProbe probe
						SecurityContext                             struct{ Capabilities struct{ Add, Drop []string } } `yaml:"securityContext"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(strings.NewReplacer("livenessProbe", "livenessprobe", "readinessProbe", "readinessprobe", "startupProbe", "startupprobe").Replace(rest)), &set); err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template.Spec
	if !pod.HostNetwork || pod.TerminationGracePeriodSeconds < 21 || len(pod.Containers) != 1 {
		t.Fatalf("the pod is %+v", pod)
	}
	c := pod.Containers[0]
	runs(c.Args)
	for _, p := range []probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if len(p.Exec.Command) == 0 || p.Exec.Command[0] != "/usr/sbin/ripcord" {
			t.Fatalf("a probe is %+v", p)
		}
		runs(p.Exec.Command[1:])
	}
	bounds := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindStringSubmatch(read("ripcord.service"))
	for _, right := range c.SecurityContext.Capabilities.Add {
		if bounds == nil || right != "SYS_NICE" && !slices.Contains(strings.Fields(bounds[1]), "CAP_"+right) {
			t.Errorf("the unit does not give %s", right)
		}
	}
	if !slices.Equal(c.SecurityContext.Capabilities.Drop, []string{"ALL"}) || len(c.SecurityContext.Capabilities.Add) < 2 {
		t.Errorf("the rights are %+v", c.SecurityContext.Capabilities)
	}
}
