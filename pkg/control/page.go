package control

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PagePath is the path of the status page.
const PagePath = "/"

// The parts of the status page.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string
)

// statusPage is one document with its style and its script. By its policy a browser may load nothing
// else and run no other script. The script requests the status itself.
type statusPage struct {
	text        string
	tag, policy string
}

func newStatusPage() statusPage {
	text := strings.NewReplacer("{{style}}", pageStyle, "{{script}}", pageScript).Replace(pageHTML)
	return statusPage{text, `"` + digest(text) + `"`, strings.Join([]string{
		"default-src 'none'", "script-src 'sha256-" + digest(pageScript) + "'", "style-src 'sha256-" + digest(pageStyle) + "'",
		"connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")}
}

// page returns the handler of the status page. The page is made for the first request, which many
// daemons never get.
func page() http.HandlerFunc {
	made := sync.OnceValue(newStatusPage)
	return func(w http.ResponseWriter, r *http.Request) {
		page := made()
		for name, value := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.policy, "Cache-Control": "no-cache", "Etag": page.tag,
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			w.Header().Set(name, value)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(page.text))
	}
}

// digest returns the hash by which a Content-Security-Policy names a script or a style.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}
