package track

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"ripcord/pkg/command"
)

// searchLimit is the number of bytes of an answer that are searched.
const searchLimit = 1 << 20

// HTTP is a check that gets a page. Each run opens its own connection, follows no redirect and uses
// no proxy.
type HTTP struct {
	// URL begins with http:// or https://.
	URL string
	// Status are the status codes that pass; none stands for 200 to 399.
	Status []StatusRange
	// Contains is a text that the first MiB of the answer must contain; empty: any answer passes.
	Contains string
	// Insecure accepts any certificate. Otherwise the machine's trusted certificates are required.
	Insecure bool
}

// StatusRange is a range of HTTP status codes, First and Last included.
type StatusRange struct{ First, Last int }

// String returns the range as it is written in the configuration: "200" or "200-399".
func (r StatusRange) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// anyGood are the codes that pass if no status is configured.
var anyGood = []StatusRange{{200, 399}}

// String implements Probe.
func (c HTTP) String() string { return "http " + c.URL }

func (c HTTP) validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("url %q: give one as http://192.0.2.1:8080/health or https://…", c.URL)
	}
	for _, r := range c.Status {
		if r.First < 100 || r.Last > 599 || r.First > r.Last {
			return fmt.Errorf("status %v: give codes or ranges of 100 to 599, as 200-399", r)
		}
	}
	return nil
}

func (c HTTP) open(_ *machine, s *Spec) prober {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: c.Insecure},
		},
	}
	return &timed{s.EffectiveTimeout(), func(ctx context.Context) (string, error) { return c.get(ctx, client) }}
}

// get gets the page and evaluates the answer.
func (c HTTP) get(ctx context.Context, client *http.Client) (output string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("User-Agent", "ripcord")
	answer, err := client.Do(request)
	if err != nil {
		return "", c.explain(err)
	}
	defer func() { _ = answer.Body.Close() }()
	need := command.OutputLimit
	if c.Contains != "" {
		need = searchLimit
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(need)))
	output = strings.TrimRight(strings.ToValidUTF8(string(body[:min(len(body), command.OutputLimit)]), "\uFFFD"), " \t\r\n")
	switch {
	case !c.accepts(answer.StatusCode):
		return output, fmt.Errorf("status %s, want %s", answer.Status, c.wanted())
	case err != nil:
		return output, fmt.Errorf("the answer is incomplete: %w", err)
	case c.Contains != "" && !bytes.Contains(body, []byte(c.Contains)):
		return output, fmt.Errorf("the answer does not contain %q in its first %d bytes", c.Contains, searchLimit)
	}
	return output, nil
}

func (c HTTP) ranges() []StatusRange {
	if len(c.Status) == 0 {
		return anyGood
	}
	return c.Status
}

func (c HTTP) accepts(code int) bool {
	for _, r := range c.ranges() {
		if r.First <= code && code <= r.Last {
			return true
		}
	}
	return false
}

func (c HTTP) wanted() string {
	var words []string
	for _, r := range c.ranges() {
		words = append(words, r.String())
	}
	return strings.Join(words, ", ")
}

// explain removes the words that the check's name and URL already contain, and adds what to do about
// a certificate.
func (c HTTP) explain(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) {
		return fmt.Errorf("the certificate is not trusted: %w (insecure: true accepts any)", invalid.Err)
	}
	return err
}
