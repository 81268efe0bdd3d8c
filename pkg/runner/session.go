package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"ripcord/pkg/command"
)

// session is the connection of a client, with the programs that it has started.
type session struct {
	server  *Server
	conn    net.Conn
	peer    Peer
	running sync.WaitGroup
	held    []*os.File // open until the connection ends

	sending sync.Mutex

	mu    sync.Mutex
	runs  map[uint64]*run
	names map[command.ID]bool // of the running ones
}

// run is a running program.
type run struct{ stop context.CancelFunc }

// handle executes a request, without waiting for its end.
func (s *session) handle(ctx context.Context, r *request) {
	switch r.Op {
	case opStop:
		s.mu.Lock()
		if run := s.runs[r.Seq]; run != nil {
			run.stop()
		}
		s.mu.Unlock()
	case opRun:
		s.start(ctx, r)
	case opCheck:
		s.aside(r, func() error {
			c, err := s.server.command(r)
			if err == nil {
				err = s.server.cfg.Programs.Check(ctx, command.Request{ID: r.Program, Command: c})
			}
			return err
		})
	case opReload:
		s.aside(r, func() error { return s.server.Reload(ctx, r.Revision) })
	case opRaise:
		s.aside(r, func() error { return raise(s.peer.PID, r.Thread, r.Priority) })
	case opProcesses:
		s.handProcesses(r)
	case opHold:
		s.conclude(r.Seq, s.hold(r.file))
	case opFIFO:
		s.aside(r, func() error { return s.server.makeFIFO(r, s.peer.User) })
	}
}

// aside executes a request in its own goroutine, and answers it.
func (s *session) aside(r *request, do func() error) {
	if err := s.admit(r.Seq, command.ID{}, func() {}); err != nil {
		s.conclude(r.Seq, err)
		return
	}
	seq := r.Seq
	s.running.Go(func() {
		err := do()
		s.forget(seq, command.ID{})
		s.conclude(seq, err)
	})
}

// conclude sends the last answer to a request: that it was executed, or why not.
func (s *session) conclude(seq uint64, err error) {
	a := answer{Seq: seq, Ended: true, Stale: errors.Is(err, errStale)}
	if err != nil {
		a.Err = err.Error()
		a.Err = a.Err[:min(len(a.Err), 4096)]
	}
	s.send(a)
}

// handProcesses sends a directory of all processes.
func (s *session) handProcesses(r *request) {
	file, err := s.server.processes(r)
	if err != nil {
		s.conclude(r.Seq, err)
		return
	}
	defer file.Close()
	s.send(answer{Seq: r.Seq, Ended: true, file: file})
}

// maxHeld is the number of descriptors that are held for a connection.
const maxHeld = 16

// hold keeps a file open until the connection ends.
func (s *session) hold(file *os.File) error {
	if file == nil {
		return errors.New("no descriptor came with the request")
	}
	if len(s.held) >= maxHeld {
		_ = file.Close()
		return fmt.Errorf("%d descriptors are held already", maxHeld)
	}
	s.held = append(s.held, file)
	return nil
}

// letGo closes the files that were held.
func (s *session) letGo() { closeFiles(s.held...) }

// start starts a program.
func (s *session) start(ctx context.Context, r *request) {
	c, err := s.server.command(r)
	own, stop := context.WithCancel(ctx)
	if err == nil {
		err = s.admit(r.Seq, r.Program, stop)
	}
	if err != nil {
		stop()
		if !errors.Is(err, errStale) {
			s.server.cfg.Report(fmt.Sprintf("refused to run %.80q: %v", r.Program, err))
		}
		s.conclude(r.Seq, err)
		return
	}
	seq, id := r.Seq, r.Program
	s.running.Go(func() {
		defer stop()
		s.server.cfg.Programs.Run(own, command.Request{ID: id, Command: c}, func(r command.Result) {
			s.send(answer{Seq: seq, Result: resultOf(r)})
		})
		s.forget(seq, id)
		s.send(answer{Seq: seq, Ended: true})
	})
}

// admit accepts a request for execution, unless there are too many, or its program is running.
func (s *session) admit(seq uint64, id command.ID, stop context.CancelFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.runs[seq] != nil:
		return fmt.Errorf("request %d is being executed already", seq)
	case len(s.runs) >= maxRuns:
		return fmt.Errorf("%d programs run already", maxRuns)
	case id.Kind != "" && s.names[id]:
		return fmt.Errorf("%v still runs", id)
	}
	s.runs[seq] = &run{stop}
	if id.Kind != "" {
		s.names[id] = true
	}
	return nil
}

func (s *session) forget(seq uint64, id command.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, seq)
	delete(s.names, id)
}

// send sends an answer. It closes the connection if the daemon does not read.
func (s *session) send(a answer) {
	data, err := json.Marshal(a)
	if err != nil {
		return // it consists of strings and numbers: it cannot fail
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err := sendMessage(s.conn, data, a.file); err != nil {
		_ = s.conn.Close()
	}
}
