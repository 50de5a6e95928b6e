package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Client asks a hub for the files of repos. Its methods may be called by several goroutines. Only requests to the scheme, host and port of
// the endpoint carry the token: redirects to any other have none.
type Client struct {
	config   Config
	endpoint *url.URL
	cache    Cache
	http     *http.Client

	pause func(ctx context.Context, d time.Duration) error // between two tries
	free  func(dir string) (bytes int64, known bool)       // what a user may still write to the disk of dir
}

// NewClient checks the config. It asks nothing yet.
func NewClient(c Config) (*Client, error) {
	endpoint, err := parseEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(c.Cache) {
		return nil, fmt.Errorf("found the cache %s, expected an absolute path", quoted(c.Cache))
	}
	if c.ETagWait < 0 || c.DataWait < 0 {
		return nil, fmt.Errorf("found time-outs of %v and %v, expected none below 0", c.ETagWait, c.DataWait)
	}
	for _, wait := range []*time.Duration{&c.ETagWait, &c.DataWait} {
		if *wait == 0 {
			*wait = defaultTimeout
		}
	}
	if c.Agent == "" {
		c.Agent = "longspan"
	}
	return &Client{config: c, endpoint: endpoint, cache: Cache{c.Cache}, http: newHTTP(c.ETagWait), pause: pause, free: freeSpace}, nil
}

// newHTTP returns a client that follows no redirect by itself: [Client.send] decides what each hop may know.
func newHTTP(connectWait time.Duration) *http.Client {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectWait}).DialContext,
		TLSHandshakeTimeout:    connectWait,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // sizes and ranges are those of the file
		MaxIdleConnsPerHost:    parallel,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrInput matches errors that another argument mends: patterns that match no file, a file of the user's in the way.
var ErrInput = errors.New("bad input")

// inputError is an ErrInput with the text of its cause.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

func (e inputError) Is(err error) bool { return err == ErrInput }

func input(err error) error { return inputError{err} }

// ErrOffline is the error of every request while a variable forbids the network.
var ErrOffline = errors.New("the network is switched off")

// checkOnline refuses requests while a variable forbids the network.
func (c *Client) checkOnline(r Ref) error {
	if c.config.Offline == "" {
		return nil
	}
	text := fmt.Sprintf("%s forbids the network; unset it to download", c.config.Offline)
	if folder, err := c.cache.Resolve(r); err == nil {
		text += fmt.Sprintf(". The cache has %s in %s", r, folder)
	}
	return fmt.Errorf("%w: %s", ErrOffline, text)
}

// repoURL is the URL of a path below a repo, whose parts are escaped.
func (c *Client) repoURL(before, repo string, parts ...string) *url.URL {
	raw := before + "/" + repo
	for _, part := range parts {
		raw += "/" + part
	}
	u := *c.endpoint
	u.Path += raw
	escaped := []string{c.endpoint.EscapedPath() + before, repo} // a repo's name needs no escapes
	for _, part := range parts {
		escaped = append(escaped, url.PathEscape(part))
	}
	u.RawPath = strings.Join(escaped, "/")
	return &u
}

// fileURL is the URL of a file at a commit. The name's "/" stay; the hub knows a revision by one part.
func (c *Client) fileURL(repo, commit, name string) *url.URL {
	return c.repoURL("", repo, append([]string{"resolve", commit}, strings.Split(name, "/")...)...)
}

// page is the address of a repo's page, for advice.
func (c *Client) page(repo string) string { return c.endpoint.String() + "/" + repo }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
