package hub

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// StatusError is an answer of the hub, or of the storage that it redirects to, that is no success.
type StatusError struct {
	URL        string        // that answered, without its query
	Status     int           // of HTTP
	Code       string        // the hub's, such as GatedRepo; may be empty
	Message    string        // the hub's; may be empty
	RetryAfter time.Duration // 0 if the answer says nothing

	advice string
}

// Error says what was asked, what was answered and what to do.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.URL, e.Status, http.StatusText(e.Status))
	for _, more := range []string{e.Code, e.Message} {
		if more != "" {
			text += ", " + more
		}
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", and asks to wait %v", e.RetryAfter.Round(time.Second))
	}
	if e.advice != "" {
		text = e.advice + " (" + text + ")"
	}
	return text
}

// Refused reports whether the request itself is at fault: a name that the hub does not have, or a right that the user lacks.
func (e *StatusError) Refused() bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// temporary reports whether the same request may succeed later.
func (e *StatusError) temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// refused returns the error of an answer that is no success, with advice about a repo.
func (c *Client) refused(answer *http.Response, r Ref) error {
	at := answer.Request.URL
	e := &StatusError{
		URL: shown(at), Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header, time.Now()),
		Code: c.foreign(answer.Header.Get("X-Error-Code")), Message: c.foreign(answer.Header.Get("X-Error-Message")),
	}
	e.advice = c.advice(e, r, at)
	return e
}

// foreign makes text of a server fit to print: one line of at most 300 characters, without the token.
func (c *Client) foreign(text string) string {
	const most = 300
	text = c.config.Token.hide(text)
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// advice says what to do about an answer.
func (c *Client) advice(e *StatusError, r Ref, at *url.URL) string {
	signedIn := c.config.Token.reveal != nil
	switch {
	case !sameOrigin(at, c.endpoint):
		return fmt.Sprintf("the storage of %s does not give the file; try again", r.Repo)
	case e.Code == "GatedRepo" && signedIn:
		return fmt.Sprintf("%s is gated, and the account of the token has no access: accept the licence at %s, or wait for its approval",
			r.Repo, c.page(r.Repo))
	case e.Code == "GatedRepo":
		return fmt.Sprintf("%s is gated: accept the licence at %s, then set HF_TOKEN to a token of that account", r.Repo, c.page(r.Repo))
	case e.Code == "RevisionNotFound":
		return fmt.Sprintf("%s has no revision %s; its branches and tags are at %s/tree/main", r.Repo, r.Revision, c.page(r.Repo))
	case e.Code == "EntryNotFound":
		return fmt.Sprintf("%s has no such file at revision %s", r.Repo, r.Revision)
	case e.Status == http.StatusUnauthorized && signedIn:
		return fmt.Sprintf("the hub does not accept the token, or has no repo %s; check HF_TOKEN and the name", r.Repo)
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusNotFound && !signedIn:
		return fmt.Sprintf("the hub has no public repo %s; check the name, or set HF_TOKEN if the repo is private", r.Repo)
	case e.Status == http.StatusNotFound:
		return fmt.Sprintf("the hub has no repo %s, or the account of the token may not see it; check the name", r.Repo)
	case e.Status == http.StatusForbidden:
		return fmt.Sprintf("access to %s is denied; see %s, and check that the token may read it", r.Repo, c.page(r.Repo))
	case e.Status == http.StatusTooManyRequests:
		return "the hub wants fewer requests; try again later, with HF_TOKEN set if it is not"
	case e.temporary():
		return "the hub has a fault; try again later"
	}
	return "expected a file or a list of files; check HF_ENDPOINT and the proxy"
}
