package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Cache is the folder that holds the models of the hub. No method needs a network.
type Cache struct {
	Dir string // absolute
}

// DefaultCache is the cache that the variables name; see [FromEnvironment].
func DefaultCache() (Cache, error) {
	dir, err := environment{os.Getenv, os.UserHomeDir}.cache()
	return Cache{dir}, err
}

// minPrefix is the least number of digits of a commit that stands for the whole.
const minPrefix = 4

// missing says that the cache lacks a repo or a revision. It matches fs.ErrNotExist.
type missing struct{ text string }

func (e missing) Error() string { return e.text }

func (e missing) Is(target error) bool { return target == fs.ErrNotExist }

// Resolve returns the folder of a snapshot: that of the commit which the revision names, as refs has it, or of the one commit that begins
// with the revision. It looks only at names: a snapshot may lack files if a download of it chose some. An error that matches
// fs.ErrNotExist says that the cache lacks the repo or the revision.
func (c Cache) Resolve(r Ref) (string, error) {
	if err := errors.Join(checkRepo(r.Repo), checkRevision(r.Revision)); err != nil {
		return "", err
	}
	commit, err := c.commitOf(r)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(c.Dir, folderOf(r.Repo), "snapshots", commit)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", missing{fmt.Sprintf("the cache %s knows commit %s of %s, and has none of its files", c.Dir, commit, r)}
	}
	return folder, nil
}

// commitOf is the commit that a revision names.
func (c Cache) commitOf(r Ref) (string, error) {
	if isCommit(r.Revision) {
		return r.Revision, nil
	}
	repo := filepath.Join(c.Dir, folderOf(r.Repo))
	commits, err := c.commits(r.Repo)
	if err != nil {
		return "", err
	}
	path := filepath.Join(repo, "refs", filepath.FromSlash(r.Revision))
	switch commit, err := readSmall(path); {
	case err == nil && isCommit(commit):
		return commit, nil
	case err == nil:
		return "", fmt.Errorf("%s has %s, expected a commit of 40 hexadecimal digits; remove the file and pull %s again",
			path, quoted(commit), r)
	case !errors.Is(err, fs.ErrNotExist) && !isFolder(path): // refs/pr is a folder of the revision refs/pr/7
		return "", err
	}
	return c.commitOfPrefix(r, commits)
}

// commitOfPrefix is the one commit that begins with a revision.
func (c Cache) commitOfPrefix(r Ref, commits []string) (string, error) {
	var found []string
	if len(r.Revision) >= minPrefix && isHex(r.Revision) {
		for _, commit := range commits {
			if strings.HasPrefix(commit, r.Revision) {
				found = append(found, commit)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("the revision %s of %s begins %d commits of the cache: %s; give more digits",
			r.Revision, r.Repo, len(found), strings.Join(found, ", "))
	case len(commits) == 0:
		return "", missing{fmt.Sprintf("the cache %s has no repo %s", c.Dir, r.Repo)}
	}
	return "", missing{fmt.Sprintf("the cache %s has no revision %s of %s; it has %s@%s", c.Dir, r.Revision, r.Repo,
		r.Repo, strings.Join(commits, ", @"))}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// commits are the commits of a repo that have a snapshot, in order.
func (c Cache) commits(repo string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(c.Dir, folderOf(repo), "snapshots"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var commits []string
	for _, e := range entries {
		if isCommit(e.Name()) {
			commits = append(commits, e.Name())
		}
	}
	return commits, err
}

// Snapshot is what the cache has of one commit of a repo.
type Snapshot struct {
	Repo      string    `json:"repo"`
	Commit    string    `json:"commit"`
	Revisions []string  `json:"revisions,omitempty"` // branches and tags that name the commit
	Folder    string    `json:"folder"`
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"` // of these files; snapshots share equal files
	Modified  time.Time `json:"modified"`
}

// List returns the snapshots of the cache, ordered by repo and commit. Other folders, such as those of data sets, are passed over. A cache
// that does not exist has none. The cost is one look at each file.
func (c Cache) List() ([]Snapshot, error) {
	entries, err := os.ReadDir(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Snapshot
	for _, e := range entries {
		repo := repoOf(e.Name())
		if repo == "" {
			continue
		}
		snapshots, err := c.snapshots(repo)
		if err != nil {
			return nil, err
		}
		all = append(all, snapshots...)
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return cmp.Or(cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Commit, b.Commit)) })
	return all, nil
}

// snapshots are those of one repo.
func (c Cache) snapshots(repo string) ([]Snapshot, error) {
	commits, err := c.commits(repo)
	if err != nil {
		return nil, err
	}
	revisions, err := c.revisions(repo)
	if err != nil {
		return nil, err
	}
	var all []Snapshot
	for _, commit := range commits {
		s := Snapshot{Repo: repo, Commit: commit, Revisions: revisions[commit],
			Folder: filepath.Join(c.Dir, folderOf(repo), "snapshots", commit)}
		if err := s.count(); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// revisions are the branches and tags that refs has, by commit.
func (c Cache) revisions(repo string) (map[string][]string, error) {
	root := filepath.Join(c.Dir, folderOf(repo), "refs")
	names := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return fs.SkipAll // a repo that was pulled by commit has no refs
		}
		if err != nil || e.IsDir() {
			return err
		}
		commit, err := readSmall(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if isCommit(commit) {
			names[commit] = append(names[commit], filepath.ToSlash(name))
		}
		return err
	})
	return names, err
}

// count adds up the files of a snapshot.
func (s *Snapshot) count() error {
	return filepath.WalkDir(s.Folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := os.Stat(path) // through the link
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link whose blob was removed is no file
		}
		if err != nil {
			return err
		}
		s.Files++
		s.Bytes += info.Size()
		if info.ModTime().After(s.Modified) {
			s.Modified = info.ModTime()
		}
		return nil
	})
}
