package hub

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// parallel is the largest number of requests at a time.
const parallel = 4

// Plan is what a download will do.
type Plan struct {
	Ref
	Commit  string   // that the revision names today
	Folder  string   // absolute; where the files are afterwards
	Files   []File   // in the order of the hub's list
	LeftOut []string // files of the repo that are not wanted
	Notes   []string // what the user should know

	store store
	blobs []blob
}

// blob is what is downloaded once, and the files of the plan that have it.
type blob struct {
	paths
	files []File
}

// Bytes is the size of all files, and how many of these bytes are here. Files with one content in the cache count once.
func (p *Plan) Bytes() (all, here int64) {
	for _, b := range p.blobs {
		all += b.files[0].Size
		here += b.files[0].Here
	}
	return all, here
}

// Plan asks the hub for the files of a repo at a revision, and looks which of them are here. It writes nothing but notes of files that the
// hub lists and does not have.
//
// Without a pattern to include, the files are those that a model needs: *.json, *.safetensors, *.model, *.txt and *.jinja in the repo's
// folder and in those of the modules of sentence-transformers; pytorch_model*.bin in a folder without .safetensors; and the .gguf of a repo
// that has one and no other weights. Several are an error that lists them.
func (c *Client) Plan(ctx context.Context, r Ref, w Want) (*Plan, error) {
	if err := errors.Join(checkRepo(r.Repo), checkRevision(r.Revision)); err != nil {
		return nil, err
	}
	if err := c.checkOnline(r); err != nil {
		return nil, err
	}
	l, err := c.list(ctx, r)
	if err != nil {
		return nil, err
	}
	names, others, err := w.choose(l.files)
	if err != nil {
		return nil, input(fmt.Errorf("%s: %w", r, err))
	}
	p := &Plan{Ref: r, Commit: l.commit, LeftOut: others}
	if p.store, err = c.open(p, w.Folder); err != nil {
		return nil, err
	}
	if err := checkNames(names, w.Folder); err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	if err := c.describeAll(ctx, p, names); err != nil {
		return nil, err
	}
	p.note(l)
	return p, p.look()
}

// checkNames checks the names that become paths.
func checkNames(names []string, folder string) error {
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return fmt.Errorf("the hub lists a file that is refused: %w", err)
		}
		if folder != "" && isOwnFolder(name) {
			return fmt.Errorf("the hub lists the file %s, where downloads keep their state; leave it out with --exclude", quoted(name))
		}
	}
	return checkClashes(names)
}

// describeAll asks for the sizes and hashes of files. The first error ends the others.
func (c *Client) describeAll(ctx context.Context, p *Plan, names []string) error {
	p.Files = make([]File, len(names))
	return inParallel(ctx, len(names), func(ctx context.Context, i int) error {
		f, err := c.describe(ctx, p.Ref, p.Commit, names[i])
		p.Files[i] = f
		var status *StatusError
		if errors.As(err, &status) && status.Code == "EntryNotFound" {
			return errors.Join(err, p.store.absent(names[i]))
		}
		return err
	})
}

// note tells what the hub's answers mean for the user.
func (p *Plan) note(l listing) {
	if l.repo != "" && l.repo != p.Repo && checkRepo(l.repo) == nil {
		p.Notes = append(p.Notes, fmt.Sprintf("the hub calls %s %s now; the cache has it under the name that was given", p.Repo, l.repo))
	}
	var unchecked []string
	for _, f := range p.Files {
		if f.Hash == "" {
			unchecked = append(unchecked, f.Name)
		}
	}
	if len(unchecked) > 0 {
		p.Notes = append(p.Notes, "the server gives no hash of these files, so only their sizes are checked: "+strings.Join(unchecked, ", "))
	}
	if !slices.ContainsFunc(p.Files, func(f File) bool { return isWeights(f.Name) || isGGUF(f.Name) }) {
		p.Notes = append(p.Notes, "no weights are among the files (.safetensors, pytorch_model*.bin, .gguf)")
	}
}

// look groups the files by what is downloaded, and finds what is here.
func (p *Plan) look() error {
	index := map[string]int{}
	total := int64(0)
	for _, f := range p.Files {
		at := p.store.paths(f)
		i, ok := index[at.final]
		if !ok {
			i = len(p.blobs)
			index[at.final] = i
			p.blobs = append(p.blobs, blob{paths: at})
			if f.Size > math.MaxInt64-total {
				return fmt.Errorf("%s: the files have more bytes than a 64-bit number can count; check HF_ENDPOINT", p.Ref)
			}
			total += f.Size
		}
		p.blobs[i].files = append(p.blobs[i].files, f)
	}
	here := map[string]int64{}
	for i := range p.blobs {
		if err := p.lookAt(&p.blobs[i], here); err != nil {
			return err
		}
	}
	for i := range p.Files {
		p.Files[i].Here = here[p.Files[i].Name]
	}
	return nil
}

// lookAt finds how much of one blob is here.
func (p *Plan) lookAt(b *blob, here map[string]int64) error {
	for _, f := range b.files[1:] {
		if f.Size != b.files[0].Size {
			return fmt.Errorf("%s: the files %s and %s have one ETag and other sizes; check HF_ENDPOINT",
				p.Ref, quoted(f.Name), quoted(b.files[0].Name))
		}
	}
	h, err := p.store.here(*b)
	for i := range b.files {
		b.files[i].Here = h.bytes
		here[b.files[i].Name] = h.bytes
	}
	return err
}

// open returns the store of a plan and sets the plan's folder.
func (c *Client) open(p *Plan, folder string) (store, error) {
	if folder == "" {
		p.Folder = filepath.Join(c.cache.Dir, folderOf(p.Repo), "snapshots", p.Commit)
		return &cacheStore{cache: c.cache, ref: p.Ref, commit: p.Commit, copyFiles: c.config.CopyFiles}, nil
	}
	dir, err := filepath.Abs(folder)
	p.Folder = dir
	return &folderStore{dir: dir, commit: p.Commit}, err
}

// inParallel calls f for 0 to n−1, at most [parallel] at a time. The first error cancels the context of the others and is returned.
func inParallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, parallel) {
		workers.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err) // the first counts
				}
			}
		})
	}
	for i := range n {
		if context.Cause(ctx) != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
