package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const (
	maxListing = 32 << 20 // bytes of the hub's description of a repo: more than 50,000 files take
	maxFiles   = 50_000   // beyond it the hub's list may lack files
)

// listing is what the hub says of a revision of a repo.
type listing struct {
	repo   string // its name today
	commit string
	files  []listed
}

// listed is a file of a listing.
type listed struct {
	name string
	size int64 // −1 if the hub does not say
}

// list asks the hub which files a revision has.
func (c *Client) list(ctx context.Context, r Ref) (l listing, err error) {
	at := c.repoURL("/api/models", r.Repo, "revision", r.Revision)
	at.RawQuery = url.Values{"blobs": {"true"}}.Encode() // sizes
	err = c.retry(ctx, func() (bool, error) {
		answer, err := c.send(ctx, request{method: http.MethodGet, url: at, wait: c.config.ETagWait, reach: withinHost})
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return false, c.refused(answer.Response, r)
		}
		b, err := io.ReadAll(io.LimitReader(answer.Body, maxListing+1))
		if err != nil {
			return false, networkError{shown(at) + ": the list of files broke off", err}
		}
		if l, err = parseListing(b); err != nil {
			return false, fmt.Errorf("%s: %w", shown(at), err)
		}
		return false, nil
	})
	return l, err
}

// parseListing reads the hub's description of a repo. Names are not checked yet: those that are not wanted may be any.
func parseListing(b []byte) (listing, error) {
	if len(b) > maxListing {
		return listing{}, fmt.Errorf("the list of files has more than %d bytes; expected the description of a repo of models", maxListing)
	}
	var d struct {
		ID       string `json:"id"`
		SHA      string `json:"sha"`
		Siblings []struct {
			Name *string `json:"rfilename"`
			Size *int64  `json:"size"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return listing{}, fmt.Errorf("the list of files is no JSON of a hub: %w; check HF_ENDPOINT and the proxy", err)
	}
	if !isCommit(d.SHA) {
		return listing{}, fmt.Errorf("the list of files has the commit %s, expected 40 hexadecimal digits; check HF_ENDPOINT", quoted(d.SHA))
	}
	if len(d.Siblings) > maxFiles {
		return listing{}, fmt.Errorf("the repo has %d files, and the hub's list may lack some beyond %d; expected a repo of one model",
			len(d.Siblings), maxFiles)
	}
	l := listing{repo: d.ID, commit: d.SHA}
	seen := map[string]bool{}
	for i, s := range d.Siblings {
		if s.Name == nil {
			return listing{}, fmt.Errorf("file %d of the list has no rfilename; check HF_ENDPOINT", i)
		}
		if seen[*s.Name] {
			return listing{}, fmt.Errorf("the list has the file %s twice; check HF_ENDPOINT", quoted(*s.Name))
		}
		seen[*s.Name] = true
		f := listed{*s.Name, -1}
		if s.Size != nil && *s.Size >= 0 {
			f.size = *s.Size
		}
		l.files = append(l.files, f)
	}
	if len(l.files) == 0 {
		return listing{}, errors.New("the repo has no files at this revision; check the name")
	}
	return l, nil
}
