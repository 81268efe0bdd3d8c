package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version string

// newest is the version of a build that was given none: the newest section of CHANGELOG.md, as read
// by deploy/package/version.
const newest = "0.1.0"

// newVersion returns the command that prints the version.
func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of ripcord and of the Go it was built with",
		Args:  none,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine returns what the command and the flag --version print.
func versionLine() string {
	return fmt.Sprintf("ripcord %s (%s, %s/%s)", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionString returns the version that the build set, otherwise the one that Go recorded: the
// module's, or the commit.
func versionString() string {
	if version != "" {
		return version
	}
	info, _ := debug.ReadBuildInfo()
	return recorded(info)
}

func recorded(info *debug.BuildInfo) string {
	if info == nil {
		return newest
	}
	if v := info.Main.Version; v != "" && v != "(devel)" && !strings.HasPrefix(v, "v0.0.0-") {
		return strings.TrimPrefix(v, "v")
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if commit == "" {
		return newest
	}
	v := newest + "+" + commit[:min(len(commit), 12)]
	if settings["vcs.modified"] == "true" {
		v += ".modified"
	}
	return v
}
