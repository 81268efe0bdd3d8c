package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/wire"
)

const testKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// keyFile returns a configuration whose key is in a file.
func keyFile(path string) []byte {
	return fmt.Appendf(nil, "instances: [{name: a, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24], auth: {hmac: {keys: {1: {file: %q}}}}}]\n", path)
}

// TestKeyFile checks which contents and which permissions a key file may have.
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []struct {
		text    string
		mode    os.FileMode
		problem string
		warning string
	}{
		{testKey, 0o600, "", ""},
		{testKey + "\n", 0o640, "", ""},
		{testKey[:32] + " \r\n\t" + testKey[32:] + "\n\n", 0o400, "", ""},
		{testKey, 0o644, "", "chmod o-rwx"},
		{testKey, 0o602, "", "chmod o-rwx"},
		{"", 0o600, "0 bytes", ""},
		{testKey[2:], 0o600, "31 bytes", ""},
		{"hex:" + testKey, 0o600, "hexadecimal", ""},
		{strings.Repeat("00", 1<<20), 0o600, "2048 bytes", ""},
	} {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil { // chmod ignores the umask
			t.Fatal(err)
		}
		got, err := Parse("x.yaml", keyFile(path))
		switch {
		case c.problem != "":
			var all problem.Problems
			if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].Message, c.problem) || all[0].Path != "instances[0].auth.hmac.keys.1.file" {
				t.Errorf("%d: %v, want %s", i, err, c.problem)
			}
		case err != nil:
			t.Errorf("%d: %v", i, err)
		default:
			if h := got.Groups[0].Members[0].HMAC; h.Active != 1 || !sameKey(h.Keys[1]) {
				t.Errorf("%d: it is another key", i)
			}
			if (len(got.Warnings) > 0) != (c.warning != "") || len(got.Warnings) > 0 && !strings.Contains(got.Warnings[0].Hint, c.warning) {
				t.Errorf("%d: warnings %v, want %q", i, got.Warnings, c.warning)
			}
		}
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("x.yaml", keyFile(fifo)); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a FIFO: %v", err) // Parse must not block, either
	}
}

// TestKeepalivedKeyFile checks the forms that keepalived reads as well: hex: with digits, and the
// key itself.
func TestKeepalivedKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	raw, err := hex.DecodeString(testKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"hex:" + testKey + "\n", string(raw) + "\r\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Parse("x.yaml", []byte(strings.Replace(string(keyFile(path)), "file:", "keepalived_file:", 1)))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !sameKey(got.Groups[0].Members[0].HMAC.Keys[1]) {
			t.Errorf("%q is another key", text)
		}
	}
}

// TestKeyOfNoID checks that the id of the signing key is checked even if a key cannot be read.
func TestKeyOfNoID(t *testing.T) {
	text := strings.Replace(string(keyFile("/does/not/exist")), "}}}}]", "}, active: 2}}}]", 1)
	var all problem.Problems
	if _, err := Parse("x.yaml", []byte(text)); !errors.As(err, &all) || len(all) != 2 || all[1].Message != "there is no key 2" {
		t.Errorf("%v, want both the file and the id", err)
	}
}

// sameKey reports whether a secret is testKey, by the test vector of the facts page.
func sameKey(s wire.Secret) bool {
	var key []byte
	for i := range byte(32) {
		key = append(key, i)
	}
	sign := func(s wire.Secret) string {
		b := make([]byte, 8+4+wire.TrailerLen)
		wire.NewKey(1, s).Sign(b, wire.Group4, 42)
		return string(b)
	}
	return sign(s) == sign(wire.NewSecret(key))
}

// TestNothingRepeatsASecret checks that no error repeats a secret, for each kind of error and
// place.
func TestNothingRepeatsASecret(t *testing.T) {
	upper := strings.ToUpper(testKey)
	for _, text := range []string{
		"instances: [{auth: {hmac: {keys: {1: {hex: %s}}}}}]",
		"instances: [{auth: {hmac: {keys: {1: {hex: \"%s\"}}}}}]",
		"instances: [{auth: {hmac: {keys: {1: {hex: '%s'}, zzz: 1}}}}]",
		"instances:\n  - auth:\n      hmac:\n        keys:\n          1:\n            hex: %s 00\n",
		"instances:\n  - auth:\n      hmac:\n        keys:\n          1:\n            hex:\n              %s\n            zzz: 1\n",
		"instances: [{auth: {hmac: {keys: {1: %s}}}}]",
		"instances: [{auth: {hmac: {keys: %s}}}]",
		"instances: [{auth: {hmac: {keys: {%s: 1}}}}]",
		"instances: [{auth: {hmac: %s}}]",
		"instances: [{%s: 1}]",
		"instances: [{name: %s}]",
		"{ [ hex: %s",
		"hex: %s\n\tx",
		"instances: [{auth: {pass: %s}}]",
	} {
		for _, key := range []string{testKey, upper, strings.Repeat("1", 64)} {
			_, err := Parse("x.yaml", fmt.Appendf(nil, text, key))
			if err == nil {
				t.Errorf("%s is no problem", text)
				continue
			}
			if said := err.Error(); strings.Contains(said, key[:16]) || strings.Contains(said, key[48:]) {
				t.Errorf("%s: it says\n%s", text, said)
			}
		}
	}
	for _, secret := range []string{"s3cret", "s3, cret", "s3 cret"} {
		_, err := Parse("x.yaml", fmt.Appendf(nil, "instances: [{auth: {pass: %q}, zzz: 1}]", secret))
		if err == nil || strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "cret") {
			t.Errorf("it says\n%v", err)
		}
	}
}
