package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// minWidth is the width of the narrowest terminal to which lines are fitted.
const minWidth = 60

// terminal returns the columns and rows of the terminal to which a command prints; false if it
// prints to something else.
func terminal(w io.Writer) (columns, rows int, ok bool) {
	file, isFile := underlying(w).(*os.File)
	if !isFile {
		return 0, 0, false
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return int(size.Col), int(size.Row), true
}

// lookOf returns how to print to w for people.
func lookOf(w io.Writer) look {
	look := look{colours(w), pageWidth}
	if columns, _, ok := terminal(w); ok && columns > 0 {
		look.width = max(columns, minWidth)
	}
	return look
}
