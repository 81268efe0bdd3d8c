package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// acceptPause is how long Accept waits after an error before it tries again.
const acceptPause = 100 * time.Millisecond

// limitedListener accepts every connection and keeps at most limit of them open: the daemon's
// descriptors are for its own sockets. For one connection more it closes a connection of the peer
// that has the most, among these the one that has waited longest for its client. So clients that
// connect and stay silent do not keep others out, and a peer that connects repeatedly takes nothing
// from another. Until it is closed, no error ends it: a client must not end a router.
type limitedListener struct {
	net.Listener
	limit int
	once  sync.Once
	done  chan struct{}

	mu   sync.Mutex
	open []*conn // in the order in which their last answer began or ended
}

// conn is a connection of a limitedListener.
type conn struct {
	net.Conn
	listener *limitedListener
	peer     string // a process on the socket, an address over TCP
	busy     bool   // a request of it is being answered; guarded by listener.mu
}

func limit(l net.Listener, connections int) *limitedListener {
	return &limitedListener{Listener: l, limit: connections, done: make(chan struct{})}
}

// Accept waits for the next connection. If the process has no descriptor left for it, the
// connection that has waited longest is closed.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		switch {
		case err == nil:
			return l.add(accepted), nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		}
		l.closeOldest(0)
		select {
		case <-time.After(acceptPause):
		case <-l.done:
		}
	}
}

// Close closes the listener and ends a waiting Accept.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

func (l *limitedListener) add(accepted net.Conn) *conn {
	l.closeOldest(l.limit - 1)
	peer := peerOf(accepted)
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &conn{Conn: accepted, listener: l, peer: peer}
	l.open = append(l.open, c)
	return c
}

// closeOldest closes one connection if more than keep are open.
func (l *limitedListener) closeOldest(keep int) {
	l.mu.Lock()
	var oldest *conn
	if len(l.open) > keep {
		oldest = victim(l.open)
	}
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
}

// victim returns the connection to close: among those of the peers with the most connections, the
// first one that is not being answered, or else the first one.
func victim(open []*conn) *conn {
	of, most := make(map[string]int), 0
	for _, c := range open {
		of[c.peer]++
		most = max(most, of[c.peer])
	}
	candidates := slices.DeleteFunc(slices.Clone(open), func(c *conn) bool { return of[c.peer] < most })
	return candidates[max(0, slices.IndexFunc(candidates, func(c *conn) bool { return !c.busy }))]
}

// Close closes the connection and removes it from the list. A second Close only returns an error.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	c.listener.open = slices.DeleteFunc(c.listener.open, func(o *conn) bool { return o == c })
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// change records whether a request is being answered. From then on the connection counts as the
// youngest.
func (c *conn) change(busy bool) {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	c.busy = busy
	if i := slices.Index(l.open, c); i >= 0 {
		l.open = append(slices.Delete(l.open, i, i+1), c)
	}
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// markBusy marks the connection of each request as busy while h answers it.
func markBusy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			c.change(true)
			defer c.change(false)
		}
		h.ServeHTTP(w, r)
	})
}
