package telemetry

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A scrape is first written into memory, and only that is limited to a few at once: a client that
// reads slowly, or not at all, delays no other client. answers limits the memory of unread answers.

const (
	blockSize  = 64 << 10
	maxUnread  = 16 << 20        // bytes of answers that their clients have not read yet
	scrapeWait = 2 * time.Second // how long a scrape waits while others are rendered
)

// blocks are reused by the next scrape, or freed by a garbage collection.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// rendered is an answer in memory. It is an io.Writer.
type rendered struct {
	all  []*[blockSize]byte
	free []byte // of the last block
	size int
}

// Write never returns an error.
func (t *rendered) Write(p []byte) (int, error) {
	n := len(p)
	t.size += n
	for len(p) > 0 {
		if len(t.free) == 0 {
			block := blocks.Get().(*[blockSize]byte)
			t.all, t.free = append(t.all, block), block[:]
		}
		copied := copy(t.free, p)
		t.free, p = t.free[copied:], p[copied:]
	}
	return n, nil
}

// sendTo writes the answer to w, until an error, and calls progress after each block.
func (t *rendered) sendTo(w io.Writer, progress func()) {
	left := t.size
	for _, block := range t.all {
		n := min(left, blockSize)
		if _, err := w.Write(block[:n]); err != nil {
			return // the client is gone
		}
		left -= n
		progress()
	}
}

func (t *rendered) forget() {
	for _, block := range t.all {
		blocks.Put(block)
	}
	*t = rendered{}
}

// answers are the answers that are being sent. When their size exceeds maxUnread together, those
// are aborted whose clients have read nothing for the longest time.
type answers struct {
	mu   sync.Mutex
	all  []*sending // in the order of their last progress
	size int        // of all answers
}

// sending is one answer that is being sent.
type sending struct {
	size    int
	abandon func()
}

// send sends an answer.
func (a *answers) send(w http.ResponseWriter, t *rendered) {
	s := &sending{t.size, func() { _ = http.NewResponseController(w).SetWriteDeadline(time.Now()) }}
	a.add(s)
	defer a.remove(s)
	t.sendTo(w, func() { a.progress(s) })
}

func (a *answers) add(s *sending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, s)
	a.size += s.size
	for left, i := a.size, 0; left > maxUnread && i < len(a.all)-1; i++ {
		a.all[i].abandon() // its sender removes it
		left -= a.all[i].size
	}
}

// progress records that a client has read some of its answer.
func (a *answers) progress(s *sending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(slices.DeleteFunc(a.all, func(o *sending) bool { return o == s }), s)
}

// remove removes an answer from the list. It is called while the handler runs, so that no abandon
// comes after it.
func (a *answers) remove(s *sending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = slices.DeleteFunc(a.all, func(o *sending) bool { return o == s })
	a.size -= s.size
}
