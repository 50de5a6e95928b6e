package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxHops is the largest number of redirects of a request.
const maxHops = 10

// reach is how far a request follows redirects.
type reach int

const (
	withinHost reach = iota // relative ones, and absolute ones to the same scheme, host and port: renamed repos
	anyHost                 // to the storage that has a file
)

// request is one request of the hub.
type request struct {
	method string
	url    *url.URL
	header http.Header
	wait   time.Duration // longest silence
	reach  reach
}

// reply is the last answer to a request. Its body ends with an error after the longest silence.
type reply struct {
	*http.Response
	linked http.Header // the last value of the hub's own headers, over all hops
}

// hubHeaders describe a file. A redirect has them too.
var hubHeaders = []string{"X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size"}

// silence is the error of a server that sent nothing for too long.
type silence struct{ wait time.Duration }

func (e silence) Error() string { return fmt.Sprintf("the server sent nothing for %v", e.wait) }

// send sends a request and follows its redirects. The status of the reply may be any; a redirect that leaves the reach is one.
func (c *Client) send(ctx context.Context, r request) (*reply, error) {
	linked := http.Header{}
	at := r.url
	for range maxHops + 1 {
		answer, err := c.hop(ctx, r, at)
		if err != nil {
			return nil, err
		}
		for _, name := range hubHeaders {
			if value := answer.Header.Get(name); value != "" {
				linked.Set(name, value)
			}
		}
		next, err := redirect(answer, at)
		if err == nil && (next == nil || r.reach == withinHost && !sameOrigin(next, at)) {
			return &reply{answer, linked}, nil
		}
		answer.Body.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return nil, fmt.Errorf("%s: more than %d redirects; check HF_ENDPOINT", shown(r.url), maxHops)
}

// hop sends a request to one server. Only the endpoint gets the token.
func (c *Client) hop(ctx context.Context, r request, at *url.URL) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(r.wait, func() { cancel(silence{r.wait}) })
	stop := func() {
		timer.Stop()
		cancel(nil)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, at.String(), http.NoBody)
	if err != nil {
		stop()
		return nil, fmt.Errorf("%s: the address is no URL that can be asked", shown(at)) // err shows all of it
	}
	for name, values := range r.header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", c.config.Agent)
	request.Header.Set("Accept-Encoding", "identity")
	if c.config.Token.reveal != nil && sameOrigin(at, c.endpoint) {
		request.Header.Set("Authorization", "Bearer "+c.config.Token.reveal())
	}
	answer, err := c.http.Do(request)
	if err != nil {
		err = c.unreachable(ctx, at, err)
		stop()
		return nil, err
	}
	timer.Reset(r.wait)
	answer.Body = &watched{answer.Body, ctx, timer, r.wait, stop}
	return answer, nil
}

// unreachable is the error of a request without an answer. The URL of a *url.Error has the signature of a download, so it is dropped.
func (c *Client) unreachable(ctx context.Context, at *url.URL, err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return networkError{fmt.Sprintf("cannot reach %s", origin(at)), err}
}

// redirect returns where an answer leads; nil if it is no redirect.
func redirect(answer *http.Response, at *url.URL) (*url.URL, error) {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := answer.Header.Get("Location")
	next, err := at.Parse(location)
	if err != nil || location == "" || next.Scheme != "http" && next.Scheme != "https" || next.Host == "" {
		return nil, fmt.Errorf("%s: a redirect leads to no address on http or https; check HF_ENDPOINT and the proxy", shown(at))
	}
	next.User = nil // a name and a password that a server chose are sent nowhere
	return next, nil
}

func sameOrigin(a, b *url.URL) bool { return origin(a) == origin(b) }

// origin is the scheme, host and port of a URL.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// shown is a URL for an error, without the query: that of a download has a signature.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// watched is a body that a silent server cannot hold for ever.
type watched struct {
	body  io.ReadCloser
	ctx   context.Context
	timer *time.Timer
	wait  time.Duration
	stop  func()
}

// Read reads and starts the wait again.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if n > 0 {
		w.timer.Reset(w.wait)
	}
	if cause := context.Cause(w.ctx); err != nil && !errors.Is(err, io.EOF) && cause != nil {
		err = cause
	}
	return n, err
}

// Close ends the request.
func (w *watched) Close() error {
	err := w.body.Close()
	w.stop()
	return err
}
