package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"ripcord/pkg/event"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// Source provides the data of the API. Its methods are called from several goroutines, and their
// results are not modified afterwards.
type Source interface {
	// Groups returns the groups in the order of the configuration; an instance outside any
	// group is a group without a name.
	Groups() []vrrp.GroupStatus
	// Links returns the links that instances use.
	Links() []event.Link
	// Stats returns the statistics of an instance; nil if there are none.
	Stats(instance string) *stats.Counters
	// Warnings returns the warnings in force of an instance.
	Warnings(instance string) []event.Warning
	// Answered returns how many of the last questions an Active on a link answered, and their
	// number; 0 if its machine is not watched.
	Answered(link string, active netip.Addr) (answered, asked int)
	// Checks returns the states of all checks.
	Checks() []track.Status
	// Runner returns the state of the process that runs commands.
	Runner() runner.Status
	// Setups returns the configuration of each instance that the state machine does not have, by
	// its name.
	Setups() map[string]Setup
}

// Config is the configuration of a server.
type Config struct {
	// Socket is the path of the unix socket. It is not used if Listener is set. While the file system
	// prevents the socket, and when its file was removed, opening is repeated.
	Socket  string
	Version string    // of ripcord
	Host    string    // name of this machine
	Since   time.Time // when the daemon started
	Source  Source
	// Orders executes the orders that come over the socket; nil: they are refused.
	Orders Orders
	// Events are the newest lines of the log; nil if they are not kept.
	Events Events
	// Metrics answers GET /metrics; nil if there are none.
	Metrics http.Handler
	// Listen is an IP address with a port, "[::1]:9112", or only a port, ":9112", on which the
	// read-only half of the API is also offered; empty: nowhere. While it cannot be opened, opening
	// is repeated.
	Listen string
	// Report receives the events of the server; nil: they are dropped.
	Report func(event.Event)
	// Warnings receives the warning that the socket is not open; nil: it is dropped.
	Warnings *event.Warnings
	// Connections is the limit of open connections on the socket, and on Listen; 0: MaxConnections.
	Connections int
	// Listener, if not nil, is a socket that another process opened (LISTEN_FDS). Its file is not
	// ours: its mode is not changed and it is not removed at the end.
	Listener net.Listener

	port     *port           // of Listen; nil if that is empty
	stopping <-chan struct{} // closed when requests that follow the log have to end
}

// MaxConnections is the number of open connections on a listener.
const MaxConnections = 32

const (
	readTimeout  = 5 * time.Second  // for a client to send a whole request
	writeTimeout = 10 * time.Second // for a client to read the whole answer
	maxHeader    = 16 << 10         // bytes of a request's line and header
	headerSlop   = 4 << 10          // the bytes that net/http reads beyond its limit
	idleTimeout  = 2 * time.Minute  // longer than between two scrapes
	partingTime  = time.Second      // for running requests, when the daemon stops

	// A client that follows the log gets the lines about the stop: until no line has come for
	// partingQuiet, and at most for partingLines.
	partingQuiet = 200 * time.Millisecond
	partingLines = partingTime / 2
)

// Server answers the control API.
type Server struct {
	config   Config
	listener net.Listener
	socket   *socketListener // the listener, unless it was given
}

// New returns a server that does not listen yet.
func New(c Config) (*Server, error) {
	switch {
	case c.Source == nil:
		return nil, errors.New("control: no Source was given")
	case c.Listener == nil && c.Socket == "":
		return nil, errors.New("control: no socket: give control.socket a path")
	case c.Listener == nil && len(c.Socket) > maxPath:
		return nil, fmt.Errorf("control: socket %s: the path is %d bytes long, and the system allows %d: choose a shorter control.socket",
			c.Socket, len(c.Socket), maxPath)
	}
	if c.Connections == 0 {
		c.Connections = MaxConnections
	}
	if c.Report == nil {
		c.Report = func(event.Event) {}
	}
	if c.Listen != "" {
		c.port = &port{address: c.Listen, limit: c.Connections, open: openPort, report: c.Report}
	}
	return &Server{config: c}, nil
}

// Listen opens the socket, and tries to open the read-only port. Afterwards clients may connect;
// they are answered once Run runs. It returns an error if another ripcord answers on the socket, or
// if its path is wrong, but not if the file system prevents it, or if the port cannot be opened.
func (s *Server) Listen() error {
	if s.listener != nil {
		return errors.New("control: listens already")
	}
	if s.config.Listener != nil {
		if err := checkGiven(s.config.Listener); err != nil {
			return fmt.Errorf("control: %w", err)
		}
		s.listener = s.config.Listener
	} else {
		opened, err := listenSocket(s.config.Socket, s.config.Warnings)
		if err != nil {
			return fmt.Errorf("control: %w", err)
		}
		s.socket, s.listener = opened, opened
	}
	if s.config.port != nil {
		s.config.port.listen()
	}
	return nil
}

// Status returns the present document of GET /v1/status.
func (s *Server) Status() *Status { return s.config.status(true) }

// Port returns the address of the read-only TCP port; nil if it is not open.
func (s *Server) Port() net.Addr {
	if s.config.port == nil || s.config.port.current() == nil {
		return nil
	}
	return s.config.port.current().Addr()
}

// Close undoes Listen, for a server that is never run. After Run it does nothing.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	err := closed(s.listener)
	if s.config.port != nil {
		err = errors.Join(err, s.config.port.close())
	}
	return err
}

// closed closes a listener unless it is closed already.
func closed(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run answers until ctx ends, removes the socket, and gives running requests a second more. It
// calls Listen first if that was not called. A server runs once. It returns nil if ctx ended it.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	running, ctx := errgroup.WithContext(ctx)
	s.config.stopping = ctx.Done()
	running.Go(func() error {
		return serve(ctx, limit(s.listener, s.config.Connections), handler(s.config))
	})
	if s.socket != nil {
		running.Go(func() error { return s.socket.keep(ctx) })
	}
	if s.config.port != nil {
		running.Go(func() error { return s.config.port.run(ctx, reader(s.config)) })
	}
	return running.Wait()
}

// serve answers on one listener until ctx ends.
func serve(ctx context.Context, l *limitedListener, h http.Handler) error {
	server := &http.Server{
		Handler: markBusy(h), ConnContext: withConn, MaxHeaderBytes: maxHeader - headerSlop,
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		_ = server.Close()
		return fmt.Errorf("control: %w", err)
	case <-ctx.Done():
	}
	parting, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer cancel()
	if server.Shutdown(parting) != nil {
		_ = server.Close() // requests that are still open are aborted
	}
	<-served
	return nil
}
