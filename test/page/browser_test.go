package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the browser, or the page, may take for anything on a busy machine.
const patience = 20 * time.Second

// browser is a headless Chromium, spoken to over a pipe in the DevTools protocol: JSON
// messages with a zero byte between them.
type browser struct {
	out *os.File

	mu     sync.Mutex
	last   int
	asked  map[int]chan message
	events []message
	ended  chan struct{}
}

// message is a request, an answer or an event of the protocol.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// started is the one browser of all tests: it takes seconds to start. stopBrowser ends it.
var (
	started     *browser
	stopBrowser = func() {}
)

// theBrowser returns the browser, or skips the test where there is none.
func theBrowser(t testing.TB) *browser {
	t.Helper()
	if started != nil {
		return started
	}
	program, err := exec.LookPath("chromium")
	switch {
	case err != nil && os.Getenv("RIPCORD_PAGE") == "required":
		t.Fatal("chromium is missing: run `make test-page`, which installs it")
	case err != nil:
		t.Skip("chromium is missing: run `make test-page`, which installs it")
	}
	if started, stopBrowser, err = startBrowser(program); err != nil {
		t.Fatal(err)
	}
	return started
}

// startBrowser starts Chromium, with a home of its own, which stop removes.
func startBrowser(program string) (b *browser, stop func(), err error) {
	home, err := os.MkdirTemp("", "ripcord-page-")
	if err != nil {
		return nil, func() {}, err
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return nil, func() {}, err
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return nil, func() {}, err
	}
	command := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
		"--disable-extensions", "--disable-sync", "--disable-breakpad", "--no-first-run", "--no-default-browser-check", "--metrics-recording-only", "--force-color-profile=srgb",
		"--hide-scrollbars", "--lang=en", "--user-data-dir="+filepath.Join(home, "profile"), "--remote-debugging-pipe", "about:blank")
	command.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "DBUS_SESSION_BUS_ADDRESS=disabled:", "TZ=UTC")
	command.ExtraFiles = []*os.File{theirIn, theirOut} // its descriptors 3 and 4
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, func() {}, err
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b = &browser{out: ourOut, asked: make(map[int]chan message), ended: make(chan struct{})}
	go b.read(ourIn)
	return b, func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // it has children
		_ = command.Wait()
		_ = ourOut.Close()
		<-b.ended
		_ = ourIn.Close()
		_ = os.RemoveAll(home)
	}, nil
}

// read takes what the browser says, until it has ended.
func (b *browser) read(from *os.File) {
	defer close(b.ended)
	var rest []byte
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		rest = append(rest, buffer[:n]...)
		for {
			text, more, whole := bytes.Cut(rest, []byte{0})
			if !whole {
				break
			}
			rest = bytes.Clone(more)
			var m message
			if json.Unmarshal(text, &m) == nil {
				b.take(m)
			}
		}
	}
}

func (b *browser) take(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.ID == 0 {
		b.events = append(b.events, m)
		return
	}
	if answer := b.asked[m.ID]; answer != nil {
		answer <- m
		delete(b.asked, m.ID)
	}
}

// call asks for something and fills in the result, where that is not nil.
func (b *browser) call(t testing.TB, session, method string, params map[string]any, result any) {
	t.Helper()
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.asked[id] = answer
	b.mu.Unlock()
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(message{ID: id, Session: session, Method: method, Params: raw})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.out.Write(append(text, 0)); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				t.Fatalf("%s: %v: %s", method, err, m.Result)
			}
		}
	case <-b.ended:
		t.Fatalf("%s: the browser has ended", method)
	case <-time.After(patience):
		t.Fatalf("%s: no answer within %v", method, patience)
	}
}

// tab is a page of the browser.
type tab struct {
	*browser
	t       testing.TB
	session string
	close   func()
}

// look is how a page is looked at.
type look struct {
	width, height int
	phone, dark   bool
}

var desktop = look{1440, 900, false, false}

// open opens a page, until the test ends.
func open(t testing.TB, url string, l look) *tab {
	t.Helper()
	b := theBrowser(t)
	var target struct{ TargetID string }
	b.call(t, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &tab{browser: b, t: t, session: attached.SessionID}
	p.close = sync.OnceFunc(func() { b.call(t, "", "Target.closeTarget", map[string]any{"targetId": target.TargetID}, nil) })
	t.Cleanup(p.close)
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.call(domain+".enable", nil, nil)
	}
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	p.resize(l)
	p.call("Page.navigate", map[string]any{"url": url}, nil)
	return p
}

func (p *tab) resize(l look) {
	p.t.Helper()
	scale := 1
	if l.phone {
		scale = 2
	}
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": l.width, "height": l.height, "deviceScaleFactor": scale, "mobile": l.phone}, nil)
}

func (p *tab) call(method string, params map[string]any, result any) {
	p.t.Helper()
	p.browser.call(p.t, p.session, method, params, result)
}

// eval evaluates an expression in the page.
func eval[T any](p *tab, expression string) (value T) {
	p.t.Helper()
	var done struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &done)
	if e := done.ExceptionDetails; e != nil {
		p.t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if len(done.Result.Value) > 0 {
		if err := json.Unmarshal(done.Result.Value, &value); err != nil {
			p.t.Fatalf("%s: %v", expression, err)
		}
	}
	return value
}

// until waits for an expression to be true, and returns how long that took.
func (p *tab) until(expression string) time.Duration {
	p.t.Helper()
	begun := time.Now()
	for !eval[bool](p, expression) {
		if time.Since(begun) > patience {
			p.t.Fatalf("after %v this is not so: %s\nthe page says:\n%s", patience, expression, p.text("body"))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(begun)
}

// text is what a person reads in an element.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// shows checks that a person reads words in an element.
func (p *tab) shows(selector string, words ...string) {
	p.t.Helper()
	text := p.text(selector)
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("%s does not show %q:\n%s", selector, w, text)
		}
	}
}

// keys are those that are no text.
var keys = map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39}

// press presses a key, or types a character.
func (p *tab) press(key string) {
	p.t.Helper()
	code := keys[key]
	if code == 0 {
		p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key, "text": key}, nil)
	} else {
		press := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
		if key == "Enter" {
			press["text"] = "\r"
		}
		p.call("Input.dispatchKeyEvent", press, nil)
	}
	p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}, nil)
}

// shot writes what is seen of the page, or all of it, into the directory of -shots.
func (p *tab) shot(name string, whole bool) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	var picture struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &picture)
	png, err := base64.StdEncoding.DecodeString(picture.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o600)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// complaints are the errors that the page wrote to the console, and what it asked other
// hosts for. A request that the test itself made fail is none.
func (p *tab) complaints(base string, expected ...string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.events {
		if m.Session != p.session {
			continue
		}
		text := string(m.Params)
		switch m.Method {
		case "Runtime.exceptionThrown":
			all = append(all, text)
		case "Runtime.consoleAPICalled", "Log.entryAdded":
			if strings.Contains(text, `"error"`) || strings.Contains(text, `"warning"`) {
				all = append(all, text)
			}
		case "Network.requestWillBeSent":
			var sent struct{ Request struct{ URL string } }
			if json.Unmarshal(m.Params, &sent) == nil && !strings.HasPrefix(sent.Request.URL, base) && !strings.HasPrefix(sent.Request.URL, "data:") {
				all = append(all, "it asked for "+sent.Request.URL)
			}
		}
	}
	return removed(all, expected)
}

// removed leaves out the complaints that have one of these words.
func removed(all, expected []string) (rest []string) {
	for _, c := range all {
		known := false
		for _, e := range expected {
			known = known || strings.Contains(c, e)
		}
		if !known {
			rest = append(rest, c)
		}
	}
	return rest
}
