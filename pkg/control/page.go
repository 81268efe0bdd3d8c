package control

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
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

// page returns the handler of the status page: one document with its style and its script. A
// browser may load nothing else and run no other script. The script requests the status itself.
func page() http.HandlerFunc {
	text := []byte(strings.NewReplacer("{{style}}", pageStyle, "{{script}}", pageScript).Replace(pageHTML))
	tag, policy := `"`+digest(string(text))+`"`, strings.Join([]string{
		"default-src 'none'", "script-src 'sha256-" + digest(pageScript) + "'", "style-src 'sha256-" + digest(pageStyle) + "'",
		"connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
	return func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "Cache-Control": "no-cache", "Etag": tag,
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			w.Header().Set(name, value)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}
}

// digest returns the hash by which a Content-Security-Policy names a script or a style.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}
