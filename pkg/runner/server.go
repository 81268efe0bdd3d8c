package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"ripcord/pkg/command"
)

const (
	// reloadWithin is the limit for reading the configuration.
	reloadWithin = 20 * time.Second
	// maxBad is the number of invalid messages that a connection may send.
	maxBad = 16
	// maxRuns is the number of programs of a connection that run at the same time.
	maxRuns = 8192
	// writeWithin is how long the daemon may take to read an answer.
	writeWithin = 5 * time.Second
)

// ServerConfig is the configuration of a Server. All of it is required.
type ServerConfig struct {
	// Load reads the configuration and returns its programs.
	Load func(context.Context) (*Table, error)
	// Report logs a line. It may be called from any goroutine.
	Report func(text string)
	// Programs runs the programs.
	Programs command.Runner
}

// Server runs programs for its clients.
type Server struct {
	cfg ServerConfig

	loading sync.Mutex // one Load at a time

	mu      sync.Mutex
	now     *Table  // the programs in force
	next    *Table  // those that a reload has read, in force from the first request for them on; nil: none
	gone    removed // the programs that reloads removed: their last run may still come
	loadErr error   // why there are none
}

// NewServer returns a server without programs: Load comes first.
func NewServer(cfg ServerConfig) *Server { return &Server{cfg: cfg} }

// Load reads the configuration, whose programs are in force at once.
func (s *Server) Load(ctx context.Context) error { return s.load(ctx, "") }

// Reload reads the configuration, which must have that revision. Its programs are in force from the
// first request for them on: a daemon that has received no answer continues with the previous ones.
func (s *Server) Reload(ctx context.Context, revision string) error { return s.load(ctx, revision) }

// load is Load if wanted is empty, and otherwise Reload.
func (s *Server) load(ctx context.Context, wanted string) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	t, err := s.cfg.Load(ctx)
	if err == nil && wanted != "" && t.Revision() != wanted {
		err = errors.New("the configuration was changed meanwhile: reload again")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.now == nil {
			s.loadErr = err
		}
		return err
	}
	s.loadErr, s.next = nil, t
	if wanted == "" {
		s.proceed()
	}
	return nil
}

// proceed puts the programs of the last reload in force. The caller holds mu.
func (s *Server) proceed() {
	if s.now == nil || s.now.Revision() != s.next.Revision() {
		s.gone = s.gone.after(s.now, s.next, time.Now())
		s.now = s.next
	}
	s.next = nil
}

// inForce returns the programs in force for a request with that revision, and those that reloads
// removed.
func (s *Server) inForce(revision string) (now, gone *Table, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil && s.next.Revision() == revision {
		s.proceed()
	}
	if s.now == nil || s.now.Revision() != revision {
		return nil, nil, errStale
	}
	return s.now, s.gone.Table, nil
}

// Ping returns once the server answers.
func (s *Server) Ping() { s.hello() }

// hello returns the first message for a client.
func (s *Server) hello() *hello {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &hello{PID: os.Getpid()}
	if s.now != nil {
		h.Revision = s.now.Revision()
	}
	if s.loadErr != nil {
		h.Err = strings.ReplaceAll(s.loadErr.Error(), "\n", "; ")
		h.Err = h.Err[:min(len(h.Err), 2048)]
	}
	return h
}

// errStale is the error of a request that was made for another configuration.
var errStale = errors.New("ripcord and its runner have read different configurations: ripcord reload")

// command returns the command for a request.
func (s *Server) command(r *request) (command.Command, error) {
	now, gone, err := s.inForce(r.Revision)
	if err != nil {
		return command.Command{}, err
	}
	for _, t := range []*Table{now, gone} {
		if t == nil {
			break
		}
		if c, known := t.program(r.Program); known && r.Op == opCheck {
			return c, nil
		}
		if c, known, err := t.command(r.Program, r.Env); known {
			return c, err
		}
	}
	return command.Command{}, fmt.Errorf("the configuration has no program %.80q", r.Program)
}

// makeFIFO makes the FIFO of the configuration for the user with that number.
func (s *Server) makeFIFO(r *request, writer int) error {
	now, _, err := s.inForce(r.Revision)
	if err != nil {
		return err
	}
	if now.MakeFIFO == nil {
		return errors.New("the configuration has no fifo")
	}
	return now.MakeFIFO(writer)
}

// processes opens a directory of all processes for a daemon whose checks count some.
func (s *Server) processes(r *request) (*os.File, error) {
	now, _, err := s.inForce(r.Revision)
	if err != nil {
		return nil, err
	}
	if !now.processes {
		s.cfg.Report("refused to show all processes: the configuration has no check of processes")
		return nil, errors.New("the configuration has no check of processes")
	}
	return openProcesses()
}

// Serve answers a client until it or ctx ends the connection, and then stops all programs that it
// started.
func (s *Server) Serve(ctx context.Context, conn net.Conn, peer Peer) {
	ctx, cancel := context.WithCancel(ctx)
	ss := &session{server: s, conn: conn, peer: peer, runs: make(map[uint64]*run), names: make(map[command.ID]bool)}
	defer ss.letGo()
	defer ss.running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	ss.send(answer{Hello: s.hello()})
	buffer := make([]byte, maxRequest+1)
	for bad := 0; bad < maxBad; {
		n, file, err := receiveMessage(conn, buffer)
		if err != nil || n == 0 { // an empty datagram is the end as well
			closeFiles(file)
			return
		}
		r, err := decodeRequest(buffer[:n])
		if err == nil && r.Op == opHold {
			r.file = file
		} else {
			closeFiles(file) // it was not expected
		}
		if err != nil {
			bad++
			s.cfg.Report(fmt.Sprintf("refused a message from the daemon: %v", err))
			ss.send(answer{Seq: r.Seq, Err: err.Error(), Ended: true})
			continue
		}
		ss.handle(ctx, &r)
	}
	s.cfg.Report(fmt.Sprintf("closed the connection of the daemon: %d of its messages were invalid", maxBad))
	_ = conn.Close()
}
