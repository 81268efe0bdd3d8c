package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ripcord/pkg/config/problem"
)

// TestListen checks the valid forms of control.listen, and the errors of invalid ones.
func TestListen(t *testing.T) {
	const rest = "\ninstances: [{name: a, interface: eth0, vrid: 1, priority: 1, addresses: [192.0.2.1/24]}]\n"
	for text, wrong := range map[string]string{
		"127.0.0.1:9112": "", ":9112": "", "0.0.0.0:1": "", "[::]:65535": "", "[2001:db8::9]:9112": "", "[fe80::9%eth0]:9112": "",
		"127.0.0.1":          "127.0.0.1 has no port",
		"2001:db8::9":        "2001:db8::9 has no port",
		"9112":               "9112 has no port",
		"2001:db8::9:99999":  "99999 is not a port between 1 and 65535",
		"[2001:db8::9]":      "9] is not a port between 1 and 65535",
		"127.0.0.1:0":        "0 is not a port between 1 and 65535",
		"127.0.0.1:":         `"" is not a port between 1 and 65535`,
		"127.0.0.1:+80":      "+80 is not a port between 1 and 65535",
		"127.0.0.1:080":      "080 is not a port between 1 and 65535",
		"127.0.0.1:http":     "http is not a port between 1 and 65535",
		"localhost:9112":     "localhost is not an IP address",
		"1.2.3:9112":         "1.2.3 is not an IP address",
		"[127.0.0.1]:9112":   "[127.0.0.1] is not the form of an address before a port",
		"[::1:9112":          "[::1 is not the form of an address before a port",
		"2001:db8:::9112":    "2001:db8:: is not the form of an address before a port",
		"224.0.0.18:9112":    "224.0.0.18 is a multicast address, on which a server cannot listen",
		"[fe80::9]:9112":     "fe80::9 is link-local and does not say on which interface",
		"[fe80::9%eth0]:x y": `"x y" is not a port between 1 and 65535`,
	} {
		c, err := Parse("x.yaml", fmt.Appendf(nil, "control: {listen: %q}%s", text, rest))
		var all problem.Problems
		switch {
		case wrong == "" && (err != nil || c.Control.Listen != text):
			t.Errorf("%s: %v", text, err)
		case wrong != "" && (!errors.As(err, &all) || len(all) != 1 || all[0].Path != "control.listen" || !strings.HasPrefix(all[0].Message, wrong)):
			t.Errorf("%s: %v, want %s", text, err, wrong)
		}
	}
}
