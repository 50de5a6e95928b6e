package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const (
	maxTries   = 5               // of one request, without new bytes between them
	firstPause = time.Second     // doubles with each try
	maxPause   = 5 * time.Minute // the hub counts requests in spans of five minutes
)

// networkError is a request that got no whole answer.
type networkError struct {
	what string
	error
}

func (e networkError) Error() string { return e.what + ": " + e.error.Error() + "; " + e.advice() }

func (e networkError) Unwrap() error { return e.error }

// retry calls f until it succeeds, fails for good, or has failed [maxTries] times. f reports whether it has made progress: then the count
// starts again.
func (c *Client) retry(ctx context.Context, f func() (progress bool, err error)) error {
	for tries := 1; ; tries++ {
		progress, err := f()
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if progress {
			tries = 1
		}
		wait, ok := pauseAfter(err, tries)
		if !ok {
			return err
		}
		if tries == maxTries {
			return fmt.Errorf("after %d tries: %w", tries, err)
		}
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// pauseAfter is the pause before another try, and whether one can help.
func pauseAfter(err error, tries int) (time.Duration, bool) {
	wait := firstPause << (tries - 1)
	var status *StatusError
	if errors.As(err, &status) {
		if status.RetryAfter > 0 {
			wait = status.RetryAfter
		}
		return wait, status.temporary() && wait <= maxPause
	}
	var network networkError
	return wait, errors.As(err, &network) && !isFinal(err)
}

// isFinal reports whether a network error will come again: an unknown host, a certificate that is not trusted, a closed port.
func isFinal(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate) || errors.Is(err, syscall.ECONNREFUSED)
}

// advice says what to do about a network error.
func (e networkError) advice() string {
	switch {
	case errors.As(e.error, &silence{}):
		return "try again, or wait longer with HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT (seconds)"
	case errors.Is(e.error, io.ErrUnexpectedEOF), errors.Is(e.error, syscall.ECONNRESET):
		return "try again; the bytes so far are kept"
	}
	return "check the network, HF_ENDPOINT, and HTTPS_PROXY if there is a proxy"
}

// retryAfter reads the header Retry-After: seconds, or a date. 0 if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
