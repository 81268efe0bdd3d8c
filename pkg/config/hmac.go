package config

import (
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/config/files"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// authentication is the section auth of an instance.
type authentication struct {
	pass wire.Auth
	hmac *hmac // nil: none
}

// hmac is the section auth.hmac.
type hmac struct {
	vrrp.HMAC
	monotonic bool
	present   schema.KeySet
}

// minWindow is the shortest default of the window.
const minWindow = 5 * time.Second

// readHMAC reads the section, of which keys is required.
func readHMAC(report *problem.Report, at problem.Place, a *authentication) bool {
	h := &hmac{}
	if h.present = hmacKeys.Fill(report, at, h); h.present == nil {
		return false
	}
	a.hmac = h
	h.check(report, at)
	return true
}

// check finds the signing key, and requires that the parts agree.
func (h *hmac) check(report *problem.Report, at problem.Place) {
	active, present := h.present["active"]
	ids := h.ids()
	switch {
	case len(ids) == 0, active.Bad: // was reported
	case present && !slices.Contains(ids, h.Active):
		report.Fail(active, "there is no key %d", h.Active)
	case present:
	case len(ids) == 1:
		h.Active = ids[0]
	default:
		report.Advise(at.Key("active"), "set which of the keys signs", "missing, and there are %d keys", len(ids))
	}
	if at, ok := h.present["window"]; ok && h.monotonic {
		report.Warn(at, "replay: monotonic does not use the time", "has no effect")
	}
}

// ids returns the ids of the keys, also of keys that cannot be read.
func (h *hmac) ids() (ids []uint8) {
	keys := h.present["keys"].Node
	if keys == nil || keys.Kind != tree.Map {
		return nil
	}
	for _, e := range keys.Entries {
		if id, ok := keyID(e.Key); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// keyID parses the id of a key.
func keyID(text string) (uint8, bool) {
	id, err := strconv.ParseUint(text, 10, 8)
	return uint8(id), err == nil && id > 0 && !schema.LeadingZero.MatchString(text)
}

// build returns the authentication of an instance with that interval; nil: none.
func (h *hmac) build(interval time.Duration) *vrrp.HMAC {
	if h == nil {
		return nil
	}
	out := h.HMAC
	switch {
	case h.monotonic:
		out.Window = 0
	case out.Window == 0:
		out.Window = max(minWindow, 3*interval)
	}
	return &out
}

// check requires that there is only one authentication.
func (a *authentication) check(report *problem.Report, o origin) {
	if a.hmac != nil && a.pass != (wire.Auth{}) {
		report.Advise(o.where("auth"), "keep hmac: pass is sent in clear text", "has both pass and hmac")
	}
}

// readSecrets reads the map of keys, by their ids.
func readSecrets(report *problem.Report, at problem.Place) (map[uint8]wire.Secret, bool) {
	if !report.Expect(at, tree.Map) {
		return nil, false
	}
	all := map[uint8]wire.Secret{}
	for _, e := range at.Node.Entries {
		// An invalid id may be a key in the wrong place: the message does not repeat it.
		id, ok := keyID(e.Key)
		if !ok {
			report.Advise(problem.Place{Path: at.Path, Position: e.Position}, "write it like {1: {file: /etc/ripcord/key}}",
				"the id of a key is a number between 1 and 255")
			continue
		}
		if secret, ok := readSecret(report, at.Entry(e)); ok {
			all[id] = secret
		}
	}
	if len(at.Node.Entries) == 0 {
		report.Fail(at, "needs at least one key")
	}
	return all, len(all) == len(at.Node.Entries) && len(all) > 0
}

// readSecret reads one key, from its digits or a file with them.
func readSecret(report *problem.Report, at problem.Place) (wire.Secret, bool) {
	var digits string
	present := secretKeys.Read(report, at, &digits)
	if present == nil || !secretKeys.Sound(present) {
		return wire.Secret{}, false
	}
	if len(present) != 1 {
		report.Fail(at, "needs either file or hex")
		return wire.Secret{}, false
	}
	if inline, ok := present["hex"]; ok {
		return secretOf(report, inline, digits, "the key")
	}
	file, ok := present["file"]
	if !ok {
		file = present["keepalived_file"]
	}
	return secretOf(report, file, digits, "the key in the file")
}

// secretOf makes a secret from its digits. No message repeats them.
func secretOf(report *problem.Report, at problem.Place, digits, what string) (wire.Secret, bool) {
	key, err := hex.DecodeString(digits)
	const hint = "make one with: openssl rand -hex 32"
	switch {
	case err != nil:
		report.Advise(at, hint, "%s must be an even number of hexadecimal digits, and nothing else", what)
	case len(key) < wire.MinKey || len(key) > wire.MaxKey:
		report.Advise(at, hint, "%s has %d bytes, not %d to %d", what, len(key), wire.MinKey, wire.MaxKey)
	default:
		return wire.NewSecret(key), true
	}
	return wire.Secret{}, false
}

// digitsIn reads the digits of a key in the configuration itself.
func digitsIn(report *problem.Report, at problem.Place) (string, bool) {
	return report.Word(at, "text")
}

// digitsOf reads the digits of a key from a file; made extracts them from its text.
func digitsOf(made func(text string) string) func(*problem.Report, problem.Place) (string, bool) {
	return func(report *problem.Report, at problem.Place) (string, bool) {
		path, ok := report.Word(at, "text")
		if !ok {
			return "", false
		}
		if !strings.HasPrefix(path, "/") {
			report.Fail(at, "%s is not an absolute path", problem.Show(path))
			return "", false
		}
		text, mode, err := readKeyFile(path)
		if err != nil {
			hint := ""
			if errors.Is(err, fs.ErrNotExist) {
				hint = "copy it from another router, or make it on one of them: openssl rand -hex 32"
			}
			report.Advise(at, hint, "the key cannot be read: %v", err)
			return "", false
		}
		const others = 0o006
		if mode.Perm()&others != 0 {
			report.Warn(at, "chmod o-rwx "+path, "every user of this machine can read or change the key")
		}
		return made(text), true
	}
}

// plainDigits returns the digits in a file that contains only digits and blanks.
func plainDigits(text string) string { return strings.Join(strings.Fields(text), "") }

// keepalivedDigits returns the digits of a key file of keepalived's.
func keepalivedDigits(text string) string {
	text = strings.TrimRight(text, "\r\n")
	if digits, ok := strings.CutPrefix(text, "hex:"); ok {
		return plainDigits(digits)
	}
	return hex.EncodeToString([]byte(text))
}

// readKeyFile reads a small file, and nothing that could block.
func readKeyFile(path string) (text string, mode fs.FileMode, err error) {
	const enough = 4096
	f, info, err := files.OpenRegular(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, enough))
	return string(b), info.Mode(), err
}
