// A package with an assembly file may declare functions without a body, as those that
// blocking_linux.go links to.
