package hub

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/internal/durable"
)

// freshTries is the number of new bytes after which a broken download has all its tries again.
const freshTries = 1 << 20

// transfer downloads the blob to its partial file, from the kept bytes on, and renames it. Kept bytes that turn out to be others are
// downloaded again, once.
func (d *download) transfer(ctx context.Context, kept int64) error {
	err := d.attempt(ctx)
	if errors.As(err, &mismatch{}) && kept > 0 {
		err = d.attempt(ctx)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(d.blob.partial, d.blob.final); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(d.blob.final))
}

// attempt fills the partial file and removes it if its bytes are others than the hub's.
func (d *download) attempt(ctx context.Context) error {
	err := d.fill(ctx)
	if errors.As(err, &mismatch{}) {
		d.tally.move(-d.blob.files[0].Size)
		return errors.Join(err, os.Remove(d.blob.partial))
	}
	return err
}

// fill downloads what the partial file lacks, checks it and syncs it.
func (d *download) fill(ctx context.Context) (err error) {
	f := d.blob.files[0]
	file, err := os.OpenFile(d.blob.partial, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	p := &part{f: f, file: file, hash: newHash(f), tally: d.tally, buffer: make([]byte, 256<<10)}
	if err := p.begin(d.blob.kept(f).bytes); err != nil {
		return err
	}
	err = d.client.retry(ctx, func() (progress bool, err error) {
		before := p.size
		if p.size < f.Size {
			err = d.client.receive(ctx, d.plan, p)
		}
		return p.size-before >= freshTries, err
	})
	if err != nil {
		return err
	}
	if err := checkSum(p.hash, f); err != nil {
		return err
	}
	return file.Sync()
}

// part is a file of which a beginning is written and hashed.
type part struct {
	f      File
	file   *os.File
	hash   hash.Hash // of the size bytes; nil: none
	size   int64
	etag   string // strong, of the server that sent the bytes of this process; empty: none
	tally  *tally
	buffer []byte
}

// begin hashes the kept bytes and drops those after them.
func (p *part) begin(kept int64) error {
	if info, err := p.file.Stat(); err != nil {
		return err
	} else if info.Size() != kept {
		if err := p.file.Truncate(kept); err != nil {
			return err
		}
	}
	if kept > 0 {
		if _, err := io.CopyBuffer(p.hash, p.file, p.buffer); err != nil {
			return err
		}
	}
	p.size = kept
	_, err := p.file.Seek(kept, io.SeekStart)
	return err
}

// restart drops all bytes.
func (p *part) restart() error {
	p.tally.move(-p.size)
	p.size, p.etag, p.hash = 0, "", newHash(p.f)
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// receive asks for the bytes that a part lacks. It asks the hub again each time, since the signature of the storage's address expires.
func (c *Client) receive(ctx context.Context, plan *Plan, p *part) error {
	header := http.Header{}
	if p.size > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
		if p.etag != "" {
			header.Set("If-Range", p.etag)
		}
	}
	answer, err := c.send(ctx, request{method: http.MethodGet, url: c.fileURL(plan.Repo, plan.Commit, p.f.Name), header: header,
		wait: c.config.DataWait, reach: anyHost})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := c.align(answer.Response, plan.Ref, p); err != nil {
		return err
	}
	if etag := answer.Header.Get("ETag"); !strings.HasPrefix(etag, "W/") {
		p.etag = etag
	}
	return p.copy(answer.Body)
}

// align makes a part end where the body of an answer begins.
func (c *Client) align(answer *http.Response, r Ref, p *part) error {
	f := p.f
	switch answer.StatusCode {
	case http.StatusOK: // the whole file: the server has no ranges, or the file has changed
		if p.size > 0 {
			return p.restart()
		}
		return nil
	case http.StatusPartialContent:
		want, got := fmt.Sprintf("bytes %d-%d/%d", p.size, f.Size-1, f.Size), answer.Header.Get("Content-Range")
		if got != want {
			return fmt.Errorf("%s: found the Content-Range %s, expected %s; check the proxy", f.Name, quoted(got), want)
		}
		return nil
	case http.StatusRequestedRangeNotSatisfiable: // the storage has a shorter file
		if err := p.restart(); err != nil {
			return err
		}
		return networkError{f.Name, errors.New("the storage does not have the rest of the file")}
	}
	return c.refused(answer, r)
}

// copy writes a body to the part. A body that is too short is an error of the network, and one that is too long is no file of the hub's.
func (p *part) copy(body io.Reader) error {
	f := p.f
	for {
		n, readErr := body.Read(p.buffer)
		if int64(n) > f.Size-p.size {
			return errors.Join(fmt.Errorf("%s: the server sends more than the %d bytes that the hub says; check the proxy", f.Name, f.Size),
				p.restart())
		}
		if err := p.write(p.buffer[:n]); err != nil {
			return fmt.Errorf("%w; the %d bytes so far are kept: free space on the disk, and pull again", err, p.size)
		}
		if readErr == nil {
			continue
		}
		if p.size == f.Size {
			return nil
		}
		if errors.Is(readErr, io.EOF) {
			readErr = io.ErrUnexpectedEOF
		}
		return networkError{fmt.Sprintf("%s: the download broke off after %d of %d bytes", f.Name, p.size, f.Size), readErr}
	}
}

// write appends bytes and counts those that are on the disk.
func (p *part) write(b []byte) error {
	n, err := p.file.Write(b)
	if p.hash != nil {
		p.hash.Write(b[:n])
	}
	p.size += int64(n)
	p.tally.add(int64(n))
	return err
}
