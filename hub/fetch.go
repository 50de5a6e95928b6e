package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/longspan/longspan/internal/memory"
)

// Progress is how far a download is.
type Progress struct {
	Done, Total int64  // bytes of the plan; Done counts those that were here
	Waiting     string // a file that another process downloads at this moment; empty in other reports
}

// lockEvery is the time between two looks at a lock that another process holds.
const lockEvery = 200 * time.Millisecond

// Fetch downloads what a plan lacks, up to four files at a time, and makes the snapshot known. It returns the bytes that came over the
// network. report, if it is not nil, is called with the progress, by one goroutine at a time.
//
// Each file is written beside its place under a lock that other processes respect, hashed while it is written, compared with the hash of
// the hub, synced and renamed. A download that breaks off continues from its last byte, in this call and in later ones. On an error, or
// when ctx ends, whole files and the bytes of the others stay, and the revision keeps its old meaning in the cache.
func (c *Client) Fetch(ctx context.Context, p *Plan, report func(Progress)) (fetched int64, err error) {
	if p.store == nil {
		return 0, errors.New("the plan is not one of Client.Plan")
	}
	if err := c.checkOnline(p.Ref); err != nil {
		return 0, err
	}
	if err := c.checkSpace(p); err != nil {
		return 0, err
	}
	t := &tally{report: report}
	t.Total, t.Done = p.Bytes()
	err = inParallel(ctx, len(p.blobs), func(ctx context.Context, i int) error {
		d := &download{client: c, plan: p, blob: p.blobs[i], tally: t}
		return d.run(ctx)
	})
	if err != nil {
		return t.fetched, err
	}
	return t.fetched, p.store.finish()
}

// Kept is the number of bytes of the plan that are on the disk now, in whole files and in parts.
func (p *Plan) Kept() int64 {
	total := int64(0)
	for _, b := range p.blobs {
		if h, err := p.store.here(b); err == nil {
			total += h.bytes
		}
	}
	return total
}

// checkSpace refuses a download that does not fit the disk.
func (c *Client) checkSpace(p *Plan) error {
	all, here := p.Bytes()
	if all == here {
		return nil
	}
	dir := filepath.Dir(p.blobs[0].partial)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%w; HF_HUB_CACHE chooses another folder for the cache", err)
	}
	if free, known := c.free(dir); known && free < all-here {
		return fmt.Errorf("%s: the download takes %s and the disk of %s has %s free; free some, or choose another disk with HF_HUB_CACHE",
			p.Ref, memory.Format(all-here), dir, memory.Format(free))
	}
	return nil
}

// tally counts bytes for all downloads of a plan.
type tally struct {
	mu sync.Mutex
	Progress
	fetched int64
	report  func(Progress)
}

// add counts bytes that came over the network.
func (t *tally) add(n int64) {
	t.mu.Lock()
	t.fetched += n
	t.mu.Unlock()
	t.move(n)
}

// move counts bytes that are here now, or, below 0, are thrown away.
func (t *tally) move(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Done += n
	if t.report != nil {
		t.report(t.Progress)
	}
}

// wait reports a file that another process downloads.
func (t *tally) wait(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.report != nil {
		p := t.Progress
		p.Waiting = name
		t.report(p)
	}
}

// download is the download of one blob.
type download struct {
	client *Client
	plan   *Plan
	blob   blob
	tally  *tally
}

func (d *download) run(ctx context.Context) (err error) {
	for _, path := range []string{d.blob.final, d.blob.partial, d.blob.lock} {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
	}
	unlock, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	f := d.blob.files[0]
	found, err := d.plan.store.here(d.blob) // another process may have been here
	if err != nil {
		return err
	}
	d.tally.move(found.bytes - f.Here)
	if !found.whole {
		if err := d.transfer(ctx, found.bytes); err != nil {
			return err
		}
	}
	return d.plan.store.enter(d.blob, !found.whole)
}

// acquire takes the lock of the blob, after the process that holds it.
func (d *download) acquire(ctx context.Context) (unlock func() error, err error) {
	lock := flock.New(d.blob.lock, flock.SetPermissions(0o666))
	held, err := lock.TryLock()
	if err == nil && !held {
		d.tally.wait(d.blob.files[0].Name)
		_, err = lock.TryLockContext(ctx, lockEvery)
	}
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), lock.Unlock())
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w; the file system may have no locks: choose another with HF_HUB_CACHE", d.blob.lock, err)
	}
	return lock.Unlock, nil
}
