package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxShards bounds the shards of a model: what the five digits of their names can count.
const maxShards = 99_999

// split is what a file says of its place among shards.
type split struct {
	no, count, tensors int64
}

// split reads the split.* keys; the zero value is a file that is whole.
func (h *header) split() (split, error) {
	var s split
	for _, field := range []struct {
		key string
		to  *int64
	}{{"split.no", &s.no}, {"split.count", &s.count}, {"split.tensors.count", &s.tensors}} {
		v, ok := h.values[field.key]
		if !ok {
			continue
		}
		if *field.to, ok = v.int(0); !ok || v.kind == KindArray || *field.to < 0 {
			return s, malformed("key %q is %v; a number of 0 or more was expected", field.key, v)
		}
	}
	if s.count > maxShards || s.count > 1 && s.no >= s.count {
		return s, malformed("it says that it is shard %d of %d", s.no+1, s.count)
	}
	return s, nil
}

var shardName = regexp.MustCompile(`^(.*)-[0-9]{5}-of-([0-9]{5})\.gguf$`)

// shardPaths names all shards beside path, and reports those that are missing.
func shardPaths(path string, count int64) ([]string, error) {
	parts := shardName.FindStringSubmatch(filepath.Base(path))
	if parts == nil || parts[2] != fmt.Sprintf("%05d", count) {
		return nil, fmt.Errorf("%s: it is one of %d shards, and its name does not end in -00001-of-%05d.gguf or the like; "+
			"give the shards the names that they were published with", path, count, count)
	}
	var paths, missing []string
	for i := range count {
		name := fmt.Sprintf("%s-%05d-of-%05d.gguf", parts[1], i+1, count)
		p := filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, name)
		}
		paths = append(paths, p)
	}
	const shown = 5
	if n := len(missing); n > shown {
		missing = append(missing[:shown], fmt.Sprintf("… (%d in all)", n))
	}
	if missing != nil {
		return nil, fmt.Errorf("%s: it is one of %d shards, and these are not beside it: %s; download them",
			path, count, strings.Join(missing, ", "))
	}
	return paths, nil
}

// openSplit opens all shards of the model of which path, whose split is s, is one.
func openSplit(path string, s split) (f *File, err error) {
	paths, err := shardPaths(path, s.count)
	if err != nil {
		return nil, err
	}
	var shards []shard
	defer func() {
		for i := range shards {
			if err != nil {
				err = errors.Join(err, shards[i].close())
			}
		}
	}()
	var headers []*header
	for i, p := range paths {
		one, h, err := openShard(p)
		if err != nil {
			return nil, err
		}
		shards, headers = append(shards, one), append(headers, h)
		if own, err := h.split(); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		} else if own.count != s.count || own.no != int64(i) {
			return nil, fmt.Errorf("%s: it says that it is shard %d of %d; %d of %d was expected: the shards are of different models, or renamed",
				p, own.no+1, own.count, i+1, s.count)
		}
	}
	if f, err = newFile(shards, headers); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := int64(len(f.entries)); s.tensors > 0 && n != s.tensors {
		return nil, fmt.Errorf("%s: the shards hold %d tensors; %d were expected", path, n, s.tensors)
	}
	return f, nil
}
