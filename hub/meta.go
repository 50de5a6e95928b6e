package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// File is a file of a plan.
type File struct {
	Name string `json:"name"` // in the repo
	Size int64  `json:"size"` // bytes
	ETag string `json:"etag"` // without quotes; the name of its blob
	Hash string `json:"hash"` // what the bytes are checked with: sha256:…, git:… (the sha1 of a Git blob), or empty if the ETag is no hash
	Here int64  `json:"here"` // bytes that need no download; fewer than Size if an earlier download broke off
}

// describe asks the hub about one file.
func (c *Client) describe(ctx context.Context, r Ref, commit, name string) (f File, err error) {
	at := c.fileURL(r.Repo, commit, name)
	err = c.retry(ctx, func() (bool, error) {
		answer, err := c.send(ctx, request{method: http.MethodHead, url: at, wait: c.config.ETagWait, reach: withinHost})
		if err != nil {
			return false, err
		}
		answer.Body.Close()
		if answer.StatusCode >= http.StatusBadRequest {
			return false, c.refused(answer.Response, r)
		}
		if f, err = parseMeta(answer.StatusCode, answer.Header, answer.linked, commit); err != nil {
			return false, fmt.Errorf("%s: %w", shown(at), err)
		}
		f.Name = name
		return false, nil
	})
	return f, err
}

// parseMeta reads the headers of a file: last are those of the last answer, linked the hub's own of any hop. The ETag and the length of a
// redirect to a storage are not those of the file.
func parseMeta(status int, last, linked http.Header, commit string) (File, error) {
	found := linked.Get("X-Repo-Commit")
	if found != "" && found != commit {
		return File{}, fmt.Errorf("the answer is about commit %s, expected %s; try again", quoted(found), commit)
	}
	etag, size := linked.Get("X-Linked-Etag"), linked.Get("X-Linked-Size")
	if status < http.StatusMultipleChoices {
		if etag == "" {
			etag = last.Get("ETag")
		}
		if size == "" {
			size = last.Get("Content-Length")
		}
		if encoding := last.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
			return File{}, fmt.Errorf("the answer has the Content-Encoding %s, expected none; check the proxy", quoted(encoding))
		}
	}
	if etag == "" || size == "" {
		return File{}, errors.New("the answer has no ETag or no size (X-Linked-Etag, X-Linked-Size); check that HF_ENDPOINT is a hub")
	}
	f := File{ETag: bareETag(etag)}
	if err := checkETag(f.ETag); err != nil {
		return File{}, err
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 {
		return File{}, fmt.Errorf("found the size %s, expected a number of bytes; check that HF_ENDPOINT is a hub", quoted(size))
	}
	f.Size, f.Hash = n, hashOf(f.ETag)
	return f, nil
}

// bareETag removes the mark of a weak ETag and the quotes.
func bareETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
}

// hashOf says which hash an ETag is: large files have their sha256, the others the sha1 of a Git blob.
func hashOf(etag string) string {
	if !isHex(etag) {
		return ""
	}
	switch len(etag) {
	case 64:
		return "sha256:" + etag
	case 40:
		return "git:" + etag
	}
	return ""
}
