package track

import (
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// fileWatcher reports changes of files, through one inotify instance. It watches the directories: a
// watch of the file itself would end when another file takes its place. It reports nothing if the
// kernel gives it no inotify instance (fs.inotify.max_user_instances).
type fileWatcher struct {
	mu      sync.Mutex
	inotify *fsnotify.Watcher
	over    chan struct{} // closed when distribute has returned
	closed  bool
	watches map[string]map[*fileWatch]bool // by the path of the file
	dirs    map[string]int                 // how many watches each directory has
}

// fileWatch reports changes of one file.
type fileWatch struct {
	of      *fileWatcher
	path    string
	changed chan struct{} // holds one
}

func newFileWatcher() *fileWatcher {
	return &fileWatcher{watches: make(map[string]map[*fileWatch]bool), dirs: make(map[string]int)}
}

// watch begins to watch a file; neither it nor its directory need exist.
func (w *fileWatcher) watch(path string) *fileWatch {
	path = filepath.Clean(path)
	f := &fileWatch{of: w, path: path, changed: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watches[path] == nil {
		w.watches[path] = make(map[*fileWatch]bool)
	}
	w.watches[path][f] = true
	w.dirs[filepath.Dir(path)]++
	return f
}

// renew watches the directory of the file. It is called before each read, since another directory
// may have replaced the one that was watched.
func (f *fileWatch) renew() {
	w := f.of
	w.mu.Lock()
	if w.inotify == nil && !w.closed {
		if inotify, err := fsnotify.NewWatcher(); err == nil {
			w.inotify, w.over = inotify, make(chan struct{})
			go w.distribute(inotify)
		}
	}
	inotify := w.inotify
	w.mu.Unlock()
	if inotify != nil {
		_ = inotify.Add(filepath.Dir(f.path)) // without a watch the file is read at intervals
	}
}

// close ends the watch of the file, and that of a directory in which no other file is watched.
func (f *fileWatch) close() {
	w := f.of
	w.mu.Lock()
	delete(w.watches[f.path], f)
	if len(w.watches[f.path]) == 0 {
		delete(w.watches, f.path)
	}
	dir := filepath.Dir(f.path)
	w.dirs[dir]--
	unused := w.dirs[dir] == 0
	if unused {
		delete(w.dirs, dir)
	}
	inotify := w.inotify
	w.mu.Unlock()
	if unused && inotify != nil {
		_ = inotify.Remove(dir)
	}
}

// distribute passes on inotify's events.
func (w *fileWatcher) distribute(inotify *fsnotify.Watcher) {
	defer close(w.over)
	for {
		select {
		case e, ok := <-inotify.Events:
			if !ok {
				return
			}
			w.notify(func(path string) bool { return path == e.Name })
		case _, ok := <-inotify.Errors:
			if !ok {
				return
			}
			w.notify(func(string) bool { return true }) // events were lost
		}
	}
}

// notify requests another read of those files for which concerns is true.
func (w *fileWatcher) notify(concerns func(path string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, watches := range w.watches {
		if !concerns(path) {
			continue
		}
		for f := range watches {
			select {
			case f.changed <- struct{}{}:
			default:
			}
		}
	}
}

func (w *fileWatcher) close() {
	w.mu.Lock()
	inotify := w.inotify
	w.inotify, w.closed = nil, true
	w.mu.Unlock()
	if inotify != nil {
		_ = inotify.Close()
		<-w.over
	}
}
