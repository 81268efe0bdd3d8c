package syntax

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"ripcord/pkg/tree"
)

// Class is what a note says of its place.
type Class uint8

// The classes of notes.
const (
	Error   Class = iota // keepalived fails, too, or to go on would be dangerous
	Ignored              // keepalived logs or ignores it, and ripcord does the same
	Differs              // runs in another way than under keepalived
	NotDone              // ripcord does not do it
)

// A Note is what is to be said of one place of the file.
type Note struct {
	tree.Position
	Class   Class
	Subject string // what it is about: the statement, or a block by its name
	Message string
	Hint    string // what to do about it; may be empty
}

// mostNotes is how many errors are kept, and how many other notes: more than anybody
// lists.
const mostNotes = 500

// A Report collects notes.
type Report struct {
	Subject string // of the notes that follow
	notes   []Note
	seen    map[Note]bool // those but errors, which a sequence or a definition may repeat
	errors  int           // all, those too that are not kept
	others  int           // likewise
}

func (r *Report) note(class Class, at tree.Position, hint, format string, args []any) {
	n := Note{at, class, r.Subject, fmt.Sprintf(format, args...), hint}
	count := &r.others
	if class == Error {
		count = &r.errors
	}
	if r.seen[n] {
		return
	}
	if *count++; *count > mostNotes {
		return
	}
	if class != Error {
		if r.seen == nil {
			r.seen = make(map[Note]bool)
		}
		r.seen[n] = true
	}
	r.notes = append(r.notes, n)
}

// Notes returns the notes that are kept, in the order in which they were made.
func (r *Report) Notes() []Note { return r.notes }

// Errors returns how many errors were noted.
func (r *Report) Errors() int { return r.errors }

// Full reports whether no more notes but errors are kept.
func (r *Report) Full() bool { return r.others >= mostNotes }

// Free returns the first of some places of which nothing has been noted yet, or the last of them.
func (r *Report) Free(places ...tree.Position) (free tree.Position) {
	for _, free = range places {
		if !slices.ContainsFunc(r.notes, func(n Note) bool { return n.Position == free }) {
			break
		}
	}
	return free
}

// Fail notes an error, and perhaps what to do about it.
func (r *Report) Fail(at tree.Position, hint, format string, args ...any) {
	r.note(Error, at, hint, format, args)
}

// Ignore notes what keepalived logs or ignores.
func (r *Report) Ignore(at tree.Position, hint, format string, args ...any) {
	r.note(Ignored, at, hint, format, args)
}

// Differ notes what runs in another way than under keepalived.
func (r *Report) Differ(at tree.Position, hint, format string, args ...any) {
	r.note(Differs, at, hint, format, args)
}

// NotDone notes what ripcord does not do.
func (r *Report) NotDone(at tree.Position, hint, format string, args ...any) {
	r.note(NotDone, at, hint, format, args)
}

// comment notes where a comment begins that was most likely not meant: behind a backslash, or
// in a password.
func (r *Report) comment(whole, l line) {
	end := strings.Index(whole.text, l.text) + len(l.text)
	switch behind := whole.text[end:]; {
	case len(behind) > 1 && behind[0] == '\\' && (behind[1] == '#' || behind[1] == '!'):
		r.Ignore(whole.position(end), "write the word in double quotes", "%c begins a comment, also behind a backslash: the line ends before it", behind[1])
	case l.isPassword() && behind != "" && (behind[0] == '#' || behind[0] == '!'):
		r.Ignore(whole.position(end), "write the password in double quotes", "%c begins a comment: the password ends before it", behind[0])
	}
}

// Show writes what the file says into a message: quoted where it would not be clear what
// belongs to it, and not too long.
func Show(text string) string {
	const enough = 60
	if n := len(text); n > enough {
		runes := []rune(text)
		if len(runes) > enough {
			return strconv.Quote(string(runes[:enough])) + "…"
		}
	}
	strange := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }
	if text == "" || strings.ContainsFunc(text, strange) {
		return strconv.Quote(text)
	}
	return text
}
