// Package runner is the boundary between the daemon, which parses packets of strangers and may
// start nothing, and the process that runs the programs of the configuration: `ripcord runner`.
// Both read the same configuration. The daemon names a program and passes variables that describe
// the event; only the runner decides which program has that name.
//
// The parts: the messages (message.go) and the programs by their names (table.go) are pure; the
// Server (server.go, session.go) runs programs for the Client (client.go); the keeper
// (keeper_linux.go) restarts the runner if no service manager does, and socket_linux.go has the
// sockets.
//
// The contract:
//
//  1. A request has the name of a program and values of a closed list of variables, each of
//     which is checked. It has no command line, no user and no path. What is not such a
//     request is refused, and many such messages end the connection.
//  2. A request also has the revision of the configuration's programs. The runner carries it out
//     only if its own is the same: otherwise the two would mean different programs. After a reload
//     it continues with its previous programs until the first request for the new ones, so a reload
//     whose answer is not awaited changes nothing.
//  3. Result and end of a program come as command.Command.Run has them. When the connection
//     ends, whoever ended it, all programs of that connection are stopped.
//  4. What the client knows nothing about has the error command.ErrLost: programs that were
//     under way when the connection was lost, and those for which there was none within their
//     timeout. The client connects again by itself, after a pause that grows.
//  5. A program runs once at a time for each name.
//  6. A daemon whose configuration has checks of processes gets a directory of all processes, if
//     it asks for it (processes_linux.go): its own /proc may hide those of other users.
//  7. A daemon may send descriptors, of which the runner keeps a few open until the connection
//     ends. It does nothing else with them.
package runner
